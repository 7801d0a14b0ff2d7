"""Importance of leads by permutation: of a cohort for a score, of a record for its probability."""

from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
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
from ..leads import STANDARD_LEADS, lead_regions
from ._feature_groups import feature_groups, is_feature_table, regions_of
from ._records import PreparedRecords, copy_records

# Up to so many records, all repeats in one call cost less than the calls themselves.
_RECORDS_AT_ONCE = 64

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
    max_samples=1.0,
    sample_weight=None,
    random_state=None,
    n_jobs=None,
    n_leads=None,
):
    """Drop of a score when a lead, or a group of leads, no longer belongs to its record.

    This is `sklearn.inspection.permutation_importance` with leads for features [1]_, for every
    container of signals. With ``method="shuffle"``, one lead per group and the same
    ``random_state`` the values are those that scikit-learn gives for a lead frame.

    The six limb leads carry the information of two. When one of them is replaced the others still
    tell what it told, and it looks unimportant: replace them together, with ``lead_groups``.

    Parameters
    ----------
    estimator : estimator
        Fitted on such X: a classifier of this package, a `Pipeline`, a search, a calibrated
        classifier, any estimator of scikit-learn.
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals,
        or lead-major rows of shape (n_records, n_leads * n_times). Or a table of features, a
        DataFrame whose columns carry leads in their names (`feature_groups`), such as
        `sklearn_ecg.preprocessing.BeatFeatures` gives. Take records that the estimator
        was not fitted on. X stays as it is; the estimator is given a copy in the same container.
    y : array-like of shape (n_records,) or (n_records, n_labels), or None
        Labels.
    method : {"shuffle", "gaussian"}, default="shuffle"
        "shuffle": the lead's signals are exchanged between records. "gaussian": each signal is
        replaced by Gaussian noise with its own mean and standard deviation over time.
    lead_groups : None, "regions" or mapping of str to list, default=None
        What is replaced together. None: each lead for itself. "regions": the leads of each region
        of `sklearn_ecg.leads.REGIONS_12`, or of `sklearn_ecg.leads.REGIONS_8` where only its eight
        leads are present. A mapping from a group's name to its leads, as names or positions, which
        may be in several groups or in none. Of a table of features: those of each lead, or of the
        leads of each group, and of no lead. The leads of a group are exchanged with the same
        shuffle, so that they remain those of one record.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in `sklearn.inspection.permutation_importance`. None is the estimator's ``score``.
        ROC AUC and log loss see more than accuracy.
    n_repeats : int, default=5
        How often each group is replaced.
    max_samples : int or float, default=1.0
        Number or share of the records that are drawn, without replacement and once for all groups,
        to replace leads in.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of the records in the score.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffles or the noise, which all groups share.
    n_jobs : int or None, default=None
        Number of processes, among which the groups are divided. The result does not depend on it.
    n_leads : int or None, default=None
        Number of leads of 2-D rows and numeric frames, where the estimator does not know it.

    Returns
    -------
    result : `sklearn.utils.Bunch` or dict of Bunch
        Of several scores, a dict with a Bunch for each.

        names : ndarray of shape (n_groups,)
            Names of the groups or leads; positions of leads that have no names. Names come from
            the frame or from the estimator; twelve unnamed leads are in standard order.
        groups : dict of str to list, or None
            The leads of each group, with ``lead_groups``.
        importances : ndarray of shape (n_groups, n_repeats)
            Score on X, minus the score with the group replaced.
        importances_mean, importances_std : ndarray of shape (n_groups,)
            Mean and standard deviation over the repeats, which tell nothing of other
            records or of other fits.

    Raises
    ------
    ValueError
        If the estimator is not fitted, X cannot be read without guessing, y or the weights differ
        in length from X, a lead or group is unknown, or regions are asked for whose leads are not
        there.

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
    X, kind, n_leads, groups = _read("lead_importance", estimator, X, lead_groups, n_leads, method)
    n_records = _num_samples(X)
    for name, values in (("y", y), ("sample_weight", sample_weight)):
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
    scorer = check_scoring(estimator, scoring=scoring)
    network = _find_network(estimator) if _asks_only_for_predictions(scorer, estimator) else None
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)

    # scikit-learn's order of draws: the records to work on, then one shuffle after another.
    rng = np.random.RandomState(seed)
    rows = None
    if max_samples < n_records:
        rows = sample_without_replacement(n_records, max_samples, random_state=rng)
    replace = _Replacement(method, rng, seed, max_samples, n_repeats)

    records = _copy(network, X, kind, n_leads, method)
    baseline = _score(scorer, estimator, records.X, y, sample_weight)
    if rows is not None:
        records = None
        X, y, sample_weight = (
            None if values is None else _safe_indexing(values, rows)
            for values in (X, y, sample_weight)
        )

    def scores_of(part, records=None):
        return delayed(_permuted_scores)(
            estimator, network, X, y, sample_weight, kind, n_leads, part, replace, scorer, records
        )

    leads = list(groups.values())
    n_parts = min(effective_n_jobs(n_jobs), len(leads))
    if n_parts == 1:
        parts = [scores_of(leads, records)]
    else:
        parts = [scores_of(leads[i::n_parts]) for i in range(n_parts)]
    found = [None] * len(leads)
    for i, scores in enumerate(Parallel(n_jobs=n_jobs if n_parts > 1 else 1)(parts)):
        found[i::n_parts] = scores

    group_names = np.empty(len(groups), dtype=object)
    group_names[:] = list(groups)
    leads_of_groups = None
    if lead_groups is not None:
        by_lead = _read("lead_importance", estimator, X_given, None, n_leads_given, method)[3]
        leads_of_groups = _leads_of_groups(groups, by_lead)
    if isinstance(baseline, dict):
        return {
            name: _bunch(
                baseline[name],
                [[score[name] for score in scores] for scores in found],
                group_names,
                leads_of_groups,
            )
            for name in baseline
        }
    return _bunch(baseline, found, group_names, leads_of_groups)


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
):
    """Change of each record's predicted probability when a lead is replaced.

    For record i, group of leads g and class c it is
    ``p(c | record i) - mean over repeats of p(c | record i with g replaced)``: positive where the
    lead speaks for the class. No labels are needed, and none are looked at: this tells what the
    estimator relies on for this record, be it right or wrong.

    Parameters
    ----------
    estimator : estimator
        Fitted on such X, and with ``predict_proba``.
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals,
        or lead-major rows of shape (n_records, n_leads * n_times).
    method : {"shuffle", "gaussian"}, default="shuffle"
        "shuffle": the record gets the lead of another record of X, drawn by a shuffle of all, so
        that the values depend on which other records there are; by chance it may get its own.
        "gaussian": the signal is replaced by Gaussian noise with its own mean and standard
        deviation over time, whatever the other records.
    lead_groups : None, "regions" or mapping of str to list, default=None
        As in `lead_importance`.
    n_repeats : int, default=5
        How often each group is replaced.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffles or the noise, which all groups share.
    n_jobs : int or None, default=None
        Number of processes, among which the groups are divided.
    n_leads : int or None, default=None
        Number of leads of 2-D rows and numeric frames, where the estimator does not know it.

    Returns
    -------
    importances : ndarray of shape (n_records, n_leads) or (n_records, n_leads, n_classes)
        With ``lead_groups``, groups in place of leads, in the order of the mapping. Of a binary
        classifier, whose two probabilities sum to one, the change of that of ``classes_[1]``; else
        one for each column of ``predict_proba``.

    Raises
    ------
    TypeError
        If the estimator has no ``predict_proba``.
    ValueError
        If the estimator is not fitted, X cannot be read without guessing or is a single
        record to be shuffled, or a lead or group is unknown.

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
    ValueError: X holds a single record, which cannot exchange leads with others. ...
    """
    check_is_fitted(estimator)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"{type(estimator).__name__} has no predict_proba, which record_lead_importance needs. "
            "Pass a classifier with probabilities, or wrap this one in CalibratedClassifierCV."
        )
    X, kind, n_leads, groups = _read(
        "record_lead_importance", estimator, X, lead_groups, n_leads, method
    )
    n_records = _num_samples(X)
    if method == "shuffle" and n_records == 1:
        raise ValueError(
            "X holds a single record, which cannot exchange leads with others. Pass "
            "method='gaussian', or more records."
        )
    network = _find_network(estimator)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    replace = _Replacement(method, np.random.RandomState(seed), seed, n_records, n_repeats)
    if n_records * n_repeats <= _RECORDS_AT_ONCE:
        X = _safe_indexing(X, np.tile(np.arange(n_records), n_repeats))
        replace = _AllAtOnce(replace)

    leads = list(groups.values())
    n_parts = min(effective_n_jobs(n_jobs), len(leads))
    changes = [None] * len(leads)
    parts = Parallel(n_jobs=n_jobs if n_parts > 1 else 1)(
        delayed(_probability_changes)(
            estimator, network, X, kind, n_leads, leads[i::n_parts], replace, n_records
        )
        for i in range(n_parts)
    )
    for i, part in enumerate(parts):
        changes[i::n_parts] = part
    return np.stack(changes, axis=1)


class _Replacement:
    """What leads are replaced by, repeat after repeat; the same for every group.

    Parameters
    ----------
    method : {"shuffle", "gaussian"}
    rng : RandomState
        In the state in which scikit-learn begins to shuffle.
    seed : int
        Of the noise.
    n_records, n_repeats : int
    """

    def __init__(self, method, rng, seed, n_records, n_repeats):
        self.method = method
        self.seed = seed
        self.n_repeats = n_repeats
        self.orders = []
        if method == "shuffle":
            # As scikit-learn does it: the shuffles build on each other, and so do the exchanges.
            shuffled, order = np.arange(n_records), np.arange(n_records)
            for _ in range(n_repeats):
                rng.shuffle(shuffled)
                order = order[shuffled]
                self.orders.append(order)

    def __call__(self, records, values):
        """Yield what to write in place of the leads' values."""
        if self.method == "shuffle":
            for order in self.orders:
                yield records.take(values, order)
            return
        signals = records.signals(values)
        mean, scale = _mean_and_scale(signals)
        rng = np.random.default_rng(self.seed)
        for _ in range(self.n_repeats):
            yield records.from_signals(mean + scale * _noise(rng, signals))


class _AllAtOnce:
    """The same replacements where X holds the records ``n_repeats`` times, all in one."""

    def __init__(self, replacement):
        self.replacement = replacement

    def __call__(self, records, values):
        each = self.replacement
        if each.method == "shuffle":
            n_records = len(each.orders[0])
            orders = [order + i * n_records for i, order in enumerate(each.orders)]
            yield records.take(values, np.concatenate(orders))
            return
        signals = records.signals(values)
        mean, scale = _mean_and_scale(signals)
        rng = np.random.default_rng(each.seed)
        noise = [_noise(rng, part) for part in np.split(signals, each.n_repeats)]
        yield records.from_signals(mean + scale * np.concatenate(noise))


def _mean_and_scale(signals):
    """Mean and standard deviation of each signal, of the precision of the signals."""
    dtype = np.result_type(signals.dtype, np.float32)
    wide = {"axis": 2, "dtype": np.float64, "keepdims": True}
    return signals.mean(**wide).astype(dtype), signals.std(**wide).astype(dtype)


def _noise(rng, signals):
    # Drawn in the same precision for all containers.
    return rng.standard_normal(signals.shape, dtype=np.float32)


def _permuted_scores(
    estimator, network, X, y, sample_weight, kind, n_leads, groups, replace, scorer, records=None
):
    """Scores of each group and repeat."""
    if records is None:
        records = _copy(network, X, kind, n_leads, replace.method)
    scores = []
    for leads in groups:
        values = records.read(leads)
        scores.append([])
        for replaced in replace(records, values):
            records.write(leads, replaced)
            scores[-1].append(_score(scorer, estimator, records.X, y, sample_weight))
        records.write(leads, values)
    return scores


def _probability_changes(estimator, network, X, kind, n_leads, groups, replace, n_records):
    """For each group, the mean change of the probabilities of each record."""
    method = getattr(replace, "replacement", replace).method
    records = _copy(network, X, kind, n_leads, method)
    original = _probabilities(estimator, records.X)
    changes = []
    for leads in groups:
        values = records.read(leads)
        repeats = []
        for replaced in replace(records, values):
            records.write(leads, replaced)
            repeats.append(original - _probabilities(estimator, records.X))
        records.write(leads, values)
        change = np.concatenate(repeats)
        change = change.reshape(-1, n_records, change.shape[1]).mean(axis=0)
        changes.append(change[:, 1] if _is_binary(estimator, change) else change)
    return changes


def _probabilities(estimator, X):
    probabilities = estimator.predict_proba(X)
    if isinstance(probabilities, list):  # a forest's answer to a multilabel target
        labels = [list(classes) for classes in estimator.classes_]
        probabilities = np.column_stack(
            [
                columns[:, classes.index(1)] if 1 in classes else np.zeros(len(columns))
                for columns, classes in zip(probabilities, labels)
            ]
        )
    return probabilities


def _is_binary(estimator, changes):
    """Whether two columns are the two sides of one label, rather than two labels."""
    if changes.shape[1] != 2 or isinstance(getattr(estimator, "classes_", None), list):
        return False
    # What one class gains the other loses, for every record.
    for part in _parts(estimator):
        if hasattr(part, "_target_kind"):
            return part._target_kind == "binary"
    return np.allclose(changes.sum(axis=1), 0, atol=1e-5)


def _score(scorer, estimator, X, y, sample_weight):
    if sample_weight is not None:
        return scorer(estimator, X, y, sample_weight=sample_weight)
    return scorer(estimator, X, y)


def _leads_of_groups(groups, by_lead):
    """Names of the leads in each group; of a table of features, a lead has several columns."""
    lead_of = {place: lead for lead, places in by_lead.items() for place in places}
    return {
        group: list(dict.fromkeys(lead_of[place] for place in places))
        for group, places in groups.items()
    }


def _bunch(baseline, scores, names, groups):
    importances = baseline - np.array(scores)
    return Bunch(
        names=names,
        groups=groups,
        importances_mean=np.mean(importances, axis=1),
        importances_std=np.std(importances, axis=1),
        importances=importances,
    )


# --------------------------------------------------------------------------------------------------
# Records, leads and groups
# --------------------------------------------------------------------------------------------------


def _read(function, estimator, X, lead_groups, n_leads, method):
    """X with its container, the number of leads, and the positions of the groups' leads."""
    n_leads = n_leads or _known_n_leads(estimator, X)
    if n_leads is None and is_feature_table(X):
        # To those who exchange values, a feature is a lead of one time point.
        if method == "gaussian":
            raise ValueError(
                "method='gaussian' replaces signals, but X is a table of features. Pass "
                "method='shuffle', or the signals with a pipeline that makes features of them."
            )
        return X, "numeric frame", X.shape[1], feature_groups(X.columns, lead_groups)
    X, kind, n_leads, names = read_container(X, name=function, n_leads=n_leads)
    if names is None:
        names = _known_lead_names(estimator, n_leads)
    return X, kind, n_leads, _resolve_groups(lead_groups, n_leads, names)


def _find_network(estimator):
    """The network of ours that X is handed to as it is, and that alone reads it, or None."""
    while isinstance(estimator, (BaseSearchCV, Pipeline)):
        search = isinstance(estimator, BaseSearchCV)
        estimator = estimator.best_estimator_ if search else estimator.steps[0][1]
    has_leads = hasattr(estimator, "_input") and not estimator._input.is_image
    return estimator if has_leads else None


def _asks_only_for_predictions(scorer, estimator):
    """Whether X goes to the estimator's methods only; a user's function may look at it."""
    if isinstance(scorer, dict):
        scorers = scorer.values()
    elif isinstance(scorer, _MultimetricScorer):
        scorers = scorer._scorers.values()
    elif isinstance(scorer, _PassthroughScorer) and isinstance(estimator, BaseSearchCV):
        return _asks_only_for_predictions(estimator.scorer_, estimator.best_estimator_)
    else:
        return isinstance(scorer, (_BaseScorer, _PassthroughScorer))
    return all(_asks_only_for_predictions(scorer, estimator) for scorer in scorers)


def _copy(network, X, kind, n_leads, method):
    if network is not None:
        return PreparedRecords(network._validate_input(X))
    return copy_records(X, kind, n_leads, real=method == "gaussian")


def _parts(estimator):
    """An estimator and those within it, the outer before the inner, the first before the later."""
    yield estimator
    for attribute in ("best_estimator_", "estimator_", "estimator"):
        if hasattr(estimator, attribute):
            yield from _parts(getattr(estimator, attribute))
            break
    for attribute in ("calibrated_classifiers_", "estimators_"):
        inner = getattr(estimator, attribute, None)
        if isinstance(inner, list) and inner:
            yield from _parts(inner[0])
    for list_of_steps in ("steps", "transformer_list"):
        for _, step in getattr(estimator, list_of_steps, ()):
            yield from _parts(step)


def _known_n_leads(estimator, X):
    """The leads of arrays such as X according to the estimator, or None."""
    shape = np.shape(X)
    for part in _parts(estimator):
        n_leads, n_times = (getattr(part, name, None) for name in ("n_leads_in_", "n_times_in_"))
        if None in (n_leads, n_times):
            continue
        if shape[1:] in ((n_leads * n_times,), (n_leads, n_times)):
            return n_leads
    return None


def _known_lead_names(estimator, n_leads):
    for part in _parts(estimator):
        names = getattr(part, "lead_names_in_", None)
        if names is not None and len(names) == n_leads:
            return tuple(names)
    return STANDARD_LEADS if n_leads == len(STANDARD_LEADS) else None


def _resolve_groups(lead_groups, n_leads, names):
    """Positions of the leads of each group."""
    if lead_groups is None:
        return {name: [i] for i, name in enumerate(range(n_leads) if names is None else names)}
    if isinstance(lead_groups, str):
        if lead_groups != "regions":
            raise ValueError(
                f"lead_groups={lead_groups!r} is unknown. Pass None, 'regions' or a mapping from a "
                "group's name to its leads."
            )
        return lead_regions(names, regions_of(names or ()))
    if not lead_groups:
        raise ValueError("lead_groups is an empty mapping. Pass at least one group.")
    return {group: _positions(group, leads, n_leads, names) for group, leads in lead_groups.items()}


def _positions(group, leads, n_leads, names):
    """Positions of a group's leads, which are given as names or positions."""
    if isinstance(leads, (str, Integral)):
        raise TypeError(
            f"Group {group!r} must be a list of leads, got {leads!r}. Pass [{leads!r}]."
        )
    if not isinstance(leads, Iterable):
        raise TypeError(
            f"lead_groups: group {group!r} must be a list of leads, got {leads!r}. Pass their "
            "names or positions."
        )
    positions = []
    for lead in leads:
        if isinstance(lead, Integral) and not isinstance(lead, bool):
            if not 0 <= lead < n_leads:
                raise ValueError(
                    f"Group {group!r} needs the lead at position {lead}, but X has {n_leads} "
                    f"leads. Pass positions from 0 to {n_leads - 1}."
                )
            positions.append(int(lead))
            continue
        # lead_regions raises for unnamed leads, for unknown ones and for what is no name.
        positions += lead_regions(names, {group: [lead]})[group]
    if not positions:
        raise ValueError(f"Group {group!r} has no leads. Give it at least one.")
    if len(set(positions)) < len(positions):
        raise ValueError(f"Group {group!r} has a lead twice: {list(leads)}. Name each lead once.")
    return positions
