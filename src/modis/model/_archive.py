"""Values in a folder, JSON and arrays as safetensors with checksums: nothing in it is executed."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning.fabric.utilities.seed import _collect_rng_states, _set_rng_states
from lightning.pytorch.callbacks import Callback
from safetensors.numpy import load_file, save

from ..data import draft_of

#: The file that names all others of a model: a save counts when it is written.
INDEX = "model.json"
_OTHERS = re.compile(r"arrays\.[0-9a-f]{8}\.safetensors|mdata\.[0-9a-f]{8}\.h5mu")
_VERSION = 1


def write_archive(
    folder: Path,
    prefix: str,
    content: Mapping[str, Any],
    write_data: Callable[[Path], Any] | None = None,
) -> None:
    """Write `content`, and what `write_data` writes into the path that it gets.

    Files have other names in every save, and the index, written last, says which ones count:
    whatever stops the program, the old content or the new one is there.
    """
    arrays: dict[str, np.ndarray] = {}
    document: dict[str, Any] = {"format": "MODIS", "version": _VERSION}
    document |= {"written_by": f"modis {version('modis-omics')}", "files": {}}
    document["content"] = _encode(content, arrays, "")
    own = secrets.token_hex(4)
    names = f"arrays.{own}.safetensors", f"mdata.{own}.h5mu"
    # not by save_file, whose own draft would stay when the program is killed
    writers: dict[str, Callable] = {names[0]: lambda draft: draft.write_bytes(save(arrays))}
    writers |= {names[1]: write_data} if write_data else {}
    for name, write in writers.items():
        path = folder / f"{prefix}{name}"
        with draft_of(path) as draft:
            write(draft)
        document["files"][name] = _digest(path)
    document["sha256"] = _digest(document)
    with draft_of(folder / f"{prefix}{INDEX}") as draft:
        draft.write_text(json.dumps(document, indent=1), encoding="ascii")
    # those of earlier saves, and of saves that were stopped
    for path in folder.iterdir():
        name = path.name.removeprefix(".draft-")
        others = _OTHERS.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if others and others[0] not in writers:
            path.unlink(missing_ok=True)


def read_archive(folder: Path, prefix: str | None = None) -> tuple[dict[str, Any], Path | None]:
    """What :func:`write_archive` wrote, and the path of the data if there are any."""
    path = folder / f"{prefix or ''}{INDEX}"
    if not path.is_file():
        found = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else None
        if found and f"{prefix or ''}model.pt" in found:
            raise ValueError(
                f"'{folder}' holds a model of another kind (model.pt). Such a file can run any "
                "program when it is opened, so it is not. Save the model again with MODIS."
            )
        what = "is not a folder" if found is None else f"has no {path.name}; it holds {found[:10]}"
        raise ValueError(f"'{folder}' {what}. Name the folder that model.save() wrote.")
    # damaged files fail in many ways, and none of them tells a user what to do
    try:
        document, files = json.loads(path.read_bytes()), {}
        if document.pop("sha256") != _digest(document):
            raise ValueError("wrong checksum")
        for name, digest in document["files"].items() if document["version"] == _VERSION else ():
            path = folder / f"{prefix or ''}{name}"
            if not _OTHERS.fullmatch(name) or digest != _digest(path):
                raise ValueError("wrong checksum")
            files[path.suffix] = path
        if files:
            content = _decode(document["content"], load_file(files[".safetensors"]))
            return content, files.get(".h5mu")
    except Exception as error:
        raise ValueError(
            f"'{path}' is damaged ({error}). Copy the folder again, or save the model again."
        ) from error
    raise ValueError(
        f"'{path}' was written by {document['written_by']}, in version {document['version']} of "
        f"the format; this MODIS reads version {_VERSION}. Use the MODIS that wrote it."
    )


def _digest(what: Path | Mapping[str, Any]) -> str:
    if isinstance(what, Path):
        with what.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _encode(value: Any, arrays: dict[str, np.ndarray], place: str) -> Any:
    """As JSON knows it; numbers of an array go to `arrays`, under the `place` of the array."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor):
        # numpy knows no bfloat16
        value = value.float() if value.dtype == torch.bfloat16 else value
        return {"$tensor": _encode(value.detach().cpu().numpy(), arrays, place)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        name = place if place not in arrays else f"{place} {len(arrays)}"
        arrays[name] = np.asarray(value, order="C")
        return {"$array": name}
    if isinstance(value, pd.DataFrame):
        objects = [name for name, dtype in value.dtypes.items() if dtype.kind == "O"]
        return {"$frame": _encode(value.to_dict("tight") | {"objects": objects}, arrays, place)}
    if isinstance(value, Mapping):
        if any(not isinstance(key, str) or key.startswith("$") for key in value):
            return {"$items": _encode([list(pair) for pair in value.items()], arrays, place)}
        return {key: _encode(item, arrays, f"{place}/{key}") for key, item in value.items()}
    kinds = {list: "", tuple: "$tuple", np.ndarray: "$objects"}
    if type(value) not in kinds:
        raise TypeError(f"{place} of the model is a {type(value).__name__}, which no file keeps.")
    items = [_encode(item, arrays, f"{place}/{k}") for k, item in enumerate(value)]
    return {kinds[type(value)]: items} if kinds[type(value)] else items


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "$tensor": torch.from_numpy,
    "$frame": lambda parts: pd.DataFrame.from_dict(parts, orient="tight").astype(
        dict.fromkeys(parts["objects"], object)
    ),
    "$tuple": tuple,
    "$items": dict,
    "$objects": partial(np.array, dtype=object),
}


def _decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if not kind.startswith("$"):
        return {key: _decode(item, arrays) for key, item in value.items()}
    if kind == "$array":
        return arrays[value[kind]]
    return _DECODERS[kind](_decode(value[kind], arrays))


class Checkpoints(Callback):
    """Save the state of a `training` when an epoch starts, and resume if it is the same one."""

    def __init__(self, folder: str | Path, training: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.training = dict(training)
        self._kept: dict[str, Any] | None = None
        if (self.folder / INDEX).exists():
            self._kept = read_archive(self.folder)[0]
            then = self._kept.get("training", {})
            if differ := [name for name, own in training.items() if then.get(name) != own]:
                raise ValueError(
                    f"The checkpoint in '{folder}' is of another training: {differ} differ. Give "
                    "the same arguments and data, or another checkpoint_dir."
                )

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take over the state that is kept, if any."""
        if self._kept is None:
            return
        kept, self._kept = self._kept, None
        pl_module.module.load_state_dict(kept["weights"])
        for name, holder in _holders(trainer).items():
            # another progress bar is no other training
            if name in kept["states"]:
                holder.load_state_dict(kept["states"][name])
        for name in ("ready", "started", "processed", "completed"):
            setattr(trainer.fit_loop.epoch_progress.current, name, kept["epoch"])
        trainer.fit_loop.epoch_loop._batches_that_stepped = kept["n_steps"]
        # ours, and scvi-tools' own
        history = kept["history"] if hasattr(trainer.logger, "history") else {}
        for name, frame in history.items():
            for epoch, value in frame[name].items():
                trainer.logger.log_metrics({name: value, "epoch": epoch}, step=0)
        _set_rng_states(kept["random"])

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Keep the state, which takes the place of that of the epoch before."""
        if not trainer.is_global_zero:
            return
        content = {
            "training": self.training,
            "epoch": trainer.current_epoch,
            "n_steps": trainer.fit_loop.epoch_loop._batches_that_stepped,
            "weights": dict(pl_module.module.state_dict()),
            "history": getattr(trainer.logger, "history", {}),
            "random": _collect_rng_states(),
            "states": {name: own.state_dict() for name, own in _holders(trainer).items()},
        }
        write_archive(self.folder, "", content)


def _holders(trainer: Any) -> dict[str, Any]:
    """What else has a state, by name."""
    callbacks = {each.state_key: each for each in trainer.callbacks}
    schedules = [each.scheduler for each in trainer.lr_scheduler_configs]
    numbered = {f"optimizer {k}": each for k, each in enumerate(trainer.optimizers)}
    numbered |= {f"schedule {k}": each for k, each in enumerate(schedules)}
    steps = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    return {**callbacks, **numbered, "steps": steps}
