from pathlib import Path

import typer

from . import _options as opt
from ._guards import (
    Commands,
    check_columns,
    check_file,
    check_folder,
    check_inputs,
    find_model,
    guarded,
    open_screen,
    options_in,
    typed_command,
)

# Nothing heavy in this room: scvi-tools alone takes ten seconds, and --help should answer at once.

app = typer.Typer(
    name="modis",
    cls=Commands,
    epilog="Start with **modis demo**, then **modis fit cohort.h5mu --labels-key disease**.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(version: opt.Version = False) -> None:
    """Integrate unpaired multi-omics data: one latent space, classes, translations."""


@app.command()
def demo(
    out: opt.OutFolder = Path("modis-demo"),
    samples: opt.Samples = 2000,
    max_epochs: opt.MaxEpochs = None,
    seed: opt.Seed = 0,
    force: opt.Force = False,
    debug: opt.Debug = False,
) -> None:
    """Simulate a cohort, integrate it and report. Needs no data; takes about a minute.

    Methylation, expression and protein of five classes are simulated. Every training sample is
    randomly assigned to one modality. The report shows how well MODIS predicts classes and other
    modalities for samples that it was not trained on.
    """
    with guarded(debug):
        check_folder(out, force)
        with open_screen() as screen:
            from ..report import Settings, run_demo

            settings = Settings(max_epochs=max_epochs, seed=seed, command=typed_command())
            run_demo(samples, settings, out, screen)


@app.command(
    epilog="Example: **modis fit cohort.h5mu --labels-key disease --batch-key hospital "
    "--layer rna=counts --likelihood rna=nb --out results**"
)
def fit(
    file: opt.File,
    labels_key: opt.OptionalLabelsKey = None,
    labels: opt.Labels = None,
    transpose: opt.Transpose = None,
    out: opt.OutFolder = Path("modis-results"),
    modalities: opt.Modalities = None,
    batch_key: opt.BatchKey = None,
    covariate: opt.Covariate = None,
    continuous_covariate: opt.ContinuousCovariate = None,
    layer: opt.Layer = None,
    likelihood: opt.Likelihood = None,
    unlabeled_category: opt.UnlabeledCategory = "unknown",
    links: opt.Links = None,
    split_key: opt.SplitKey = None,
    test_size: opt.TestSize = 0.2,
    max_epochs: opt.MaxEpochs = None,
    seed: opt.Seed = 0,
    architecture: opt.Architecture = "default",
    n_latent: opt.Latent = None,
    resume: opt.Resume = False,
    force: opt.Force = False,
    debug: opt.Debug = False,
) -> None:
    """Integrate your own data: from a .h5mu file, or a folder of tables, to a report.

    Observations may be measured in one modality, in several or in all. MODIS holds out a part of
    them and trains on the others. Without **--labels-key** it learns no classes, or those of the
    column label in a table of labels.

    **report.html** shows how well classes are predicted for the held-out part. **integrated.h5mu**
    holds all observations with their latent representation (obsm "X_modis") and predicted
    classes. **feature_importance.csv** ranks the features by their contribution to each class.
    **modis predict** and **modis translate** use the model in **model/**.
    """
    options = options_in(locals(), "file", "labels", "transpose", "out", "force", "debug")
    with guarded(debug):
        check_inputs(file, links, labels, transpose)
        check_folder(out, force or (resume and (out / "checkpoint").is_dir()), file)
        check_columns(file, options, labels)
        with open_screen() as screen:
            from ..report import Settings, fit_file

            settings = Settings(**options, command=typed_command())
            fit_file(file, settings, out, screen, labels=labels, transpose=transpose)


@app.command(epilog="Example: **modis predict results new.h5mu --out predictions.csv**")
def predict(
    model_dir: opt.ModelDir,
    file: opt.File,
    out: opt.OutFile = Path("predictions.csv"),
    modality: opt.Modality = None,
    soft: opt.Soft = False,
    transpose: opt.Transpose = None,
    force: opt.Force = False,
    debug: opt.Debug = False,
) -> None:
    """Predict the classes of new observations.

    The file needs at least one of the model's modalities with the same features. Other features
    are ignored, and labels are not needed.
    """
    with guarded(debug):
        check_inputs(file, transpose=transpose)
        folder = find_model(model_dir)
        check_file(out, force, file, folder, ".csv")
        with open_screen() as screen:
            from ..report import predict_file

            predict_file(
                folder, file, out, screen, modality=modality, soft=soft, transpose=transpose
            )


@app.command(
    epilog="Example: **modis translate results new.h5mu --source rna --target protein "
    "--out protein.h5ad**"
)
def translate(
    model_dir: opt.ModelDir,
    file: opt.File,
    source: opt.Source,
    target: opt.Target,
    out: opt.OutFile = Path("translated.h5ad"),
    transpose: opt.Transpose = None,
    force: opt.Force = False,
    debug: opt.Debug = False,
) -> None:
    """Predict the profile of one modality from another.

    The result is an AnnData (.h5ad) or a table (.csv) with the observations of the source and the
    features of the target, in the units of the target's training data.
    """
    with guarded(debug):
        check_inputs(file, transpose=transpose)
        folder = find_model(model_dir)
        check_file(out, force, file, folder, ".h5ad", ".csv")
        with open_screen() as screen:
            from ..report import translate_file

            translate_file(folder, file, source, target, out, screen, transpose=transpose)


@app.command(
    epilog="Example: **modis benchmark cohort.h5mu --labels-key disease --unpaired --splits 3**"
)
def benchmark(
    file: opt.File,
    labels_key: opt.LabelsKey,
    labels: opt.Labels = None,
    transpose: opt.Transpose = None,
    out: opt.OutFolder = Path("modis-benchmark"),
    tasks: opt.Tasks = "classes,few,transfer,unseen,translation,matching",
    methods: opt.Methods = None,
    splits: opt.Splits = 5,
    split_key: opt.SplitKey = None,
    group_key: opt.GroupKey = None,
    validation: opt.Validation = False,
    unpaired: opt.Unpaired = False,
    labels_per_class: opt.LabelsPerClass = 5,
    unseen_pairs: opt.UnseenPairs = 1,
    modalities: opt.Modalities = None,
    batch_key: opt.BatchKey = None,
    layer: opt.Layer = None,
    likelihood: opt.Likelihood = None,
    links: opt.Links = None,
    unlabeled_category: opt.UnlabeledCategory = "unknown",
    max_epochs: opt.MaxEpochs = None,
    jobs: opt.Jobs = 1,
    debug: opt.Debug = False,
) -> None:
    """Compare MODIS with simple methods on your data, task by task.

    Every method learns from the same training samples, and is evaluated on the same test samples.
    Tasks that the data do not allow are left out. Only MODIS uses **--batch-key**.

    **report.html** says first, task by task, whether MODIS is ahead of every simple method, level
    or behind; **forest.png** and **table.md** show by how much, **results.csv** holds all
    measures. Finished runs are kept: after Ctrl-C, the same command continues.
    """
    options = options_in(locals(), "file", "labels_key", "out", "debug")
    with guarded(debug):
        check_inputs(file, links, labels, transpose)
        check_folder(out, file=file, study="benchmark")
        check_columns(file, options | {"labels_key": labels_key}, labels)
        with open_screen() as screen:
            from ..report import write_comparison_page
            from ..studies import benchmark as compare

            screen.stage(f"Reading {file}")
            found = compare(file, labels_key, out, console=screen.console, **options)
            write_comparison_page(found, out, typed_command())
            screen.say(found.markdown)
            screen.say(f"Done: {out / 'report.html'}, {out / 'table.md'}, {out / 'results.csv'}")


@app.command(epilog="Example: **modis reproduce fig2 --seeds 3 --jobs 4 --out figures**")
def reproduce(
    figure: opt.Figure,
    out: opt.OutFolder = Path("modis-reproduce"),
    seeds: opt.Seeds = 10,
    jobs: opt.Jobs = 1,
    data: opt.Data = "synthetic",
    links_file: opt.LinksFile = None,
    reference_path: opt.ReferencePath = None,
    methods: opt.PaperMethods = "default,links",
    settings: opt.OnlySettings = None,
    samples: opt.Samples = 11_500,
    max_epochs: opt.MaxEpochs = None,
    debug: opt.Debug = False,
) -> None:
    """Run the paper's experiments and draw its figures and tables.

    **results.csv** holds all measures, **table.md** compares them with the paper's results.
    Finished runs are kept: after Ctrl-C, the same command continues.
    """
    options = options_in(locals(), "figure", "out", "data", "samples", "settings", "debug")
    options |= {"n_samples": samples, "only": settings}
    with guarded(debug):
        check_folder(out, file=Path(data) if Path(data).exists() else None, study="reproduce")
        with open_screen() as screen:
            from ..studies import reproduce

            reproduce(figure, out, data, console=screen.console, **options)
            screen.say((out / "table.md").read_text(encoding="utf-8"))
            screen.say(f"Done: {out / 'results.csv'}, {out / 'table.md'} and the figures.")
