import pandas as pd

from ..data import DataSpec
from ..pl import palette


def scanpy_colors(obs: pd.DataFrame, spec: DataSpec) -> dict[str, list[str]]:
    """Colours of the categories of a joint embedding, under the keys that scanpy reads.

    Classes that the model does not know have colours behind those that it knows, and so change
    none of them.
    """
    classes, unlabeled = list(spec.classes), spec.unlabeled_category
    foreign = [name for name in obs["label"].cat.categories if name not in {*classes, unlabeled}]
    in_sequence = list(palette(range(len(classes) + len(foreign))).values())
    by_class = palette([*classes, unlabeled], unlabeled_category=unlabeled)
    by_class |= dict(zip(foreign, in_sequence[len(classes) :], strict=True))
    by_key = {"modality": palette(spec.modalities, "modality"), "label": by_class}
    by_key["predicted"] = by_class
    return {
        f"{key}_colors": [colors[name] for name in obs[key].cat.categories]
        for key, colors in by_key.items()
        if key in obs
    }
