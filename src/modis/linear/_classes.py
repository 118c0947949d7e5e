import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

# inverse penalties, from the strongest on
_PENALTIES = 10.0 ** np.arange(-4.0, 1.1, 0.5)
# a path is left once its loss is that much above the least
_PAST_BEST = 1.05
# Tolerances of a map along the path, and of one that stays: probabilities out of fold and of new
# rows are alike only if both have converged.
_CLOSE, _CONVERGED = 1e-3, 1e-5
# leading components that are a view of their own
_N_LEADING = 50
_N_FOLDS = 5
# rows that penalties and weights are chosen on, at most
_CHOICE_ROWS = 1_500
# Prior of the log-weights in a pool: normal around equal weights, standard deviation 0.4.
_PRIOR_PRECISION = 6.0


@dataclass(frozen=True)
class ClassMap:
    """Class logits as a linear map of principal components, ``(n_classes, n_components)``.

    ``seen`` tells which classes had a row; ``out_of_fold`` are log-probabilities by maps of the
    other folds, NaN of unseen classes; ``by_deviation`` a map of deviations, if they help.
    """

    weight: np.ndarray
    bias: np.ndarray
    seen: np.ndarray
    out_of_fold: np.ndarray
    by_deviation: np.ndarray | None = None


def fit_class_map(
    scores: np.ndarray, codes: np.ndarray, n_classes: int, deviations: np.ndarray | None = None
) -> ClassMap:
    """Class-balanced logistic regression, pooled over views, its penalties cross-validated.

    One view has all principal components of the labelled rows, `scores` ``(n, n_components)``, one
    the 50 leading ones. A third has `deviations` ``(n, n_deviations)``, for classes that differ by
    how much features vary; it takes part if the log loss falls by more than its standard error.
    The logits are added with the weights of least log loss in the folds, which also tempers them.
    """
    seen = np.bincount(codes, minlength=n_classes) > 0
    out_of_fold = np.full((len(codes), n_classes), np.nan)
    weight, bias = np.zeros((n_classes, scores.shape[1])), np.zeros(n_classes)
    if seen.sum() < 2:
        return ClassMap(weight, bias, seen, np.where(seen, 0.0, out_of_fold))
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(codes))[:_CHOICE_ROWS])
    if (np.bincount(codes[chosen], minlength=n_classes) > 0).sum() < seen.sum():
        firsts = np.unique(codes, return_index=True)[1]
        chosen = np.unique(np.concatenate([chosen, firsts]))
    sizes = list(dict.fromkeys([scores.shape[1], min(_N_LEADING, scores.shape[1])]))
    views = [scores.astype(np.float64)[:, :size] for size in sizes]
    if deviations is not None:
        views.append(deviations.astype(np.float64))
    known = (np.cumsum(seen) - 1)[codes]
    with warnings.catch_warnings():
        # of scikit-learn, of maps that are as good as converged, or of classes with few rows
        warnings.simplefilter("ignore", UserWarning)
        found = [_cross_validate(x, codes, chosen, n_classes) for x in views]
        logits = [held_out[:, seen] for held_out, _ in found]
        pool, said = _pooled(logits[: len(sizes)], known, chosen)
        if deviations is not None:
            more, says = _pooled(logits, known, chosen)
            gain = (says - said)[chosen, known[chosen]]
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                pool, said = more, says
        # of the views that take part
        fitted = [_regression(found[k][1]).fit(views[k], codes) for k in range(len(pool))]
    maps = [_as_softmax(each, n_classes) for each in fitted]
    bias = sum(share * own for share, (_, own) in zip(pool, maps, strict=True))
    for k, size in enumerate(sizes):
        weight[:, :size] += pool[k] * maps[k][0]
    by_deviation = pool[-1] * maps[-1][0] if len(pool) > len(sizes) else None
    out_of_fold[:, seen] = said
    return ClassMap(weight, bias, seen, out_of_fold, by_deviation)


def _pooled(
    views: list[np.ndarray], codes: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of views by the chosen rows, and the log-probabilities of all rows together."""
    stacked = np.stack(views)
    pool = fit_pool(stacked[:, chosen], codes[chosen])
    return pool, log_softmax(np.tensordot(pool, stacked, 1), axis=1)


def fit_pool(
    logits: np.ndarray,
    codes: np.ndarray,
    expected: np.ndarray | None = None,
    offset: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Weights of logits ``(n_views, n, n_classes)`` whose sum has the least log loss.

    An `offset` is added to the sum. The log-weights have a normal prior around those expected, by
    default equal ones, so that a few rows change little.
    """
    expected = np.full(len(logits), 1 / len(logits)) if expected is None else expected
    start = np.log(expected)
    if not len(codes):
        return expected
    rows = np.arange(len(codes))

    def loss(log_weights: np.ndarray) -> float:
        pooled = np.tensordot(np.exp(log_weights), logits, 1) + offset
        misfit = -log_softmax(pooled, axis=1)[rows, codes].sum()
        return float(misfit + 0.5 * _PRIOR_PRECISION * np.square(log_weights - start).sum())

    return np.exp(minimize(loss, start, method="L-BFGS-B").x)


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(
        C=penalty, class_weight="balanced", max_iter=1_000, tol=_CONVERGED, warm_start=True
    )


def folds(codes: np.ndarray, n_folds: int = _N_FOLDS) -> list[tuple[np.ndarray, np.ndarray]]:
    """Shuffled folds, stratified where every class has as many rows as there are folds."""
    n_folds = min(n_folds, len(codes))
    counts = np.bincount(codes)
    common = np.where(counts[codes] >= n_folds, codes, -1)
    if (common >= 0).all():
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
        return list(folds.split(codes, codes))
    # rows of rare classes are distributed one by one after the common ones
    order = np.lexsort((np.random.default_rng(0).random(len(codes)), codes))
    fold = np.empty(len(codes), dtype=int)
    fold[order] = np.arange(len(codes)) % n_folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


def _cross_validate(
    every: np.ndarray, codes: np.ndarray, some: np.ndarray, n_classes: int
) -> tuple[np.ndarray, float]:
    """Logits out of fold at the best penalty, ``(n, n_classes)``, and that penalty.

    `some` rows train and choose; their models predict the others.
    """
    x, known = every[some], codes[some]
    usable = [fold for fold in folds(known) if len(np.unique(known[fold[0]])) > 1]
    models = [_regression(1.0) for _ in usable]
    rows, best, least, chosen = np.arange(len(some)), np.inf, np.inf, _PENALTIES[0]
    for penalty in _PENALTIES:
        logits = _out_of_fold(models, usable, x, known, n_classes, C=penalty, tol=_CLOSE)
        loss = -log_softmax(logits, axis=1)[rows, known].mean()
        if loss < best:
            best, chosen = loss, penalty
        least = min(least, loss)
        if loss > _PAST_BEST * least:
            break
    others = np.setdiff1d(np.arange(len(codes)), some)
    rest = [others[k :: len(usable)] for k in range(len(usable))]
    all_folds = [(some[a], np.append(some[b], c)) for (a, b), c in zip(usable, rest, strict=True)]
    logits = _out_of_fold(models, all_folds, every, codes, n_classes, C=chosen, tol=_CONVERGED)
    return logits, float(chosen)


def _out_of_fold(
    models: list[LogisticRegression],
    usable: list[tuple[np.ndarray, np.ndarray]],
    x: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    **parameters: float,
) -> np.ndarray:
    """Logits by models of the other folds; of classes unknown there, those of the least likely."""
    logits = np.zeros((len(codes), n_classes))
    for model, (train, test) in zip(models, usable, strict=True):
        model.set_params(**parameters).fit(x[train], codes[train])
        weight, bias = _as_softmax(model, n_classes)
        logits[test] = x[test] @ weight.T + bias
        unknown = np.setdiff1d(np.arange(n_classes), model.classes_)
        known = logits[np.ix_(test, model.classes_)]
        logits[np.ix_(test, unknown)] = known.min(axis=1, keepdims=True)
    return logits


def _as_softmax(model: LogisticRegression, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of a softmax over all classes; 0 for those that the model does not know."""
    coefficients, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    weight, bias = np.zeros((n_classes, coefficients.shape[1])), np.zeros(n_classes)
    weight[model.classes_], bias[model.classes_] = coefficients, intercept
    return weight, bias
