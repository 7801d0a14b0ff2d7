"""Permutation importance of leads, for a score and for the probabilities of single records.

The file has more than 500 lines because both functions document their parameters in full.
"""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, _safe_indexing, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._validation import read_container
from .._validation._samples import check_not_masked
from ..leads import LazyRecords
from ..leads._lead_groups import resolve_lead_groups
from ._lead_groups import (
    check_not_unnamed_table,
    feature_groups,
    groups_of_mixed_frame,
    is_feature_table,
    leads_of_groups,
)
from ._lead_replacement import (
    LeadReplacement,
    NetworkRecords,
    TiledLeadReplacement,
    check_can_shuffle,
    copy_records,
)
from ._unwrap import (
    first_network,
    known_lead_names,
    known_n_leads,
    known_target_kind,
    only_predicts,
)

# With this many records or fewer, one call for all repeats is faster than one call for each.
_MAX_TILED_RECORDS = 64

_COMMON_CONSTRAINTS = {
    "estimator": [HasMethods(["fit"])],
    "method": [StrOptions({"shuffle", "gaussian"})],
    "lead_groups": [str, Mapping, None],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
    "n_leads": [Interval(Integral, 1, None, closed="left"), None],
}
_SCORE_CONSTRAINTS = {
    **_COMMON_CONSTRAINTS,
    "y": ["array-like", None],
    "scoring": [str, callable, list, tuple, dict, None],
    "max_samples": [
        Interval(Integral, 1, None, closed="left"),
        Interval(RealNotInt, 0, 1, closed="right"),
    ],
    "sample_weight": ["array-like", None],
}


@validate_params(_SCORE_CONSTRAINTS, prefer_skip_nested_validation=True)
def lead_importance(
    estimator,
    X,
    y,
    *,
    method="shuffle",
    lead_groups=None,
    scoring=None,
    n_repeats=5,
    max_samples: float = 1.0,
    sample_weight=None,
    random_state=None,
    n_jobs=None,
    n_leads=None,
) -> Any:
    """Compute the drop of a score when a lead, or a group of leads, is replaced.

    This is `sklearn.inspection.permutation_importance` with leads as features [1]_, for all
    containers of signals. With ``method="shuffle"``, one lead per group and the same
    ``random_state``, the values are equal to those of scikit-learn for a lead frame.

    The six limb leads are linear combinations of two of them. When one limb lead is replaced, the
    others still contain its information and its importance is low. Use ``lead_groups`` to replace
    them together.

    Parameters
    ----------
    estimator : estimator
        Fitted on such X: a classifier of this package, a `Pipeline`, a search, a calibrated
        classifier, or any other scikit-learn estimator.
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals,
        or lead-major rows of shape (n_records, n_leads * n_times). Alternatively a table of
        features: a DataFrame with lead names in its column names (see `feature_groups`), such as
        that of `sklearn_ecg.preprocessing.BeatFeatures`; or a lead frame with other columns, such
        as age, for a `ColumnTransformer`: each of them is then exchanged as well, unless
        ``lead_groups`` are given. Use records that the estimator was not fitted on. X is not
        modified; the estimator is given a copy in the same container.
    y : array-like of shape (n_records,) or (n_records, n_labels), or None
        Labels.
    method : {"shuffle", "gaussian"}, default="shuffle"
        "shuffle": the signals of the lead are exchanged between records. "gaussian": each signal
        is replaced by Gaussian noise with the same mean and standard deviation over time.
    lead_groups : None, "regions" or mapping of str to list, default=None
        Leads that are replaced together. None: each lead by itself. "regions": the leads of each
        region of `sklearn_ecg.REGIONS_12`, or of `sklearn_ecg.REGIONS_8` if X has only
        these eight leads. A mapping from the name of each group to its leads, as names or
        positions; a lead may be in several groups or in none. In a table of features, the features
        of each lead, or of the leads of each group, are replaced together. The leads of a group
        are exchanged with the same shuffle, so that they come from the same record.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in `sklearn.inspection.permutation_importance`. None uses the ``score`` method of the
        estimator. ROC AUC and log loss are more sensitive than accuracy.
    n_repeats : int, default=5
        Number of times that each group is replaced.
    max_samples : int or float, default=1.0
        Number or share of the records in which leads are replaced. They are drawn without
        replacement, once for all groups.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records in the score.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffles or of the noise, which are the same for all groups.
    n_jobs : int or None, default=None
        Number of processes among which the groups are divided. It does not affect the result.
    n_leads : int or None, default=None
        Number of leads of 2-D rows and numeric frames, if the estimator does not know it.

    Returns
    -------
    result : `sklearn.utils.Bunch` or dict of Bunch
        For several scores, a dict with a Bunch for each.

        names : ndarray of shape (n_groups,)
            Names of the groups or leads; positions of leads without names. Names are taken from
            the frame or from the estimator; twelve unnamed leads are taken to be in standard
            order.
        groups : dict of str to list, or None
            The leads of each group, if ``lead_groups`` is given.
        importances : ndarray of shape (n_groups, n_repeats)
            Score on X, minus the score with the group replaced.
        importances_mean, importances_std : ndarray of shape (n_groups,)
            Mean and standard deviation over the repeats. The standard deviation does not include
            the variability between records or between fits.

    Raises
    ------
    ValueError
        If the estimator is not fitted, the shape of X is ambiguous, y or the weights differ in
        length from X, a lead or group is unknown or missing, or leads are replaced in a single
        record and ``method="shuffle"``.

    See Also
    --------
    record_lead_importance : Change of the predicted probability of each record.

    References
    ----------
    .. [1] Lei et al. (2026). MSAIC-Net. arXiv:2606.06718

    Examples
    --------
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import lead_importance
    >>> X, y = make_ecg(120, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = MSAICNetClassifier(dilations=(1,), filters=(8, 16), max_epochs=10, random_state=0)
    >>> clf = clf.fit(X[:80], y[:80])
    >>> result = lead_importance(clf, X[80:], y[80:], scoring="roc_auc", random_state=0)
    >>> result.importances.shape
    (12, 5)
    >>> regions = lead_importance(
    ...     clf, X[80:], y[80:], lead_groups="regions", scoring="roc_auc", random_state=0
    ... )
    >>> str(regions.names[regions.importances_mean.argmax()])
    'anterior'
    >>> lead_importance(clf, X[80:], y[80:], lead_groups={"right": ["V3R"]})
    Traceback (most recent call last):
        ...
    ValueError: Region 'right' needs lead V3R, but the leads present are I, II, III, ...
    """
    check_is_fitted(estimator)
    X_given, n_leads_given = X, n_leads
    X, kind, n_leads, groups = resolve_input(
        "lead_importance", estimator, X, lead_groups, n_leads, method
    )
    n_records = _num_samples(X)
    for name, values in (("y", y), ("sample_weight", sample_weight)):
        check_not_masked(values, name)
        if values is not None and _num_samples(values) != n_records:
            raise ValueError(
                f"{name} has {_num_samples(values)} values, but X has {n_records} records. Pass "
                "one value for each record."
            )
    if not isinstance(max_samples, Integral):
        given, max_samples = max_samples, int(max_samples * n_records)
        if max_samples == 0:
            raise ValueError(
                f"max_samples={given} of {n_records} records is less than one record. Pass a "
                "larger share, or a number of records."
            )
    elif max_samples > n_records:
        raise ValueError(
            f"max_samples={max_samples} is more than the {n_records} records of X. Pass at most "
            "this number, or a share up to 1.0."
        )
    check_can_shuffle(method, n_records, max_samples)
    scorer = check_scoring(estimator, scoring=scoring)
    network = first_network(estimator) if only_predicts(scorer, estimator) else None
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)

    # Draw in the same order as scikit-learn: first the records, then one shuffle after another.
    rng = np.random.RandomState(seed)
    rows = None
    if max_samples < n_records:
        rows = sample_without_replacement(n_records, max_samples, random_state=rng)
    replacement = LeadReplacement(method, rng, seed, max_samples, n_repeats)

    records = _copy_for(network, X, kind, n_leads, method)
    baseline = _score(scorer, estimator, records.X, y, sample_weight)
    if rows is not None:
        records = None
        X, y, sample_weight = (
            None if values is None else _safe_indexing(values, rows)
            for values in (X, y, sample_weight)
        )

    def scores_of(part, records=None):
        return delayed(_permuted_scores)(
            estimator,
            network,
            X,
            y,
            sample_weight,
            kind,
            n_leads,
            part,
            replacement,
            scorer,
            records,
        )

    leads = list(groups.values())
    n_parts = min(effective_n_jobs(n_jobs), len(leads))
    if n_parts == 1:
        parts = [scores_of(leads, records)]
    else:
        parts = [scores_of(leads[i::n_parts]) for i in range(n_parts)]
    all_scores = [None] * len(leads)
    for i, scores in enumerate(Parallel(n_jobs=n_jobs if n_parts > 1 else 1)(parts)):
        all_scores[i::n_parts] = scores

    names = np.empty(len(groups), dtype=object)
    names[:] = list(groups)
    leads_by_group = None
    if lead_groups is not None:
        by_lead = resolve_input("lead_importance", estimator, X_given, None, n_leads_given, method)[
            3
        ]
        leads_by_group = leads_of_groups(groups, by_lead)
    if isinstance(baseline, dict):
        return {
            name: _make_result(
                baseline[name],
                [[score[name] for score in scores] for scores in all_scores],
                names,
                leads_by_group,
            )
            for name in baseline
        }
    return _make_result(baseline, all_scores, names, leads_by_group)


@validate_params(_COMMON_CONSTRAINTS, prefer_skip_nested_validation=True)
def record_lead_importance(
    estimator,
    X,
    *,
    method="shuffle",
    lead_groups=None,
    n_repeats=5,
    random_state=None,
    n_jobs=None,
    n_leads=None,
) -> Any:
    """Compute the change of the predicted probability of each record when a lead is replaced.

    For record i, group of leads g and class c, the importance is
    ``p(c | record i) - mean over repeats of p(c | record i with g replaced)``. It is positive if
    the lead increases the probability of the class. Labels are not used: the importance shows
    which leads the estimator relies on for a record, whether its prediction is correct or not.

    Parameters
    ----------
    estimator : estimator
        Fitted on such X, with a ``predict_proba`` method.
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals,
        or lead-major rows of shape (n_records, n_leads * n_times).
    method : {"shuffle", "gaussian"}, default="shuffle"
        "shuffle": the lead is replaced by that of another record of X. All records are shuffled, so
        that the values depend on the other records, and a record may keep its own lead by chance.
        "gaussian": the signal is replaced by Gaussian noise with the same mean and standard
        deviation over time, independently of other records.
    lead_groups : None, "regions" or mapping of str to list, default=None
        See `lead_importance`.
    n_repeats : int, default=5
        Number of times that each group is replaced.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffles or of the noise, which are the same for all groups.
    n_jobs : int or None, default=None
        Number of processes among which the groups are divided.
    n_leads : int or None, default=None
        Number of leads of 2-D rows and numeric frames, if the estimator does not know it.

    Returns
    -------
    importances : ndarray of shape (n_records, n_leads) or (n_records, n_leads, n_classes)
        With ``lead_groups``, groups instead of leads, in the order of the mapping. For a binary
        classifier, whose two probabilities sum to one, the change of that of ``classes_[1]``;
        otherwise one value for each column of ``predict_proba``.

    Raises
    ------
    TypeError
        If the estimator has no ``predict_proba`` method.
    ValueError
        If the estimator is not fitted, the shape of X is ambiguous, X is a single record and
        ``method="shuffle"``, or a lead or group is unknown.

    See Also
    --------
    lead_importance : Drop of a score on all records.

    Examples
    --------
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import record_lead_importance
    >>> X, y = make_ecg(60, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = MSAICNetClassifier(dilations=(1,), filters=(8,), max_epochs=5, random_state=0)
    >>> clf = clf.fit(X, y)
    >>> record_lead_importance(clf, X, random_state=0).shape
    (60, 12)
    >>> record_lead_importance(clf, X[:1], method="gaussian", random_state=0).shape
    (1, 12)
    >>> record_lead_importance(clf, X[:1])
    Traceback (most recent call last):
        ...
    ValueError: X has a single record, which cannot exchange leads with others. ...
    """
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"{type(estimator).__name__} has no predict_proba, which record_lead_importance needs. "
            "Pass a classifier with probabilities, or wrap this one in CalibratedClassifierCV."
        )
    X, kind, n_leads, groups = resolve_input(
        "record_lead_importance", estimator, X, lead_groups, n_leads, method
    )
    n_records = _num_samples(X)
    check_can_shuffle(method, n_records)
    network = first_network(estimator)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    replacement_class = LeadReplacement
    if n_records * n_repeats <= _MAX_TILED_RECORDS:
        X = _safe_indexing(X, np.tile(np.arange(n_records), n_repeats))
        replacement_class = TiledLeadReplacement
    rng = np.random.RandomState(seed)
    replacement = replacement_class(method, rng, seed, n_records, n_repeats)

    leads = list(groups.values())
    n_parts = min(effective_n_jobs(n_jobs), len(leads))
    changes = [None] * len(leads)
    parts = Parallel(n_jobs=n_jobs if n_parts > 1 else 1)(
        delayed(_probability_changes)(
            estimator, network, X, kind, n_leads, leads[i::n_parts], replacement, n_records
        )
        for i in range(n_parts)
    )
    for i, part in enumerate(parts):
        changes[i::n_parts] = part
    return np.stack(changes, axis=1)


def resolve_input(function, estimator, X, lead_groups, n_leads, method):
    """Return X, its container, the number of leads, and the positions of each group's leads."""
    groups = groups_of_mixed_frame(X, lead_groups, method, function)
    if groups is not None:
        return X, "lead frame", None, groups
    n_leads = n_leads or known_n_leads(estimator, X)
    if n_leads is None and is_feature_table(X):
        # Each feature is treated as a lead with one time point.
        if method == "gaussian":
            raise ValueError(
                "method='gaussian' replaces signals, but X is a table of features. Pass "
                "method='shuffle', or signals and a pipeline that computes the features."
            )
        return X, "numeric frame", X.shape[1], feature_groups(X.columns, lead_groups)
    if n_leads is None:
        check_not_unnamed_table(X, function)
    X, kind, n_leads, names = read_container(X, name=function, n_leads=n_leads)
    if names is None:
        names = known_lead_names(estimator, n_leads)
    return X, kind, n_leads, resolve_lead_groups(lead_groups, n_leads, names)


def _copy_for(network, X, kind, n_leads, method):
    """Copy records for a network that is given X unchanged, or for any other estimator.

    A network checks lazy records each time, because checked records would be in memory.
    """
    if network is not None and not isinstance(X, LazyRecords):
        return NetworkRecords(network, X)
    return copy_records(X, kind, n_leads, real=method == "gaussian")


def _permuted_scores(
    estimator,
    network,
    X,
    y,
    sample_weight,
    kind,
    n_leads,
    groups,
    replacement,
    scorer,
    records=None,
):
    """Compute the score of each group and repeat."""
    if records is None:
        records = _copy_for(network, X, kind, n_leads, replacement.method)
    scores = []
    for leads in groups:
        original = records.get_leads(leads)
        scores.append([])
        for values in replacement.iter_values(records, original):
            records.set_leads(leads, values)
            scores[-1].append(_score(scorer, estimator, records.X, y, sample_weight))
        records.restore_leads(leads, original)
    return scores


def _probability_changes(estimator, network, X, kind, n_leads, groups, replacement, n_records):
    """Compute, for each group, the mean change of the probabilities of each record."""
    records = _copy_for(network, X, kind, n_leads, replacement.method)
    baseline = _predict_proba(estimator, records.X)
    changes = []
    for leads in groups:
        original = records.get_leads(leads)
        repeats = []
        for values in replacement.iter_values(records, original):
            records.set_leads(leads, values)
            repeats.append(baseline - _predict_proba(estimator, records.X))
        records.restore_leads(leads, original)
        change = np.concatenate(repeats)
        change = change.reshape(-1, n_records, change.shape[1]).mean(axis=0)
        changes.append(change[:, 1] if _is_binary(estimator, change) else change)
    return changes


def _predict_proba(estimator, X):
    """Return probabilities in one array, for a multilabel forest too."""
    probabilities = estimator.predict_proba(X)
    if isinstance(probabilities, list):
        labels = [list(classes) for classes in estimator.classes_]
        probabilities = np.column_stack(
            [
                columns[:, classes.index(1)] if 1 in classes else np.zeros(len(columns))
                for columns, classes in zip(probabilities, labels)
            ]
        )
    return probabilities


def _is_binary(estimator, changes):
    """Whether two columns are the two classes of one label, rather than two labels."""
    if changes.shape[1] != 2 or isinstance(getattr(estimator, "classes_", None), list):
        return False
    target_kind = known_target_kind(estimator)
    if target_kind is not None:
        return target_kind == "binary"
    # The two probabilities of one label sum to one, so that their changes cancel.
    return np.allclose(changes.sum(axis=1), 0, atol=1e-5)


def _score(scorer, estimator, X, y, sample_weight):
    if sample_weight is not None:
        return scorer(estimator, X, y, sample_weight=sample_weight)
    return scorer(estimator, X, y)


def _make_result(baseline, scores, names, groups):
    importances = baseline - np.array(scores)
    return Bunch(
        names=names,
        groups=groups,
        importances_mean=np.mean(importances, axis=1),
        importances_std=np.std(importances, axis=1),
        importances=importances,
    )
