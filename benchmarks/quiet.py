"""How every measurement starts: one thread, and no notes of libraries."""

from __future__ import annotations

import logging
import warnings

import scvi
import torch


def run_quietly(level: int = logging.WARNING) -> None:
    """One torch thread, no warnings, and notes of scvi-tools from this level on."""
    torch.set_num_threads(1)
    scvi.settings.verbosity = level
    warnings.simplefilter("ignore")
