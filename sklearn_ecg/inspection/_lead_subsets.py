"""Scores of an estimator when only some of the leads are available."""

from collections.abc import Callable, Mapping
from copy import copy
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor
from sklearn.metrics import average_precision_score, get_scorer, roc_auc_score
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._validation._samples import check_not_masked, check_one_type
from ..beats._feature_tables import drop_leads_of_features
from ..leads._lead_subsets import resolve_lead_subset
from ..metrics._bootstrap import bootstrap_scores, check_bootstrap_input, percentile_interval
from ._lead_groups import NO_LEAD, groups_of_mixed_frame, is_feature_table
from ._lead_importance import resolve_input
from ._lead_replacement import copy_records
from ._unwrap import known_n_leads

DEFAULT_SUBSETS = ("12", "limb", "I+II+V2", "I")
_FILL = {"nan": np.nan, "zero": 0.0}


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "y": ["array-like"],
        "subsets": ["array-like", Mapping],
        "scoring": [str, callable],
        "fill": [StrOptions(set(_FILL))],
        "groups": ["array-like", None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def score_by_leads(
    estimator,
    X,
    y,
    *,
    subsets: Any = DEFAULT_SUBSETS,
    scoring: str | Callable = "roc_auc",
    fill="nan",
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
    n_leads=None,
):
    """Compute the score of a fitted estimator if only some of the leads are available.

    The other leads are replaced by NaN or zeros in all records, the estimator predicts, and the
    score is computed, with its bootstrap interval and that of the difference to all leads. The
    estimator is not fitted again: a low score may mean that the leads contain little information,
    or that the estimator was not trained on records without the others.

    Parameters
    ----------
    estimator : estimator
        Fitted on such X, with all leads: a `Pipeline`, a classifier of this package, or any other
        scikit-learn estimator.
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals, or
        lead-major rows of shape (n_records, n_leads * n_times). A lead frame may have other
        columns, such as age, which are kept. Alternatively a table of features: a DataFrame with
        lead names in its column names (see `feature_groups`). Use records that the estimator was
        not fitted on. X is not modified.
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Classes, a multilabel indicator, or the numbers that a regressor predicts.
    subsets : sequence of (str or sequence of str), or mapping, default=("12", "limb", \
            "I+II+V2", "I")
        The subsets of leads that are kept: "12", "limb", "chest", "all" leads of X, leads separated
        by plus signs, or lists of leads. A mapping from the name of each subset to one of these
        names the rows of the result.
    scoring : str or scorer, default="roc_auc"
        Name of a score of scikit-learn, or a scorer that `sklearn.metrics.make_scorer` returned.
        Pass another than the default for a regressor, such as "r2".
    fill : {"nan", "zero"}, default="nan"
        What the signals of the other leads are replaced by. "nan" is for estimators that accept
        missing leads, such as a pipeline of `BeatFeatures` and gradient boosting. "zero" is for the
        others, such as networks; zero is about the mean of a lead if signals have no offset. The
        features of a table become NaN.
    groups : array-like of shape (n_records,), default=None
        Patient of each record; the bootstrap draws patients. None draws records.
    n_resamples : int, default=1000
        Number of bootstrap resamples, >= 1. They are the same for all subsets.
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible intervals.
    n_leads : int or None, default=None
        Number of leads of 2-D rows and numeric frames, if the estimator does not know it.

    Returns
    -------
    scores : DataFrame
        One row per subset, with the columns ``n_leads``, ``score``, ``low`` and ``high`` (the ends
        of the interval), and ``difference``, ``difference_low`` and ``difference_high``: the score
        minus that with all leads of X, and its interval. The index contains the names of the
        subsets.

    Raises
    ------
    TypeError
        If a subset is not a name or a list of names, or `scoring` is another function.
    ValueError
        If the estimator is not fitted or does not accept NaN, the shape of X is ambiguous, its
        leads have no names, a lead of a subset is missing, y is continuous for a classifier or
        differs in length from X, `scoring` does not suit a regressor, or ``fill="zero"`` is passed
        for a table of features.

    Warns
    -----
    UserWarning, UndefinedMetricWarning
        As in `bootstrap_interval`.

    See Also
    --------
    LeadSubsetDisplay : Draw the result.
    sklearn_ecg.imbalance.FeatureLeadDropout : Train for records with missing leads.
    lead_importance : Drop of the score when leads are exchanged between records.

    Notes
    -----
    In a table of features, the features of a lead that is left out become NaN, as in
    `sklearn_ecg.imbalance.FeatureLeadDropout`: features of the record that were measured in all
    leads together, such as ``global__qt_interval``, remain. Pass signals and a pipeline that
    computes the features to measure them in the leads that are kept.

    The intervals are those of `sklearn_ecg.metrics.bootstrap_interval` and
    `sklearn_ecg.metrics.bootstrap_difference`. Metrics other than "roc_auc" and "average_precision"
    are computed once for each resample.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import score_by_leads
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> X, y = make_ecg(160, duration=5, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = make_pipeline(
    ...     BeatFeatures(sampling_rate=100),
    ...     HistGradientBoostingClassifier(max_iter=10, random_state=0),
    ... )
    >>> _ = clf.fit(X[:80], y[:80])
    >>> scores = score_by_leads(clf, X[80:], y[80:], subsets=["12", "chest", "I"], random_state=0)
    >>> scores["n_leads"].to_dict()
    {'12': 12, 'chest': 6, 'I': 1}
    >>> bool(scores.loc["12", "score"] > scores.loc["I", "score"])
    True
    """
    check_is_fitted(estimator)
    scorer = _check_scorer(scoring)
    # Without a group for the other columns of a frame, such as age, which are not replaced.
    positions = groups_of_mixed_frame(X, None, "gaussian", "score_by_leads")
    kind, is_table = "lead frame", False
    if positions is None:
        is_table = not (n_leads or known_n_leads(estimator, X)) and is_feature_table(X)
        X, kind, n_leads, positions = resolve_input(
            "score_by_leads", estimator, X, None, n_leads, "shuffle"
        )
    check_not_masked(y, "y")
    check_one_type(y)
    if _num_samples(y) != _num_samples(X):
        raise ValueError(
            f"y has {_num_samples(y)} values, but X has {_num_samples(X)} records. Pass one value "
            "for each record."
        )
    if is_regressor(estimator):
        if isinstance(scoring, str) and scoring == "roc_auc":
            raise ValueError("scoring='roc_auc' needs a classifier. Pass another, such as 'r2'.")
    elif type_of_target(y).startswith("continuous"):
        raise ValueError("y is continuous, but a classifier needs classes or labels.")
    if is_table and fill == "zero":
        raise ValueError(
            "fill='zero' replaces signals, but X is a table of features. Pass fill='nan', or "
            "signals and a pipeline that computes the features."
        )
    names = [name for name in positions if name != NO_LEAD]
    kept_leads = _resolve_subsets(subsets, names)

    def predict(X):
        return _capture_response(scorer, estimator, X, y)

    responses = {None: predict(X)}
    records = None if is_table else copy_records(X, kind, n_leads, real=True)
    for label, leads in kept_leads.items():
        kept = np.isin(names, leads)
        if kept.all():
            responses[label] = responses[None]
        elif is_table:
            of_records = np.broadcast_to(kept, (len(X), len(names)))
            with_few = drop_leads_of_features(X, of_records)
            responses[label] = _explain_nan(predict, with_few, estimator, is_table)
        else:
            dropped = [positions[name][0] for name in np.array(names, dtype=object)[~kept]]
            responses[label] = _predict_without(records, dropped, _FILL[fill], predict, estimator)
    return _make_table(
        scorer, y, responses, kept_leads, groups, n_resamples, confidence_level, random_state
    )


def _check_scorer(scoring):
    """Return a scorer of scikit-learn."""
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    if not isinstance(scorer, _BaseScorer):
        raise TypeError(
            f"scoring must be the name of a score or a scorer, got {scoring!r}. Pass "
            "make_scorer(metric), or 'roc_auc'."
        )
    return scorer


def _resolve_subsets(subsets, names):
    """Return the leads of each subset, by its name."""
    if not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"The {len(names)} leads of X have no names. Pass a lead frame (to_lead_frame), or fit "
            "the estimator with lead_names."
        )
    if isinstance(subsets, Mapping):
        named = [
            (str(label), resolve_lead_subset(subset, names)[1]) for label, subset in subsets.items()
        ]
    elif isinstance(subsets, str):
        raise TypeError(f"subsets must be a list of subsets, got {subsets!r}. Pass [{subsets!r}].")
    else:
        named = [resolve_lead_subset(subset, names) for subset in subsets]
    if not named:
        raise ValueError("subsets is empty. Pass at least one subset.")
    labels = [label for label, _ in named]
    if len(set(labels)) < len(labels):
        raise ValueError(f"subsets contains a subset twice: {', '.join(labels)}. Pass each once.")
    return dict(named)


def _predict_without(records, dropped, value, predict, estimator):
    """Predict records in which some leads are replaced by a value."""
    original = records.get_leads(dropped)
    signals = records.to_signals(original)
    dtype = np.result_type(signals.dtype, np.float32)
    records.set_leads(dropped, records.from_signals(np.full(signals.shape, value, dtype)))
    try:
        return _explain_nan(predict, records.X, estimator, np.isnan(value))
    finally:
        records.restore_leads(dropped, original)


def _explain_nan(predict, X, estimator, has_nan):
    """Predict, and say what to do if the estimator does not accept NaN."""
    try:
        return predict(X)
    except ValueError as error:
        if not has_nan or "NaN" not in str(error):
            raise
        raise ValueError(
            f"{type(estimator).__name__} does not accept missing leads, which are NaN: {error} "
            "Pass fill='zero' for signals, or add a step that fills NaN, such as SimpleImputer."
        ) from error


def _capture_response(scorer, estimator, X, y):
    """Return what a scorer passes to its metric: predictions, scores or probabilities."""
    captured = []

    def capture(y_true, y_pred, **_):
        captured.append(y_pred)
        return 0.0

    capturing = copy(scorer)
    capturing._score_func = capture
    capturing(estimator, X, y)
    return np.asarray(captured[0])


def _make_table(
    scorer, y, responses, kept_leads, groups, n_resamples, confidence_level, random_state
):
    """Compute the scores, their intervals, and those of the differences to all leads."""
    # The argument names in messages; subsets that keep all leads are evaluated once.
    arguments = {}
    for label, response in responses.items():
        if label is None or response is not responses[None]:
            arguments[f"predictions with {label or 'all leads'}"] = response
    y_true, y_scores = check_bootstrap_input(y, arguments, groups)
    metric = scorer._score_func
    if metric not in (roc_auc_score, average_precision_score) or scorer._kwargs:
        metric = _ScorerMetric(scorer)
    results = bootstrap_scores(metric, y_true, y_scores, groups, n_resamples, random_state)
    results = dict(zip(arguments, results))
    everything, resampled_all = results["predictions with all leads"]
    rows = []
    for label, leads in kept_leads.items():
        score, resampled = results.get(f"predictions with {label}", (everything, resampled_all))
        rows.append(
            (
                len(leads),
                score,
                *percentile_interval(resampled, confidence_level),
                score - everything,
                *percentile_interval(resampled - resampled_all, confidence_level),
            )
        )
    columns = ["n_leads", "score", "low", "high"]
    columns += ["difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(list(kept_leads), name="leads"))


class _ScorerMetric:
    """The metric of a scorer, as a function of labels and predictions.

    Parameters
    ----------
    scorer : scorer of scikit-learn
    """

    def __init__(self, scorer):
        self._scorer = scorer

    def __call__(self, y_true, y_pred):
        scorer = self._scorer
        return scorer._sign * scorer._score_func(y_true, y_pred, **scorer._kwargs)
