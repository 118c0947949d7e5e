"""Check the built documentation without a network: links, images, code, and the size of pages.

Every link within the site leads to a file that is there, and to an anchor in it; every image is
there and says in words what it shows; no page asks another server for a script, a style or an
image; no section is empty; no page and no line of code is too long. Links to other sites are for
``make -C docs linkcheck``.
"""

from __future__ import annotations

import argparse
import math
import sys
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from PIL import Image

# where an address may stand
_ADDRESSES = {"a": "href", "img": "src", "link": "href", "script": "src", "source": "src"}
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]

#: Pixels, in a window of 1,280: about six screens. Lists that are searched and not read have no
#: limit.
LONGEST = 8000
#: Characters of a line of code that a window of 1,280 shows.
LONGEST_LINE = 92
_SEARCHED = ("genindex.html", "py-modindex.html", "search.html")
# The height is estimated: characters in a line, pixels of a line and of the space around a block.
# A browser showed these pages within 15 % of it.
_WIDTH = 740
_TEXT = {"p": (94, 26, 18), "li": (90, 26, 4), "dt": (90, 26, 8), "dd": (90, 26, 4)}
_TEXT |= {"figcaption": (100, 25, 18), "summary": (90, 26, 24), "pre": (10_000, 19, 40)}
_TEXT |= {"h1": (36, 50, 30), "h2": (48, 42, 36), "h3": (60, 36, 28)}
_TEXT |= dict.fromkeys(["h4", "h5", "h6"], (70, 30, 22))
_ROW = (92, 22, 14)  # of a table
_FORMULA = 90


class Page:
    """What a page links to, what can be linked to in it, and how much there is to read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        self.article = self.soup.find("article") or self.soup

    @cached_property
    def anchors(self) -> set[str]:
        named = {tag["name"] for tag in self.soup.find_all("a", attrs={"name": True})}
        return named | {tag["id"] for tag in self.soup.find_all(id=True)}

    @cached_property
    def addresses(self) -> dict[str, bool]:
        """Every address, and whether a browser gets it by itself."""
        found: dict[str, bool] = {}
        for tag in self.soup.find_all(list(_ADDRESSES)):
            address = tag.get(_ADDRESSES[tag.name])
            if address:
                found[address] = found.get(address, False) or tag.name != "a"
        return found

    def images_without_text(self) -> list[str]:
        images = [(tag.get("src", ""), tag.get("alt", "")) for tag in self.soup.find_all("img")]
        return [source for source, text in images if not text.strip() or text == source]

    def empty_sections(self) -> list[str]:
        """Titles of sections that hold nothing but their title."""
        found = []
        for section in self.article.find_all("section"):
            title = section.find(_HEADINGS)
            rest = [part for part in section.children if isinstance(part, Tag) and part != title]
            if not any(_text(part) or part.find(["img", "svg", "table"]) for part in rest):
                found.append(_text(title) if title else "without a title")
        return found

    def long_lines(self) -> list[str]:
        """Lines of code that would be cut; what a notebook printed is wrapped."""
        code = self.article.select("div.highlight pre")
        own = [block for block in code if not block.find_parent(class_="cell_output")]
        lines = [line for block in own for line in block.get_text().splitlines()]
        return [line for line in lines if len(line) > LONGEST_LINE]

    def height(self) -> int:
        """Estimated height of the article; what is folded counts as its summary."""
        shown = [tag for tag in self.article.find_all(True) if not _is_hidden(tag)]
        total = sum(_height(tag, *_TEXT[tag.name]) for tag in shown if tag.name in _TEXT)
        total += sum(map(_table_height, (tag for tag in shown if tag.name == "table")))
        total += sum(self._image_height(tag) for tag in shown if tag.name in ("img", "svg"))
        total += sum(
            _FORMULA for tag in shown if "math" in tag.get("class", []) and tag.name == "div"
        )
        return total

    def _image_height(self, tag: Tag) -> int:
        if tag.name == "svg":
            *_, width, height = map(float, str(tag.get("viewbox", "0 0 1 0")).split())
        else:
            source = self.path.parent / unquote(urlsplit(str(tag.get("src"))).path)
            if source.suffix == ".svg" or not source.is_file():
                return 0
            with Image.open(source) as image:
                width, height = image.size
        wanted = _WIDTH if "100%" in str(tag.get("style")) else min(_WIDTH, width)
        return round(height * wanted / width) + 20


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().split()).strip("#¶ ")


def _is_hidden(tag: Tag) -> bool:
    if tag.name != "table" and tag.find_parent("table"):
        return True  # counted by rows
    if "toctree-wrapper" in tag.get("class", []) or tag.find_parent(class_="toctree-wrapper"):
        return True
    folded = [each for each in tag.find_parents("details") if not each.has_attr("open")]
    return bool(folded) and not (len(folded) == 1 and tag.name == "summary")


def _height(tag: Tag, characters: int, line: int, space: int) -> int:
    if tag.name == "pre":
        return line * len(tag.get_text().rstrip().splitlines()) + space
    own = [part for part in tag.children if not (isinstance(part, Tag) and part.name in _BLOCKS)]
    text = " ".join(" ".join(part.get_text() for part in own).split()).strip("#¶ ")
    return line * math.ceil(len(text) / characters) + space if text else 0


_BLOCKS = {*_TEXT, "ul", "ol", "dl", "div", "table", "details", "section"}


def _table_height(table: Tag) -> int:
    """Of a table whose columns share the width as their longest cells do."""
    characters, line, space = _ROW
    rows = [[len(_text(cell)) for cell in row.find_all(["td", "th"])] for row in table("tr")]
    n_columns = max(map(len, rows), default=0)
    cells = [row + [0] * (n_columns - len(row)) for row in rows]
    widest = [max(column) for column in zip(*cells, strict=True)]
    scale = min(1.0, characters / max(sum(widest), 1))
    room = [max(wide * scale, 6) for wide in widest]
    lines = [max(math.ceil(n / own) for n, own in zip(row, room, strict=True)) for row in cells]
    return sum(line * max(n, 1) + space for n in lines)


def _pages(site: Path) -> list[Path]:
    # themes keep templates among their static files; _modules is the source code
    pages = sorted(site.rglob("*.html"))
    return [path for path in pages if not {"_static", "_modules"} & set(path.parts)]


def problems(site: Path) -> list[str]:
    """What is wrong with the pages of a folder, a line each."""
    pages = {path.resolve(): Page(path.resolve()) for path in _pages(site)}
    if not pages:
        return [f"{site} has no page."]
    found = []
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for address, is_fetched in page.addresses.items():
            reason = _broken(address, is_fetched, path, pages)
            if reason:
                found.append(f"{where}: {address}: {reason}")
        found += [
            f"{where}: {source[:80]}: the image has no alternative text"
            for source in page.images_without_text()
        ]
        found += [f"{where}: section '{title}' is empty" for title in page.empty_sections()]
        found += [f"{where}: line of {len(line)} characters: {line}" for line in page.long_lines()]
        if where.name not in _SEARCHED and page.height() > LONGEST:
            found.append(f"{where}: about {page.height():,} pixels long, {LONGEST:,} are allowed")
    return found


def _broken(address: str, is_fetched: bool, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(address)
    if is_fetched and parts.netloc:
        return "from another server"
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
    parser.add_argument("--heights", action="store_true", help="print the height of every page")
    arguments = parser.parse_args()
    if arguments.heights:
        for path in _pages(arguments.site):
            print(f"{Page(path).height():6d}  {path.relative_to(arguments.site)}")
    found = problems(arguments.site)
    good = f"{len(_pages(arguments.site))} pages: links, images, code and sizes hold"
    print("\n".join(found) or good)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
