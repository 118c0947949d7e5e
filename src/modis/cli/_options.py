"""Arguments and options of the commands, each defined once."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def _parse_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _option(help: str, shown: str | bool = False, *names: str, **kwargs: Any) -> Any:
    """An option whose default is shown as it is if `shown` is True, else as the text `shown`."""
    return typer.Option(*names, help=help, show_default=shown, **kwargs)


def _names(help: str, shown: str | bool) -> Any:
    return _option(help, shown, parser=_parse_names, metavar="NAME,NAME")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modis {version('modis-omics')}")
        raise typer.Exit


_FILE = "A MuData, a folder of tables, or one table; only read."
_LABELS = _option("Column with the classes, in mdata.obs or in the obs of the modalities.")
_LIKELIHOOD = "[MODALITY=]gaussian, nb, zinb or poisson (counts), bernoulli or beta (0 to 1)"
_LINK_COLUMNS = "source_modality, source_feature, target_modality, target_feature"
_METHODS = "modis, lr, lr-mean, pca-lr, rf, lightgbm, tabicl, linked-lr, ridge, neighbours, pls, "
_METHODS += "cca, paper."
_TASKS = "Out of classes, few (labels), transfer, unseen (class), translation, matching."
_FEW_LABELS = "Labelled training samples per class and modality; the others train unlabelled."
_FIGURE = "A figure of the paper; difficulty: smaller effects; corrupted: wrong labels."
_DATA = "Built-in reference, R's InterSIM's, or paired .h5mu or tables with a column label."
_REFERENCE = "Folder with InterSIM's .rda files; with --data FILE only difficulty needs it."

# of several commands
File = Annotated[Path, typer.Argument(help=_FILE, metavar="FILE.h5mu|FOLDER")]
Labels = Annotated[
    Path | None, _option("Table of samples.", "labels.csv in the folder", metavar="FILE.csv")
]
Transpose = Annotated[
    bool | None, _option("Samples are columns of tables.", "found", "--transpose/--no-transpose")
]
ModelDir = Annotated[Path, typer.Argument(help="Results of modis fit, or of model.save().")]
LabelsKey = Annotated[str, _LABELS]
OptionalLabelsKey = Annotated[str | None, _LABELS]
UnlabeledCategory = Annotated[
    str, _option("Class that means: not known. Empty values mean the same.", True)
]
BatchKey = Annotated[str | None, _option("Column with batches to correct for.")]
Covariate = Annotated[
    list[str] | None, _option("Column with categories to correct for, such as sex; repeatable.")
]
ContinuousCovariate = Annotated[
    list[str] | None, _option("Column with numbers to correct for, such as age; repeatable.")
]
SplitKey = Annotated[
    str | None, _option("Column that says train or test for every observation.", "drawn by class")
]
Modalities = Annotated[Sequence[str] | None, _names("Modalities to use.", "all")]
Layer = Annotated[
    list[str] | None, _option("[MODALITY=]NAME of the layer with the values; repeatable.", "X")
]
Likelihood = Annotated[list[str] | None, _option(f"{_LIKELIHOOD}; repeatable.", "gaussian")]
Links = Annotated[
    Path | None,
    _option(f"Linked features, to align modalities: {_LINK_COLUMNS}.", metavar="FILE.csv"),
]
MaxEpochs = Annotated[
    int | None, _option("Passes over the largest modality.", "chosen by the method", min=1)
]
Samples = Annotated[int, _option("Samples to simulate.", True, min=100)]
Seed = Annotated[int, _option("The same seed and data give the same result.", True, min=0)]
Seeds = Annotated[int, _option("Repetitions, each with a seed of its own.", True, min=1)]
Jobs = Annotated[int, _option("Parallel processes, with one thread each.", True, min=1)]
OutFolder = Annotated[Path, _option("Folder for the results.", True, "--out")]
OutFile = Annotated[Path, _option("File to write.", True, "--out")]
Force = Annotated[bool, _option("Replace existing results.", False, "--force")]
Resume = Annotated[bool, _option("Resume after a stop, with the same options.", False, "--resume")]
Version = Annotated[
    bool, _option("Show the version.", False, "--version", callback=_show_version, is_eager=True)
]
Debug = Annotated[bool, _option("Show the full traceback of an error.", False, "--debug")]

# of modis fit
TestSize = Annotated[
    float, _option("Share of labelled samples held out; 0 trains on all.", True, min=0, max=0.9)
]
Architecture = Annotated[
    Literal["default", "paper"],
    _option("Networks and training; paper: as published, no linear models.", True),
]
Latent = Annotated[int | None, _option("Latent dimensions.", "64", "--latent", min=2)]

# of modis predict and translate
Modality = Annotated[str | None, _option("Predict from this modality only.", "all of a sample")]
Soft = Annotated[bool, _option("Also write the probability of every class.", False, "--soft")]
Source = Annotated[str, _option("Modality to start from.")]
Target = Annotated[str, _option("Modality to predict.")]

# of modis benchmark
Tasks = Annotated[Sequence[str], _names(_TASKS, "all")]
Methods = Annotated[Sequence[str] | None, _names(_METHODS, "all but paper")]
Splits = Annotated[int, _option("Stratified splits; with --split-key alone, seeds.", True, min=1)]
GroupKey = Annotated[
    str | None, _option("Column of patients or donors, each on one side of a split.")
]
Validation = Annotated[
    bool,
    _option(
        "Split the training part of --split-key; its test part is not read.", False, "--validation"
    ),
]
Unpaired = Annotated[
    bool,
    _option("Randomly assign every training observation to one modality.", False, "--unpaired"),
]
LabelsPerClass = Annotated[int, _option(_FEW_LABELS, True, min=1)]
UnseenPairs = Annotated[
    int, _option("Pairs of class and modality removed in each split.", True, min=1)
]

# of modis reproduce
Figure = Annotated[
    Literal["fig2", "fig3", "fig4", "difficulty", "corrupted", "all"], typer.Argument(help=_FIGURE)
]
Data = Annotated[str, _option(_DATA, True, metavar="synthetic|intersim-r|FILE|FOLDER")]
LinksFile = Annotated[Path | None, _option(f"CSV: {_LINK_COLUMNS}.", 'uns["feature_links"]')]
ReferencePath = Annotated[Path | None, _option(_REFERENCE, "downloaded if needed")]
PaperMethods = Annotated[Sequence[str], _names("default, links, paper.", True)]
OnlySettings = Annotated[Sequence[str] | None, _names("Settings of the figure.", "all")]
