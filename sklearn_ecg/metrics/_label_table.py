"""A table of scores, one row per label."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from ..utils._warnings import warn
from ._bootstrap import check_scores, on_resamples, percentiles, positive_labels
from ._ranking import MacroRanking, Ranking
from ._resampling import Resamples

_METRICS = {"auroc": "roc_auc", "auprc": "average_precision"}


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "label_names": ["array-like", None],
        "groups": ["array-like", None],
        "threshold": [Real, "array-like", None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def label_table(
    y_true,
    y_score,
    *,
    label_names=None,
    groups=None,
    threshold=0.5,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """AUROC, average precision and their intervals for each label.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        A multilabel indicator of 0 and 1, or two labels in one column, of which the larger is
        positive.
    y_score : array-like of shape (n_records,) or (n_records, n_labels)
        Scores of each label.
    label_names : array-like of shape (n_labels,), default=None
        Names for the rows. None takes the columns of a DataFrame ``y_true``, the positive label of
        a binary target, or numbers from 0.
    groups : array-like of shape (n_records,), default=None
        Patients, who are drawn whole.
    threshold : float, array-like of shape (n_labels,) or None, default=0.5
        A record is called positive if its score is above it. None leaves these columns out.
    n_resamples : int, default=1000
        Number of bootstrap resamples, >= 1.
    confidence_level : float, default=0.95
        In (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seeds the resamples.

    Returns
    -------
    table : DataFrame
        A row per label and, with two labels or more, a last row "macro", the mean over the
        labels whose metric is defined. Columns:

        - ``n_records``, ``n_positive``, ``prevalence``;
        - ``auroc``, ``auroc_low``, ``auroc_high``; ``auprc``, ``auprc_low``, ``auprc_high``:
          average precision. Intervals are percentile bootstraps, as in `bootstrap_interval`:
          stratified for each label; without strata for "macro";
        - ``sensitivity``, ``specificity``, ``ppv``, ``npv`` at the threshold.

    Raises
    ------
    ValueError
        When lengths or shapes differ, `y_true` is no indicator, or a name or threshold is missing.

    Warns
    -----
    UndefinedMetricWarning
        When a label has one value only, or nothing was called positive or negative: the metrics
        that this leaves undefined are NaN.
    UserWarning
        When a label has a single positive or negative patient (or record): it is in every
        resample.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.metrics import label_table
    >>> rng = np.random.RandomState(0)
    >>> y = (rng.rand(300, 2) < [0.3, 0.1]).astype(int)
    >>> score = 1 / (1 + np.exp(2 - 3 * y - rng.randn(300, 2)))
    >>> table = label_table(y, score, label_names=["MI", "HYP"], random_state=0)
    >>> table[["n_positive", "auroc", "auroc_low", "auroc_high", "sensitivity"]].round(2)
           n_positive  auroc  auroc_low  auroc_high  sensitivity
    label
    MI             93   0.99       0.98         1.0         0.91
    HYP            35   0.98       0.96         1.0         0.91
    macro        <NA>   0.99       0.97         1.0         0.91
    """
    names = label_names
    if names is None and hasattr(y_true, "columns"):
        names = y_true.columns
    y_true, y_score = np.asarray(y_true), np.asarray(y_score)
    check_consistent_length(y_true, y_score, groups)
    positive, names = _labels(y_true, names)
    y_score = check_scores(positive, y_score)
    assert_all_finite(y_score, input_name="y_score")
    y_score = y_score.reshape(positive.shape)
    thresholds = None if threshold is None else _thresholds(threshold, len(names))

    rng = check_random_state(random_state)
    options = {"n_resamples": n_resamples, "confidence_level": confidence_level}
    rows = []
    for label, name in enumerate(names):
        row = {"n_positive": int(positive[:, label].sum())}
        row["prevalence"] = row["n_positive"] / len(positive)
        columns = positive[:, label], y_score[:, label]
        row.update(_ranked(name, *columns, groups, rng, **options))
        if thresholds is not None:
            row.update(_called(name, *columns, thresholds[label]))
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.Index(names, name="label"))
    if len(names) > 1:
        defined = [column.any() and not column.all() for column in positive.T]
        macro = table.mean()  # undefined values are left out
        macro["n_positive"] = pd.NA
        macro.update(
            pd.Series(_macro(positive[:, defined], y_score[:, defined], groups, rng, **options))
        )
        table = pd.concat([table.astype(object), macro.rename("macro").to_frame().T])
        table.index.name = "label"
    table.insert(0, "n_records", len(positive))
    kinds = {column: "Int64" if column.startswith("n_") else float for column in table}
    return table.astype(kinds)


def _labels(y_true, names):
    """Where labels are positive, and their names."""
    try:
        positive = positive_labels(y_true)
    except ValueError:
        # One value in a single column: a row of NaN, as for such a label among others.
        if y_true.ndim != 1 or not np.isin(y_true, (0, 1)).all():
            raise
        positive = (y_true == 1)[:, None]
    if names is None:
        names = range(positive.shape[1])
        if y_true.ndim == 1:
            names = [y_true[positive[:, 0]][0] if positive.any() else 1]
    names = list(names)
    if len(names) != positive.shape[1]:
        raise ValueError(
            f"label_names holds {len(names)} names, but y_true has {positive.shape[1]} label(s). "
            "Pass one name for each label."
        )
    return positive, names


def _thresholds(threshold, n_labels):
    threshold = np.asarray(threshold, dtype=float)
    if threshold.shape not in ((), (n_labels,)):
        raise ValueError(
            f"threshold must be a number or have the shape ({n_labels},), got shape "
            f"{threshold.shape}."
        )
    return np.broadcast_to(threshold, n_labels)


def _undefined(message):
    warn(message, UndefinedMetricWarning)


def _ranked(name, positive, score, groups, rng, *, n_resamples, confidence_level):
    """AUROC and average precision of a label with their intervals."""
    if positive.all() or not positive.any():
        _undefined(
            f"y_true: label {name!r} has {positive.sum()} positive records of {len(positive)}. "
            "Its AUROC and average precision are undefined and set to NaN."
        )
        return {key + end: np.nan for key in _METRICS for end in ("", "_low", "_high")}
    resamples = Resamples(positive, groups, n_resamples, rng, what=f"Label {name!r}")
    ranking = Ranking(positive, score)
    metrics = {key: getattr(ranking, method) for key, method in _METRICS.items()}
    return _with_intervals(metrics, resamples, confidence_level)


def _macro(positive, score, groups, rng, *, n_resamples, confidence_level):
    if not positive.shape[1]:
        return {}
    metrics = {key: MacroRanking(name, positive, score) for key, name in _METRICS.items()}
    resamples = Resamples(positive, groups, n_resamples, rng)
    try:
        return _with_intervals(metrics, resamples, confidence_level)
    except ValueError as error:
        _undefined(f"{error} The interval of the macro mean is undefined and set to NaN.")
        return {key + end: np.nan for key in _METRICS for end in ("_low", "_high")}


def _with_intervals(metrics, resamples, confidence_level):
    row = {}
    for key, (score, scores) in zip(metrics, on_resamples(metrics.values(), resamples)):
        low, high = percentiles(scores, confidence_level)
        row.update({key: score, f"{key}_low": low, f"{key}_high": high})
    return row


def _called(name, positive, score, threshold):
    """Sensitivity, specificity and predictive values at a threshold."""
    called = score > threshold
    true = called == positive
    parts = {
        "sensitivity": (positive, "positive records"),
        "specificity": (~positive, "negative records"),
        "ppv": (called, "records called positive"),
        "npv": (~called, "records called negative"),
    }
    row = {}
    for key, (part, what) in parts.items():
        row[key] = true[part].mean() if part.any() else np.nan
        if not part.any():
            _undefined(f"y_true: label {name!r} has no {what}. Its {key} is undefined, set to NaN.")
    return row
