import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

PROBE = Path(__file__).with_name("probe.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--allow-file-access-from-files --enable-logging=stderr --virtual-time-budget=20000 "
    "--window-size=1400,1000"
).split() + ["--host-resolver-rules=MAP * ~NOTFOUND"]
WIDTHS = (1280, 390)


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
    """The report at a desk, on a phone and at night."""
    folder, report = tmp_path_factory.mktemp("browser"), results[1] / "report.html"
    day, errors = visit(browser, [(report, width) for width in WIDTHS], folder / "day")
    dark = "--blink-settings=preferredColorScheme=0"
    night, more = visit(browser, [(report, 1280)], folder / "night", dark)
    assert errors == more == []
    return [*day, *night]


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
