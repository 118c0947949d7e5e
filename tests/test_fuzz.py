"""A short run of the script that tries odd data, damaged files, kills and pickles."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "fuzz.py"


def test_a_short_run_finds_nothing(tmp_path):
    """In a process of its own, which forks."""
    few = ["--setups", "40", "--queries", "20", "--files", "4", "--models", "10", "--kills", "1"]
    command = [sys.executable, str(SCRIPT), *few, "--seed", "1"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    assert "pickles: {'refused': 25}" in found.stdout


def test_a_reader_that_opens_pickles_is_found(tmp_path):
    """And what is no message of ours."""
    broken = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
import fuzz
from modis import MODIS
fuzz.read_links = lambda path: pickle.loads(path.read_bytes())
MODIS.get_latent_representation = lambda *_, **__: [][1]
none = [f"--{name}=0" for name in ("queries", "files", "models", "kills")]
sys.exit(fuzz.main(["--setups=20", *none]))
"""
    command = [sys.executable, "-c", broken, str(SCRIPT.parent)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert found.returncode == 1
    assert "IndexError" in found.stdout
    assert "executed a pickle" in found.stdout
