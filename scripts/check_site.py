"""Check the built documentation without a network: links, anchors and images.

Every link within the site leads to a file that is there, and to an anchor in it; every image is
there and says in words what it shows. Links to other sites are for ``make -C docs linkcheck``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# where an address may stand
_ADDRESSES = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "src"}


@dataclass
class Page:
    """What a page links to, and what can be linked to in it."""

    anchors: set[str] = field(default_factory=set)
    addresses: list[str] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("id", "name") if tag == "a" else ("id",):
            if given.get(name):
                self.page.anchors.add(str(given[name]))
        address = given.get(_ADDRESSES.get(tag, ""))
        if address:
            self.page.addresses.append(address)
        if tag == "img":
            self.page.images.append(given)


def read(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.page


def _pages(site: Path) -> list[Path]:
    # themes keep templates among their static files
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


def problems(site: Path) -> list[str]:
    """What is wrong with the pages of a folder, a line each."""
    pages = {path.resolve(): read(path) for path in _pages(site)}
    if not pages:
        return [f"{site} has no page."]
    found = []
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for address in dict.fromkeys(page.addresses):
            reason = _broken(address, path, pages)
            if reason:
                found.append(f"{where}: {address}: {reason}")
        for image in page.images:
            alt, source = (image.get("alt") or "").strip(), image.get("src") or ""
            if not alt or alt == source:
                found.append(f"{where}: {source[:80]}: the image has no alternative text")
    return found


def _broken(address: str, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(address)
    # another site, an address of mail, or data
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if not anchor or target not in pages or anchor in pages[target].anchors:
        return ""
    return "no such anchor"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="folder with the built html")
    site = parser.parse_args().site
    found = problems(site)
    print("\n".join(found) or f"{len(_pages(site))} pages: all links and images hold")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
