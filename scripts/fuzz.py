"""Try odd data, damaged files, kills and pickles on the package, and count what comes back.

Every trial must end in a right result or in a message of ours, with the data as they were:

    python scripts/fuzz.py --setups 500 --queries 300 --files 130 --models 130 --kills 50

Trials on a file that HDF5 itself cannot get through are ended after some seconds, and counted.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Read once, when torch and numpy are imported: a process with threads must not fork.
os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1"))

import anndata as ad
import joblib
import mudata as md
import numpy as np
import scvi
from kills import BRIEFLY, trained, try_kills
from odd_data import CHANGES, Rng, cohort
from scipy import sparse

from modis import MODIS
from modis.datasets import read_tables
from modis.studies import read_mudata
from modis.studies._reading import read_links

LIMIT = 10  # seconds for a damaged file


def digest(mdata: md.MuData) -> str:
    """Of all values, names and columns, but for scvi-tools' own marks."""
    holders = [mdata, *mdata.mod.values()]
    tables = [
        (list(map(str, each.columns)), each.index.tolist(), each.astype(str).to_numpy().tolist())
        for holder in holders
        for each in (holder.obs, holder.var)
    ]
    values = [
        (type(X).__name__, joblib.hash(X.toarray() if sparse.issparse(X) else np.asarray(X)))
        for adata in mdata.mod.values()
        for X in (adata.X, *adata.layers.values())
    ]
    return joblib.hash((tables, values))


def is_ours(error: BaseException) -> bool:
    """Whether the package itself raised it, with a text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.sep}modis{os.sep}" in last.filename and bool(str(error))


def change_some(mdata: md.MuData, rng: Rng) -> tuple[md.MuData, dict[str, Any], list[str]]:
    setup: dict[str, Any] = {"labels_key": "label"}
    done = []
    for name in rng.choice(list(CHANGES), size=rng.integers(1, 4), replace=False):
        try:
            other = CHANGES[name](mdata, rng, setup)
        # what anndata or mudata themselves refuse is no trial of ours
        except Exception:  # noqa: BLE001
            continue
        # changes in place return nothing, or a list of nothing
        mdata = other if isinstance(other, md.MuData) else mdata
        done.append(str(name))
    return mdata, setup, done


def judged(call: Callable[[], Any], mdata: md.MuData, done: list[str]) -> tuple[str, str]:
    """What became of a trial, and what is wrong with it, if anything is."""
    before = digest(mdata)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
        outcome = "right"
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001
        outcome = "message"
        if not is_ours(error):
            where = traceback.extract_tb(error.__traceback__)[-1]
            return "unexpected", f"{done}: {type(error).__name__}: {error} ({where.filename})"
    if digest(mdata) != before:
        return "unexpected", f"{done}: the data were changed"
    return outcome, ""


def try_setups(n: int, seed: int) -> tuple[Counter, list[str]]:
    counts, problems = Counter(), []
    for k in range(n):
        mdata, setup, done = change_some(cohort(), np.random.default_rng([seed, k]))

        def call(mdata: md.MuData = mdata, setup: dict[str, Any] = setup) -> None:
            scvi.settings.seed = 0
            MODIS.setup_mudata(mdata, **setup)
            model = MODIS(mdata, n_latent=3, n_hidden=4)
            model.train(**BRIEFLY)
            assert np.isfinite(
                model.get_latent_representation(modality=next(iter(model.module.modality_codes)))
            ).all()
            if model.module.n_classes:
                found = model.predict(soft=True)
                assert list(found.index) == list(mdata.obs_names)
                used = set().union(*(mdata.mod[m].obs_names for m in model.module.modality_codes))
                assert found.loc[found.index.isin(used)].notna().all(axis=None)

        outcome, problem = judged(call, mdata, done)
        counts[outcome] += 1
        problems += [problem] if problem else []
    return counts, problems


def try_queries(n: int, seed: int) -> tuple[Counter, list[str]]:
    counts, problems, model = Counter(), [], trained()
    calls: list[Callable[[md.MuData], Any]] = [
        lambda mdata: model.predict(mdata, soft=True),
        lambda mdata: model.get_latent_representation(mdata),
        lambda mdata: model.translate("rna", "protein", mdata),
        lambda mdata: model.reconstruct("rna", mdata),
        lambda mdata: model.joint_embedding(mdata),
        lambda mdata: model.get_elbo(mdata),
        lambda mdata: list(model.get_marginal_ll(mdata, 2).values()),
        lambda mdata: model.posterior_predictive_sample("rna", mdata),
    ]
    for k in range(n):
        rng = np.random.default_rng([seed, 1, k])
        mdata, _, done = change_some(cohort(), rng)
        chosen = calls[rng.integers(len(calls))]

        def call(mdata: md.MuData = mdata, chosen: Callable = chosen) -> None:
            found = chosen(mdata)
            values = found.X if isinstance(found, ad.AnnData) else np.asarray(found, dtype=float)
            # of observations that no modality of the model has seen nothing is known
            assert np.isfinite(values).any() or not len(values)
            assert not np.isinf(values).any()

        outcome, problem = judged(call, mdata, done)
        counts[outcome] += 1
        problems += [problem] if problem else []
    return counts, problems


def damage(content: bytes, rng: Rng) -> bytes:
    """Flip bits, blank or cut a part, or put in noise."""
    own, kind = bytearray(content), rng.integers(4)
    start = int(rng.integers(len(own)))
    stop = min(len(own), start + int(rng.integers(1, 2000)))
    if kind == 0:
        for position in rng.integers(len(own), size=rng.integers(1, 20)):
            own[position] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        own[start:stop] = bytes(stop - start)
    elif kind == 2:
        del own[start:]
    else:
        own[start:stop] = rng.bytes(stop - start)
    return bytes(own)


def in_child(call: Callable[[], str]) -> str:
    """What a call says in a process of its own, which may loop or crash."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(LIMIT)
        try:
            said = call()
        except BaseException as error:  # noqa: BLE001
            said = "message" if is_ours(error) else f"unexpected {type(error).__name__}: {error}"
        os.write(write, said.encode(errors="replace")[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    code = os.WTERMSIG(os.waitpid(child, 0)[1])
    if said:
        return said
    return (
        "HDF5 loops or crashes"
        if code in (signal.SIGALRM, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        else f"unexpected signal {code}"
    )


def try_files(n: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    counts, problems = Counter(), []
    mdata, path = cohort(), folder / "whole.h5mu"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mdata.write(path)
    whole = path.read_bytes()
    for k in range(n):
        rng = np.random.default_rng([seed, 2, k])
        path.write_bytes(damage(whole, rng))

        def call() -> str:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = read_mudata(path)
                MODIS.setup_mudata(found, labels_key="label")
                model = MODIS(found, n_latent=3, n_hidden=4)
                model.train(**BRIEFLY)
                assert np.isfinite(model.get_latent_representation(modality="rna")).all()
            return "right"

        said = in_child(call)
        counts[said.split(" ")[0] if said.startswith("unexpected") else said] += 1
        problems += [f"file {k}: {said}"] if said.startswith("unexpected") else []
    return counts, problems


def try_models(n: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    counts, problems, model, new = Counter(), [], trained(), cohort()
    model.save(folder / "model", overwrite=True)
    expected = model.predict(new, soft=True)
    for k in range(n):
        rng, place = np.random.default_rng([seed, 3, k]), folder / "damaged"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder / "model", place)
        path = sorted(place.iterdir())[rng.integers(2)]
        if rng.random() < 0.1:
            path.unlink()
        else:
            path.write_bytes(damage(path.read_bytes(), rng))
        try:
            same = MODIS.load(place, False).predict(new, soft=True).equals(expected)
            outcome = "right" if same else "unexpected"
            problems += [] if same else [f"model {k}: predicts differently"]
        except ValueError as error:
            outcome = "message" if is_ours(error) else "unexpected"
            problems += [] if is_ours(error) else [f"model {k}: {error}"]
        counts[outcome] += 1
    return counts, problems


class Bomb:
    """A pickle that makes a folder when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


def try_bombs(folder: Path) -> tuple[Counter, list[str]]:
    """Open a pickle wherever the package reads a file."""
    counts, problems, mark = Counter(), [], folder / "executed"
    model, bomb = trained(), pickle.dumps(Bomb(mark))
    model.save(folder / "bombed")
    files = [folder / name for name in ("a.h5mu", "a.csv", "a.tsv", "a.csv.gz", "a.pkl", "a.h5ad")]
    for path in [*files, *(folder / "bombed").iterdir()]:
        path.write_bytes(bomb)
    (folder / "old").mkdir()
    (folder / "steps").mkdir()
    for path in (folder / "old" / "model.pt", folder / "steps" / "model.json"):
        path.write_bytes(bomb)
    calls = [
        lambda place=place: MODIS.load(place, False)
        for place in (folder / "bombed", folder / "old")
    ]
    for name in ("load_registry", "view_setup_args", "convert_legacy_save"):
        calls.append(lambda name=name: getattr(MODIS, name)(str(folder / "old")))
    calls.append(lambda: trained().train(**BRIEFLY, checkpoint_dir=folder / "steps"))
    calls.append(lambda: trained().train(**BRIEFLY, ckpt_path=str(folder / "old" / "model.pt")))
    for path in files:
        calls += [lambda p=path: read_mudata(p), lambda p=path: read_links(p)]
        calls.append(lambda p=path: read_tables({"rna": p, "protein": p}))
    for k, call in enumerate(calls):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call()
        except Exception:  # noqa: BLE001
            counts["refused"] += 1
        else:
            counts["read as something else"] += 1
        if mark.exists():
            problems.append(f"call {k} executed a pickle")
            mark.rmdir()
    return counts, problems


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (
        ("setups", 500),
        ("queries", 300),
        ("files", 130),
        ("models", 130),
        ("kills", 50),
    ):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    scvi.settings.verbosity = 40
    failed = False
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, trial in (
            ("setups", lambda: try_setups(asked.setups, asked.seed)),
            ("queries", lambda: try_queries(asked.queries, asked.seed)),
            ("damaged .h5mu", lambda: try_files(asked.files, asked.seed, folder)),
            ("damaged models", lambda: try_models(asked.models, asked.seed, folder)),
            ("kills", lambda: try_kills(asked.kills, asked.seed, folder)),
            ("pickles", lambda: try_bombs(folder)),
        ):
            counts, problems = trial()
            failed = failed or bool(problems)
            print(f"{name}: {dict(counts)}", flush=True)
            for problem in problems:
                print(f"  {problem[:400]}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
