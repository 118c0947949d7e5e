"""Arguments and options of the commands, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Architecture(StrEnum):
    """Networks to choose from."""

    default = "default"
    small = "small"
    large = "large"
    paper = "paper"


class Figure(StrEnum):
    """What can be reproduced."""

    fig2 = "fig2"
    fig3 = "fig3"
    fig4 = "fig4"
    difficulty = "difficulty"
    corrupted = "corrupted"
    all = "all"


def _option(help: str, shown: str | bool = False, *names: str, **kwargs: Any) -> Any:
    """An option whose default is shown as it is if `shown` is True, else as the text `shown`."""
    return typer.Option(*names, help=help, show_default=shown, **kwargs)


def _argument(help: str, metavar: str | None = None) -> Any:
    return typer.Argument(metavar=metavar, help=help, show_default=False)


def _flag(name: str, help: str) -> Any:
    return typer.Option(name, help=help)


_MODEL = "Results of modis fit, or a folder written by model.save()."
_LABELS = _option(
    "Column with the classes, in mdata.obs or in the obs of the modalities. Empty values and "
    "--unlabeled-category mean: not known."
)
_LAYER = "Layer with the values: NAME for all modalities, MODALITY=NAME for one; repeatable."
_LIKELIHOOD = (
    "NAME or MODALITY=NAME: gaussian (any values), nb, zinb, poisson (counts), bernoulli, beta (0 "
    "to 1); repeatable."
)
_LINK_COLUMNS = "source_modality, source_feature, target_modality, target_feature"
_LINKS = (
    "Linked features of different modalities (a protein and its gene), one link per row: "
    f"{_LINK_COLUMNS}. They align modalities with few or no labels."
)
_METHODS = (
    "With commas: modis, lr (logistic regression), rf (random forest), paper (the paper's "
    "networks and training), diagvi (if installed)."
)
_FEW_LABELS = "Labelled training samples per class and modality; the others train unlabelled."
_FIGURE = (
    "A figure of the paper; difficulty: smaller effects, compared with the best possible "
    "classifier; corrupted: wrong labels."
)
_DATA = (
    "Simulate from the built-in reference or from that of the R package InterSIM, or read paired "
    "modalities with a column label."
)
_REFERENCE = "Folder with InterSIM's .rda files; with --data FILE only difficulty needs it."

# of several commands
File = Annotated[Path, _argument("A MuData; only read.", "FILE.h5mu")]
ModelDir = Annotated[Path, _argument(_MODEL)]
LabelsKey = Annotated[str, _LABELS]
OptionalLabelsKey = Annotated[str | None, _LABELS]
UnlabeledCategory = Annotated[str, _option("Class name that means: not known.", True)]
BatchKey = Annotated[str | None, _option("Column with batches to correct for.")]
SplitKey = Annotated[
    str | None, _option("Column that says train or test for every observation.", "drawn by class")
]
Modalities = Annotated[str | None, _option("Modalities to use, with commas: rna,protein.", "all")]
Layer = Annotated[list[str] | None, _option(_LAYER, "X")]
Likelihood = Annotated[list[str] | None, _option(_LIKELIHOOD, "gaussian")]
Links = Annotated[Path | None, _option(_LINKS, metavar="FILE.csv")]
MaxEpochs = Annotated[
    int | None, _option("Passes over the largest modality.", "chosen by the method", min=1)
]
Samples = Annotated[int, _option("Samples to simulate.", True, min=100)]
Seed = Annotated[int, _option("The same seed and data give the same result.", True, min=0)]
Seeds = Annotated[int, _option("Repetitions, each with a seed of its own.", True, min=1)]
Jobs = Annotated[int, _option("Parallel processes, with one thread each.", True, min=1)]
OutFolder = Annotated[Path, _option("Folder for the results.", True, "--out")]
OutFile = Annotated[Path, _option("File to write.", True, "--out")]
Force = Annotated[bool, _flag("--force", "Replace existing results.")]
Debug = Annotated[bool, _flag("--debug", "Show the full traceback of an error.")]

# of modis fit
TestSize = Annotated[
    float, _option("Share of labelled samples held out; 0 trains on all.", True, min=0, max=0.9)
]
Architectures = Annotated[Architecture, _option("Small networks, or those of the paper.", True)]
Latent = Annotated[int | None, _option("Latent dimensions.", "32, paper: 64", min=2)]

# of modis predict and translate
Modality = Annotated[str | None, _option("Predict from this modality only.", "all of a sample")]
Soft = Annotated[bool, _flag("--soft", "Also write the probability of every class.")]
Source = Annotated[str, _option("Modality to start from.")]
Target = Annotated[str, _option("Modality to predict.")]

# of modis benchmark
Methods = Annotated[str | None, _option(_METHODS, "modis,lr,rf")]
Folds = Annotated[
    int | None, _option("Folds, stratified by class.", "5, without --split-key", min=2)
]
Unpaired = Annotated[
    bool, _flag("--unpaired", "Randomly assign every training observation to one modality.")
]
LabelsPerClass = Annotated[int | None, _option(_FEW_LABELS, "all", min=1)]
Validation = Annotated[
    bool, _flag("--validation", "Test on 30 % of the training part, not on the test part.")
]
TransferFrom = Annotated[
    str | None,
    _option("Transfer labels from this modality, half of the samples, ...", metavar="MODALITY"),
]
TransferTo = Annotated[
    str | None,
    _option("... to this one, the other half, without any label.", metavar="MODALITY"),
]
LinksByName = Annotated[bool, _flag("--links-by-name", "Link features of the same name.")]

# of modis reproduce
Figures = Annotated[Figure, _argument(_FIGURE)]
Data = Annotated[str, _option(_DATA, True, metavar="synthetic|intersim-r|FILE.h5mu")]
LinksFile = Annotated[Path | None, _option(f"CSV: {_LINK_COLUMNS}.", 'uns["feature_links"]')]
ReferencePath = Annotated[Path | None, _option(_REFERENCE, "downloaded if needed")]
PaperMethods = Annotated[str, _option("With commas: default, links, paper.", True)]
OnlySettings = Annotated[str | None, _option("Settings of the figure, with commas.", "all")]
EpochsFactor = Annotated[int, _option("Multiply the usual number of epochs.", True, min=1)]
