"""The check of the built documentation finds what is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_site.py"
GOOD = """
<h1 id="top">A</h1> <a name="old"></a> <a href="#top">up</a> <a href="b/c.html?x=1#p%20q">c</a>
<a href="b/">folder</a> <a href="https://example.org/none">elsewhere</a> <a href="mailto:a@b">m</a>
<img src="a.png" alt="What it shows"> <img src="data:image/png;base64,AA" alt="Inline">
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / "_static").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "b" / "index.html").write_text('<p id="x">b</p>')
    (tmp_path / "b" / "c.html").write_text(
        '<p id="p q">c</p> <a href="../index.html#old">back</a>'
    )
    (tmp_path / "_static" / "template.html").write_text('<a href="{{ nowhere }}">template</a>')
    (tmp_path / "a.png").write_bytes(b"")
    return tmp_path


def check(site: Path) -> tuple[int, str]:
    command = [sys.executable, str(SCRIPT), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_whole_site_passes(site):
    assert check(site) == (0, "3 pages: all links and images hold\n")


def test_what_is_broken_is_named(site):
    broken = {
        '<a href="d.html">d</a>': "d.html: no such file",
        '<a href="index.html#bottom">d</a>': "index.html#bottom: no such anchor",
        '<a href="#bottom">d</a>': "#bottom: no such anchor",
        '<img src="lost.png" alt="Lost">': "lost.png: no such file",
        '<link rel="stylesheet" href="lost.css">': "lost.css: no such file",
        '<script src="lost.js"></script>': "lost.js: no such file",
        '<img src="b/a.png">': "b/a.png: the image has no alternative text",
        '<img src="a.png" alt=" ">': "a.png: the image has no alternative text",
        '<img src="data:," alt="data:,">': "data:,: the image has no alternative text",
    }
    (site / "b" / "a.png").write_bytes(b"")
    (site / "bad.html").write_text("\n".join(broken))
    status, said = check(site)
    assert status == 1
    assert sorted(said.splitlines()) == sorted(f"bad.html: {text}" for text in broken.values())


def test_an_empty_folder_is_no_site(tmp_path):
    assert check(tmp_path) == (1, f"{tmp_path} has no page.\n")
