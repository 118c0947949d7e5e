from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from modis.report._page import share

if TYPE_CHECKING:
    from pathlib import Path

    from modis.report._results import Results

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Tags, attributes and text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def html(results: tuple[Results, Path]) -> str:
    return (results[1] / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_nothing_is_loaded_from_elsewhere(html: str, page: Page) -> None:
    assert not {"link", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not {"srcset", "action", "poster", "data", "background"} & set(attributes)
        if "src" in attributes:
            assert tag == "img"
            assert (attributes["src"] or "").startswith("data:image/png;base64,")
        if "href" in attributes:
            assert (attributes["href"] or "").startswith("#")
    for word in ("url(", "@import", "import(", "fetch(", "XMLHttpRequest", "http:", "https:"):
        assert word not in html


def test_contents_lead_to_sections(page: Page) -> None:
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    sections = [attributes.get("id") for tag, attributes in page.tags if tag == "h2"]
    assert [f"#{name}" for name in sections] == links
    assert len(set(links)) == len(links) == 8


def test_who_made_it(page: Page) -> None:
    text = " ".join(" ".join(page.texts).split())
    assert f"by modis-omics {version('modis-omics')} with modis fit cohort.h5mu" in text


def test_images_have_alternative_texts(page: Page) -> None:
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 5
    assert all(len(image["alt"] or "") > 20 for image in images)


def test_names_from_the_data_are_text(page: Page) -> None:
    assert "A & <b>bold</b>" in page.texts
    assert [tag for tag, _ in page.tags].count("b") == 1  # how to cite


def test_what_a_reader_must_know(page: Page) -> None:
    text = " ".join(" ".join(page.texts).split())
    assert "114 observations of methylation, expression and protein" in text
    assert "Important features" in text
    assert "modis fit cohort.h5mu" in text
    assert "Lepe-Soltero" in text
    assert 'translate("methylation", "expression", mdata)' in text


def test_headline_figures_are_those_of_the_table(
    results: tuple[Results, Path], page: Page
) -> None:
    metrics = results[0].metrics
    chosen = (metrics["split"] == "test") & (metrics["metric"] == "balanced_accuracy")
    for value in metrics.loc[chosen, "value"]:
        assert share(value) in page.texts


def test_leading_features_are_those_of_the_table(
    results: tuple[Results, Path], page: Page
) -> None:
    importance = results[0].importance
    assert importance is not None
    for row in importance[importance["rank"] == 1].itertuples():
        arrow = "↑" if row.direction == "up" else "↓"
        assert f"{row.feature}\N{NO-BREAK SPACE}{arrow}" in page.texts


def test_phones_and_dark_screens(html: str) -> None:
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html
    # every table and figure that may be wider than a phone scrolls by itself
    assert len(re.findall("<table", html)) == len(re.findall('class="wide"', html))
    assert len(re.findall('<table class="sortable"', html)) == len(re.findall("<table", html)) == 4


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "100 %"), (0.99999, "> 99.9 %"), (0.5, "50.0 %"), (1e-5, "< 0.1 %"), (0.0, "0 %")],
)
def test_shares_are_never_rounded_to_all_or_nothing(value: float, text: str) -> None:
    assert share(value).replace("\N{NO-BREAK SPACE}", " ") == text
