"""Short runs of the script that tries odd data, damaged files, kills and pickles."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "fuzz.py"
# as it is, and with a reader that opens pickles and an error that is no message of ours
RUNS = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
import fuzz
from modis import MODIS
few = {"setups": 20, "queries": 10, "files": 3, "models": 6, "kills": 1}
assert fuzz.main(["--seed=1", *(f"--{name}={n}" for name, n in few.items())]) == 0
print("BROKEN")
fuzz.read_links = lambda path: pickle.loads(path.read_bytes())
MODIS.get_latent_representation = lambda *_, **__: [][1]
sys.exit(fuzz.main(["--setups=10", "--queries=0", "--files=0", "--models=0", "--kills=0"]))
"""


def test_short_runs_find_what_there_is(tmp_path):
    """In a process of its own, which forks."""
    command = [sys.executable, "-c", RUNS, str(SCRIPT.parent)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert "BROKEN" in found.stdout, found.stdout + found.stderr[-2000:]
    assert found.returncode == 1
    whole, broken = found.stdout.split("BROKEN")
    assert "pickles: {'refused': 25}" in whole
    assert "IndexError" in broken
    assert "executed a pickle" in broken
