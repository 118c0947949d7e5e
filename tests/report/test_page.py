import os
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from importlib.metadata import version
from unittest import mock

import pytest

from modis.report._figures import draw_figures
from modis.report._page import cautions, share, write_page

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Tags with their attributes, and texts; every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.open = []
        self.texts = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def page(results):
    return Page((results[1] / "report.html").read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(page):
    assert not {"link", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not {"srcset", "action", "poster", "data", "background"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
        if "src" in attributes:
            assert tag == "img"
            assert (attributes["src"] or "").startswith("data:image/png;base64,")
    for word in ("url(", "@import", "import(", "fetch(", "XMLHttpRequest", "http:", "https:"):
        assert not any(word in text for text in page.texts)


def test_contents_lead_to_sections(page):
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    sections = [attributes.get("id") for tag, attributes in page.tags if tag == "h2"]
    assert [f"#{name}" for name in sections] == links
    assert len(set(links)) == len(links) == 10


def test_what_a_reader_must_know(page):
    text = " ".join(" ".join(page.texts).split())
    assert f"by modis-omics {version('modis-omics')} with modis fit cohort.h5mu" in text
    assert "114 observations of methylation, expression and protein" in text
    assert "MODIS was trained on 84 observations" in text
    assert "The other 30 observations were held out" in text
    assert 'translate("methylation", "expression", mdata)' in text
    assert "logistic regression" in text
    assert "chance 20.0" in text
    assert "How much lower the error is than that of the average profile" in text
    # names from the data are text; one b is the page's own
    assert r"A & <b>bold</b> $\foo{$" in page.texts
    assert "could not be drawn" not in text
    assert [tag for tag, _ in page.tags].count("b") == 1


def test_figures_of_the_page_are_those_of_the_tables(results, page):
    metrics = results[0].metrics
    chosen = metrics["metric"].isin(["balanced_accuracy", "recall"])
    for value in metrics.loc[chosen & (metrics["split"] == "test"), "value"]:
        assert share(value) in page.texts


def test_a_figure_that_fails_costs_no_other(results, tmp_path):
    fails = mock.patch("modis.pl.confusion", side_effect=TypeError("no font"))
    with fails, pytest.warns(UserWarning, match=r"confusion\.png could not be drawn: no font"):
        drawn = draw_figures(results[0], tmp_path)
    assert {"latent_umap.png", "class_counts.png"} <= set(drawn) == set(os.listdir(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "100 %"), (0.99999, "> 99.9 %"), (0.5, "50.0 %"), (1e-5, "< 0.1 %"), (0.0, "0 %")],
)
def test_shares_are_never_rounded_to_all_or_nothing(value, text):
    assert share(value).replace("\N{NO-BREAK SPACE}", " ") == text


def altered(results, **changes):
    """The results with changes, of which the rival is none and takes seconds."""
    made = replace(results, **changes)
    made.__dict__["rival"] = results.rival
    return made


def test_found_in_the_numbers(results):
    found = cautions(results[0])
    assert found["unseen"] == {"class_3": ["protein"]}
    # six test samples of each class in each modality: enough
    assert found["few"] == {}
    judged = results[0].translations
    assert judged is not None
    errors = 0 * judged.errors
    errors.loc["protein", "expression"] = error = 2 * judged.average["expression"]
    found = cautions(replace(results[0], translations=replace(judged, errors=errors)))
    assert found["uninformative"] == [("protein", "expression", error)]


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        (
            {"mixing": 0.25},
            [
                "class_3 has no training sample in protein. There, the model must",
                "do not mix within a class (mixing 0.25; 1 is perfect",
                "Note &amp; more",
            ],
            ["Too few", "No classes were learned", "No observation was held out"],
        ),
        ({"mixing": 0.75}, [], ["do not mix"]),
        (
            {"translations": None},
            ["Too few test samples were measured in two modalities"],
            ["These translations are not better"],
        ),
    ],
)
def test_sentences(changes, said, unsaid, results, tmp_path):
    write_page(altered(results[0], **changes), tmp_path, figures=[], notes=["Note & more"])
    text = " ".join((tmp_path / "report.html").read_text(encoding="utf-8").split())
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []


def test_counts_are_named(results, tmp_path):
    cohort = results[0].cohort
    likelihood = cohort.likelihood | dict.fromkeys(("expression", "protein"), "nb")
    counted = altered(results[0], cohort=replace(cohort, likelihood=likelihood))
    shutil.copy(results[1] / "translation.png", tmp_path)
    write_page(counted, tmp_path, figures=["translation.png"], notes=[])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Counts (expression, protein) are compared as log(1 + count)." in text
