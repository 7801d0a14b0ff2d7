"""A table of scores with one row per label."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from ..utils._warnings import warn
from ._bootstrap import (
    check_scores,
    evaluate_on_resamples,
    label_indicator,
    percentile_interval,
)
from ._ranking import MacroRankingMetric, RankingMetrics
from ._resampling import Resamples

# Columns of the table, and the metrics that they hold.
_RANKING_COLUMNS = {"auroc": "roc_auc", "auprc": "average_precision"}


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
    """Compute AUROC and average precision with intervals, and threshold metrics, of each label.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels: a multilabel indicator of 0 and 1, or a column of two values, of which the
        larger is positive.
    y_score : array-like of shape (n_records,) or (n_records, n_labels)
        Out-of-fold scores of each label.
    label_names : array-like of shape (n_labels,), default=None
        Names of the rows. If None, they are the columns of a DataFrame ``y_true``, the positive
        label of a binary target, or the numbers from 0.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. None resamples records.
    threshold : float, array-like of shape (n_labels,) or None, default=0.5
        A record is predicted positive if its score is above the threshold. If None, the table has
        no columns that depend on a threshold.
    n_resamples : int, default=1000
        Number of bootstrap resamples, >= 1.
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible intervals.

    Returns
    -------
    table : DataFrame
        One row per label. With two labels or more, a last row "macro" has the mean over the labels
        for which a metric is defined. The columns are:

        - ``n_records``, ``n_positive``, ``prevalence``;
        - ``auroc``, ``auroc_low``, ``auroc_high``, and ``auprc``, ``auprc_low``, ``auprc_high``
          (average precision). The intervals are percentile bootstrap intervals, as in
          `bootstrap_interval`; resamples are stratified in the rows of labels, but not in "macro";
        - ``sensitivity``, ``specificity``, ``ppv``, ``npv`` at the threshold.

    Raises
    ------
    ValueError
        If lengths or shapes differ, if `y_true` is neither binary nor an indicator, if the number
        of names or thresholds is not the number of labels, or if a patient is missing.

    Warns
    -----
    UndefinedMetricWarning
        If a label has a single value, or no record is predicted positive or negative. The metrics
        that are undefined as a result are NaN.
    UserWarning
        If a label has a single positive or negative patient (or record), which is part of every
        resample.

    See Also
    --------
    bootstrap_interval : Interval of a single metric.

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
    positive, names = _check_label_names(y_true, names)
    y_score = check_scores(positive, y_score)
    assert_all_finite(y_score, input_name="y_score")
    y_score = y_score.reshape(positive.shape)
    thresholds = None if threshold is None else _check_thresholds(threshold, len(names))

    rng = check_random_state(random_state)
    options = {"n_resamples": n_resamples, "confidence_level": confidence_level}
    rows = []
    for label, name in enumerate(names):
        row = {"n_positive": int(positive[:, label].sum())}
        row["prevalence"] = row["n_positive"] / len(positive)
        columns = positive[:, label], y_score[:, label]
        row.update(_ranking_columns(name, *columns, groups, rng, **options))
        if thresholds is not None:
            row.update(_threshold_columns(name, *columns, thresholds[label]))
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.Index(names, name="label"))
    if len(names) > 1:
        defined = [column.any() and not column.all() for column in positive.T]
        macro = table.mean()  # skips the NaN of undefined metrics
        macro["n_positive"] = pd.NA
        columns = positive[:, defined], y_score[:, defined]
        macro.update(pd.Series(_macro_columns(*columns, groups, rng, **options)))
        table = pd.concat([table.astype(object), macro.rename("macro").to_frame().T])
        table.index.name = "label"
    table.insert(0, "n_records", len(positive))
    dtypes = {column: "Int64" if column.startswith("n_") else float for column in table}
    return table.astype(dtypes)


def _check_label_names(y_true, names):
    """Return a boolean indicator of the labels, and their names."""
    try:
        positive = label_indicator(y_true)
    except ValueError:
        # A column with a single value gives a row of NaN, as such a label among others does.
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
            f"label_names has {len(names)} names, but y_true has {positive.shape[1]} label(s). "
            "Pass one name per label."
        )
    return positive, names


def _check_thresholds(threshold, n_labels):
    threshold = np.asarray(threshold, dtype=float)
    if threshold.shape not in ((), (n_labels,)):
        raise ValueError(
            f"threshold must be a number or have shape ({n_labels},), got shape {threshold.shape}."
        )
    return np.broadcast_to(threshold, n_labels)


def _ranking_columns(name, positive, score, groups, rng, *, n_resamples, confidence_level):
    """Return the AUROC and average precision of a label with their intervals."""
    if positive.all() or not positive.any():
        warn(
            f"y_true: label {name!r} has {positive.sum()} positive records of {len(positive)}. "
            "Its AUROC and average precision are undefined and set to NaN.",
            UndefinedMetricWarning,
        )
        ends = ("", "_low", "_high")
        return {column + end: np.nan for column in _RANKING_COLUMNS for end in ends}
    resamples = Resamples(positive, groups, n_resamples, rng, subject=f"Label {name!r}")
    label = RankingMetrics(positive, score)
    metrics = {column: getattr(label, metric) for column, metric in _RANKING_COLUMNS.items()}
    return _with_intervals(metrics, resamples, confidence_level)


def _macro_columns(positive, score, groups, rng, *, n_resamples, confidence_level):
    """Return the means over labels of AUROC and average precision with their intervals."""
    if not positive.shape[1]:
        return {}
    metrics = {
        column: MacroRankingMetric(metric, positive, score)
        for column, metric in _RANKING_COLUMNS.items()
    }
    resamples = Resamples(positive, groups, n_resamples, rng)
    try:
        return _with_intervals(metrics, resamples, confidence_level)
    except ValueError as error:
        warn(
            f"{error} The interval of the macro average is undefined and set to NaN.",
            UndefinedMetricWarning,
        )
        return {column + end: np.nan for column in _RANKING_COLUMNS for end in ("_low", "_high")}


def _with_intervals(metrics, resamples, confidence_level):
    row = {}
    scores = evaluate_on_resamples(metrics.values(), resamples)
    for column, (score, resampled_scores) in zip(metrics, scores):
        low, high = percentile_interval(resampled_scores, confidence_level)
        row.update({column: score, f"{column}_low": low, f"{column}_high": high})
    return row


def _threshold_columns(name, positive, score, threshold):
    """Return sensitivity, specificity and predictive values at a threshold."""
    predicted = score > threshold
    correct = predicted == positive
    denominators = {
        "sensitivity": (positive, "positive records"),
        "specificity": (~positive, "negative records"),
        "ppv": (predicted, "records predicted positive"),
        "npv": (~predicted, "records predicted negative"),
    }
    row = {}
    for column, (records, description) in denominators.items():
        row[column] = correct[records].mean() if records.any() else np.nan
        if not records.any():
            warn(
                f"Label {name!r} has no {description}. Its {column} is undefined and set to NaN.",
                UndefinedMetricWarning,
            )
    return row
