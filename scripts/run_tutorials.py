"""Run the notebooks of tutorials/ and write their outputs back, or only see that they run.

    python scripts/run_tutorials.py                 every notebook, outputs written into it
    python scripts/run_tutorials.py quickstart      this one
    python scripts/run_tutorials.py --smoke         smaller and quicker, nothing written

A notebook that is long to run names smaller values for the smoke run in its own metadata:
`"modis": {"smoke": {"n_samples": 300, "max_epochs": 2}}`. They are set right after the cell
tagged `parameters`, the one that gives these names their values for the reader.

A notebook on public data names the data set that it downloads,
`"modis": {"dataset": "tcga_rare"}`. Where it cannot be downloaded, the smoke run skips the
notebook and says why; the full run fails. MODIS_SHARED_DATA names a folder whose subfolder `raw`
has the files, to run without a network.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

TUTORIALS = Path(__file__).resolve().parents[1] / "tutorials"


def with_smaller_values(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    values = notebook.metadata.get("modis", {}).get("smoke", {})
    if not values:
        return notebook
    for position, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
            notebook.cells.insert(position + 1, nbformat.v4.new_code_cell(source))
            return notebook
    raise SystemExit("smoke values, but no cell is tagged `parameters` to set them after")


def run(path: Path, smoke: bool, timeout: int) -> bool:
    notebook = nbformat.read(path, as_version=4)
    if smoke:
        notebook = with_smaller_values(notebook)
    environment = dict(os.environ)
    dataset = notebook.metadata.get("modis", {}).get("dataset")
    if dataset and (shared := os.environ.get("MODIS_SHARED_DATA")):
        environment["MODIS_DATA_DIR"] = str(Path(shared, "raw", dataset))
    started = time.perf_counter()
    # A folder of its own: what a notebook saves must not end up in the checkout.
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            if smoke and error.ename == "ConnectionError":
                print(f"{path.name}: skipped, {error.evalue}")
                return True
            print(f"{path.name}: failed\n{error}", file=sys.stderr)
            return False
    if not smoke:
        for cell in notebook.cells:
            # when a cell ran is in no reader's interest and in every diff
            cell.metadata.pop("execution", None)
            if "outputs" in cell:
                # the site shows no warnings either, and they name paths of this machine
                cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - started:.0f} s")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tutorials.")
    parser.add_argument("names", nargs="*", help="notebooks without .ipynb; all if none is given")
    parser.add_argument("--smoke", action="store_true", help="quick run, nothing written")
    parser.add_argument("--timeout", type=int, default=600, help="seconds a cell may take")
    parser.add_argument("--processes", type=int, default=1, help="notebooks at a time")
    options = parser.parse_args()

    paths = [TUTORIALS / f"{name}.ipynb" for name in options.names]
    paths = paths or sorted(TUTORIALS.glob("*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        print(f"no such notebook: {', '.join(missing) or TUTORIALS}", file=sys.stderr)
        return 2
    # the kernels inherit what is set here
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    # threads suffice: each waits for the process of its notebook's kernel
    with ThreadPoolExecutor(options.processes) as pool:
        # every notebook runs, whatever became of the one before
        passed = list(pool.map(lambda path: run(path, options.smoke, options.timeout), paths))
    print(f"in all: {time.perf_counter() - started:.0f} s")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
