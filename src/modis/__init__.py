"""MODIS: integrate unpaired multi-omics data, few labels, small cohorts."""

# under other names: completion shows public names only
import importlib as _importlib
import typing as _typing
from importlib import metadata as _metadata

if _typing.TYPE_CHECKING:
    from . import datasets, links, metrics, model, module, pl, train
    from .model import MODIS

__all__ = ["MODIS", "datasets", "links", "metrics", "model", "module", "pl", "train"]

__version__ = _metadata.version("modis-omics")


def __getattr__(name: str) -> _typing.Any:
    # scvi-tools takes seconds to import; nobody who asks for --help should wait for it
    if name == "MODIS":
        return _importlib.import_module(".model", __name__).MODIS
    if name in __all__:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
