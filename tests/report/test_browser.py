import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

import modis.report

PROBE = Path(__file__).with_name("probe.html")
SCRIPT = Path(modis.report.__file__).with_name("tables.js")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--allow-file-access-from-files --enable-logging=stderr --virtual-time-budget=20000 "
    "--window-size=1400,1000"
).split() + ["--host-resolver-rules=MAP * ~NOTFOUND"]
WIDTHS = (1280, 390)
# numbers as texts would have 10 before 9; nothing, a name among numbers, rows for all others
SMALL = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Small</title></head>
<body><table class="sortable"><thead><tr><th scope="col">Name</th><th scope="col">Value</th></tr>
</thead><tbody>
<tr><th>type 10</th><td>9</td></tr><tr><th>type 9</th><td>\N{EN DASH}</td></tr>
<tr><th>Type 2</th><td data-value="1000">1,000</td></tr><tr><th>b</th><td></td></tr>
<tr><th>a</th><td>-2.5</td></tr><tr><th>c</th><td>10</td></tr>
<tr class="sum"><th>all</th><td>1</td></tr></tbody></table><script>SCRIPT</script></body></html>"""


@pytest.fixture(scope="module")
def browser():
    named = os.environ.get("MODIS_BROWSER")
    if named and shutil.which(named) is None:
        pytest.fail(f"MODIS_BROWSER names no program: {named}", pytrace=False)
    found = next((name for name in (named, *BROWSERS) if name and shutil.which(name)), None)
    if found is None:
        pytest.skip("no Chromium or Chrome on the PATH; MODIS_BROWSER may name one")
    return found


def visit(browser, pages, home, *options):
    """What the probe sees on pages of some widths, and what the console says."""
    wanted = [{"url": path.resolve().as_uri(), "width": width} for path, width in pages]
    probe = f"{PROBE.resolve().as_uri()}#{quote(json.dumps(wanted))}"
    command = [browser, *OPTIONS, f"--user-data-dir={home}", *options, "--dump-dom", probe]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    found = re.search(r'<pre id="seen">([^<]*)</pre>', done.stdout)
    assert found is not None, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(unquote(found.group(1))), console


@pytest.fixture(scope="module")
def seen(browser, results, tmp_path_factory):
    """The report at a desk, on a phone and at night, and a small table."""
    folder = tmp_path_factory.mktemp("browser")
    small, report = folder / "small.html", results[1] / "report.html"
    script = SCRIPT.read_text(encoding="utf-8")
    small.write_text(SMALL.replace("SCRIPT", script), encoding="utf-8")
    pages = [*((report, width) for width in WIDTHS), (small, 800)]
    day, errors = visit(browser, pages, folder / "day")
    dark = "--blink-settings=preferredColorScheme=0"
    night, more = visit(browser, [(report, 1280)], folder / "night", dark)
    assert errors == more == []
    return [*day[:2], *night, day[2]]


@pytest.mark.parametrize("at", range(3))
def test_report_is_seen_in_full(seen, at):
    page, width = seen[at], [*WIDTHS, 1280][at]
    assert [name for name in page["requests"] if not name.startswith("data:")] == []
    assert page["dead"] == []
    assert width - 20 <= page["width"] <= width
    assert page["needed"] <= page["width"]
    assert len(page["images"]) == 5
    for image in page["images"]:
        assert image["natural"] > 300
        assert min(image["width"], image["height"]) > 80
        assert len(image["alt"]) > 20
    assert (max(page["page"]) < 50) == (at == 2)
    assert page["faint"][0] >= 4.5, page["faint"]


def test_numbers_are_sorted_as_numbers_and_nothing_comes_last(seen):
    ((name, value),) = seen[-1]["tables"]
    before, up, down, again = (state["cells"] for state in value["states"])
    nothing = ["\N{EN DASH}", ""]
    assert up == ["-2.5", "9", "10", "1,000", *nothing, "1"]
    assert down == ["1,000", "10", "9", "-2.5", *nothing, "1"]
    assert again == before == ["9", "\N{EN DASH}", "1,000", "", "-2.5", "10", "1"]
    assert name["states"][1]["cells"] == ["a", "b", "c", "Type 2", "type 9", "type 10", "all"]


def test_every_column_of_the_report_sorts(seen):
    tables = seen[0]["tables"]
    assert len(tables) == 5
    for head in (head for table in tables for head in table):
        assert head["focused"], f"{head['name']} cannot be reached with the keyboard"
        states = head["states"]
        assert [state["sort"] for state in states] == ["none", "ascending", "descending", "none"]
        # never two columns at once
        assert [state["sorted"] for state in states[1:]] == [1, 1, 0]
        assert states[0]["cells"] == states[3]["cells"]
        assert sorted(states[0]["cells"]) == sorted(states[1]["cells"])
    # the recall is a number, whatever is written around it
    (recall,) = [head for head in tables[1] if head["name"] == "methylation"]
    written = [cell.partition("%")[0] for cell in recall["states"][1]["cells"]]
    shares = [float(re.sub(r"[<>\s]", "", text)) for text in written]
    assert shares == sorted(shares)
