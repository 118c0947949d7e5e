"""MODIS: integrate unpaired multi-omics data, few labels, small cohorts."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, links, metrics, model, module, nn, pl, train
    from .model import MODIS

__all__ = ["MODIS", "datasets", "links", "metrics", "model", "module", "nn", "pl", "train"]

__version__ = version("modis-omics")


def __getattr__(name: str) -> Any:
    # scvi-tools takes seconds to import; nobody who asks for --help should wait for it
    if name == "MODIS":
        return import_module(".model", __name__).MODIS
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
