"""A table of scores with one row per label."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from ..utils._warnings import warn
from ._bootstrap import evaluate_on_resamples, loop_over_resamples, percentile_interval
from ._label_columns import check_scores, label_indicator
from ._matching import (
    as_array,
    as_label_array,
    check_renaming,
    check_same_records,
    column_names,
    match_columns,
    match_values,
)
from ._ranking import MacroRankingMetric, RankingMetrics
from ._resampling import Resamples

# Columns of the table, and the metrics that they hold.
_RANKING_COLUMNS = {"auroc": "roc_auc", "auprc": "average_precision"}
_THRESHOLD_COLUMNS = ("sensitivity", "specificity", "ppv", "npv")
# A score and the ends of its interval.
_ENDS = ("", "_low", "_high")


@validate_params(
    {
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "label_names": ["array-like", None],
        "groups": ["array-like", None],
        "threshold": [Real, "array-like", Mapping, None],
        "metrics": [Mapping, None],
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
    threshold: Any = 0.5,
    metrics=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute AUROC, average precision and other metrics of each label, with intervals.

    Parameters
    ----------
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels: a multilabel indicator of 0 and 1, or a column of two values, of which the
        larger is positive.
    y_score : array-like of shape (n_records,) or (n_records, n_labels)
        Out-of-fold scores of each label, for the same records in the same order. The columns of a
        DataFrame are matched by name with those of ``y_true`` or, if these have no names, with
        ``label_names``. Columns without names are in the order of ``y_true``.
    label_names : array-like of shape (n_labels,), default=None
        Names of the rows, in the order of the columns of ``y_true``. If None, they are the columns
        of a DataFrame ``y_true``, the positive label of a binary target, or the numbers from 0.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. None resamples records.
    threshold : float, array-like of shape (n_labels,), mapping, Series or None, default=0.5
        A record is predicted positive if its score is at least the threshold, as in `net_benefit`
        and `sklearn_ecg.MultilabelTunedThresholdClassifierCV`; ``predict`` of other classifiers
        requires more than 0.5, which makes a difference for calibrated scores of exactly 0.5. The
        thresholds of a mapping, or of a Series with named values, are matched with the labels by
        name. If None, the table has no columns that depend on a threshold.
    metrics : mapping of str to callable, default=None
        Further metrics, by the name of their column, such as ``{"brier": brier_score}``. Each is
        called as ``metric(y_true, y_score)`` with 0 and 1 and the scores of one label, for all
        records and for each resample, and must return a float. A label that is positive, or
        negative, in all records has NaN.
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
        - for each of ``metrics``, its name, and the name with "_low" and "_high";
        - ``sensitivity``, ``specificity``, ``ppv``, ``npv`` at the threshold.

    Raises
    ------
    ValueError
        If lengths, shapes or the names of columns differ, if the index of a Series or DataFrame
        shows that records are in different orders (as in `bootstrap_interval`), if `y_true` is
        neither binary nor an indicator, if the number of names or thresholds is not the number of
        labels, if a patient is missing, or if a metric has the name of another column.

    Warns
    -----
    UndefinedMetricWarning
        If a label has a single value, no record is predicted positive or negative, or all
        resamples are equal, such as those of a single patient. The metrics and intervals that are
        undefined as a result are NaN.
    UserWarning
        If ``groups`` has fewer than 10 patients, or if a label has a single positive or negative
        patient (or record), which is part of every resample.

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

    Further metrics have intervals, too:

    >>> from sklearn_ecg.metrics import brier_score, calibration_slope
    >>> table = label_table(
    ...     y, score, metrics={"brier": brier_score, "slope": calibration_slope}, n_resamples=100,
    ...     random_state=0,
    ... )
    >>> table[["brier", "brier_low", "brier_high", "slope"]].round(2)
           brier  brier_low  brier_high  slope
    label
    0       0.06       0.05        0.07   3.47
    1       0.05       0.04        0.06   3.11
    macro   0.05       0.05        0.06   3.29
    """
    names = column_names(y_true)
    if label_names is not None:
        check_renaming(names or (), label_names)
        names = list(label_names)
    check_same_records(y_true=y_true, y_score=y_score, groups=groups)
    check_consistent_length(y_true, y_score, groups)
    y_score = as_array(match_columns(y_true, y_score, label_names=label_names), "y_score")
    y_true = as_label_array(y_true)
    positive, names = _check_label_names(y_true, names)
    y_score = check_scores(positive, y_score)
    assert_all_finite(y_score, input_name="y_score")
    y_score = y_score.reshape(positive.shape)
    thresholds = None if threshold is None else _check_thresholds(threshold, names)

    rng = check_random_state(random_state)
    metrics = _check_metrics(metrics)
    options = {"n_resamples": n_resamples, "confidence_level": confidence_level}
    rows = []
    for label, name in enumerate(names):
        row = {"n_positive": int(positive[:, label].sum())}
        row["prevalence"] = row["n_positive"] / len(positive)
        columns = positive[:, label], y_score[:, label]
        row.update(_interval_columns(name, *columns, groups, rng, metrics, **options))
        if thresholds is not None:
            row.update(_threshold_columns(name, *columns, thresholds[label]))
        rows.append(row)
    table = pd.DataFrame(rows, index=pd.Index(names, name="label"))
    if len(names) > 1:
        defined = [column.any() and not column.all() for column in positive.T]
        macro = table.mean()  # skips the NaN of undefined metrics
        macro["n_positive"] = pd.NA
        columns = positive[:, defined], y_score[:, defined]
        ends = _macro_columns(*columns, groups, rng, metrics, **options)
        for column, value in ends.items():
            if column.endswith(_ENDS[1:]):  # the score is the mean over the labels with one
                macro[column] = value
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


def _check_thresholds(threshold, names):
    """Return the threshold of each label; those of a Series or mapping are matched by name."""
    threshold = match_values(threshold, names, "threshold")
    try:
        threshold = np.asarray(threshold, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"threshold must hold numbers, got {threshold!r}.") from None
    if threshold.shape not in ((), (len(names),)):
        raise ValueError(
            f"threshold must be a number or have shape ({len(names)},), got shape "
            f"{threshold.shape}."
        )
    if np.isnan(threshold).any():
        raise ValueError("threshold contains NaN. Pass a threshold for each label, or None.")
    return np.broadcast_to(threshold, len(names))


def _check_metrics(metrics):
    """Return the further metrics, after checking their names."""
    metrics = dict(metrics or {})
    taken = [*_THRESHOLD_COLUMNS, "n_records", "n_positive", "prevalence"]
    taken += [f"{column}{end}" for column in (*_RANKING_COLUMNS, *metrics) for end in _ENDS[1:]]
    for name, metric in metrics.items():
        if not isinstance(name, str) or name in taken or name in _RANKING_COLUMNS:
            raise ValueError(
                f"metrics has the name {name!r}, which must be a str other than the names of the "
                f"columns {', '.join(_RANKING_COLUMNS)}, {', '.join(taken[:7])} and of the ends of "
                "intervals. Choose another name."
            )
        if not callable(metric):
            raise ValueError(f"metrics[{name!r}] must be callable, got {metric!r}.")
    return metrics


def _interval_columns(
    name, positive, score, groups, rng, metrics, *, n_resamples, confidence_level
):
    """Return the AUROC, the average precision and further metrics of a label with intervals."""
    if positive.all() or not positive.any():
        further = f" Its {', '.join(metrics)} is set to NaN as well." if metrics else ""
        warn(
            f"y_true: label {name!r} has {positive.sum()} positive records of {len(positive)}. "
            f"Its AUROC and average precision are undefined and set to NaN.{further}",
            UndefinedMetricWarning,
        )
        return {column + end: np.nan for column in (*_RANKING_COLUMNS, *metrics) for end in _ENDS}
    resamples = Resamples(positive, groups, n_resamples, rng, label=f"Label {name!r}")
    label = RankingMetrics(positive, score)
    of_counts = {column: getattr(label, metric) for column, metric in _RANKING_COLUMNS.items()}
    of_counts.update(
        (column, loop_over_resamples(metric, positive.astype(int), score))
        for column, metric in metrics.items()
    )
    return _with_intervals(of_counts, resamples, confidence_level)


def _macro_columns(positive, score, groups, rng, metrics, *, n_resamples, confidence_level):
    """Return the means over labels of all metrics with intervals."""
    if not positive.shape[1]:
        return {}
    of_counts = {
        column: MacroRankingMetric(metric, positive, score)
        for column, metric in _RANKING_COLUMNS.items()
    }
    of_counts.update(
        (column, loop_over_resamples(_mean_over_labels(metric), positive.astype(int), score))
        for column, metric in metrics.items()
    )
    resamples = Resamples(positive, groups, n_resamples, rng, label="the macro average")
    try:
        return _with_intervals(of_counts, resamples, confidence_level)
    except ValueError as error:
        warn(
            f"{error} The interval of the macro average is undefined and set to NaN.",
            UndefinedMetricWarning,
        )
        return {column + end: np.nan for column in of_counts for end in _ENDS[1:]}


def _mean_over_labels(metric):
    def mean(positive, score):
        return np.mean([metric(*label) for label in zip(positive.T, score.T)])

    return mean


def _with_intervals(metrics, resamples, confidence_level):
    row = {}
    scores = evaluate_on_resamples(metrics.values(), resamples)
    for column, (score, resampled_scores) in zip(metrics, scores):
        ends = percentile_interval(resampled_scores, confidence_level)
        row.update({column + end: value for end, value in zip(_ENDS, (score, *ends))})
    return row


def _threshold_columns(name, positive, score, threshold):
    """Return sensitivity, specificity and predictive values at a threshold."""
    predicted = score >= threshold
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
