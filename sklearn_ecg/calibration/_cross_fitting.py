"""Internal splits by patient, and classifiers that are fitted on their training parts."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    GroupShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
    check_cv,
)
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from ..model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupShuffleSplit,
    check_disjoint_groups,
)
from ._label_scores import label_scores


def make_splits(cv, X, target, groups, split_params, random_state=None):
    """Return the splits of ``cv`` as a list of positions (train, test).

    Parameters
    ----------
    cv : int, float, splitter, iterable or None
        None is 5. An int is a number of folds: those of `MultilabelStratifiedGroupKFold` for a
        multilabel target, otherwise those of scikit-learn's default or, with groups,
        `StratifiedGroupKFold`. A float is the share of the test part of a single random split.
    X : array-like, DataFrame or lead frame
    target : Target
    groups : ndarray of shape (n_records,) or None
    split_params : dict
        What a splitter that was given as ``cv`` gets. The default splitters get the groups.
    random_state : int, RandomState instance or None, default=None
        Seed of the single random split.

    Raises
    ------
    ValueError
        If a group is on both sides of a split.
    """
    y, n_records = target.labels, len(target.values)
    is_multilabel = target.kind == "multilabel"
    if cv is None or isinstance(cv, Integral):
        cv = 5 if cv is None else cv
        if is_multilabel:
            splitter = MultilabelStratifiedGroupKFold(cv)
        elif groups is not None:
            splitter = StratifiedGroupKFold(cv)
        else:
            splitter = check_cv(cv, y, classifier=True)
            _check_number_of_folds(splitter.n_splits, target)
        split_params = {} if groups is None else {"groups": groups}
    elif isinstance(cv, Real):
        if is_multilabel:
            splitter = MultilabelStratifiedGroupShuffleSplit
        else:
            splitter = StratifiedShuffleSplit if groups is None else GroupShuffleSplit
        splitter = splitter(1, test_size=cv, random_state=random_state)
        split_params = {} if groups is None else {"groups": groups}
    else:
        splitter = check_cv(cv, y, classifier=True)
    records = np.arange(n_records)
    # Boolean masks become positions.
    splits = [
        (records[train], records[test]) for train, test in splitter.split(X, y, **split_params)
    ]
    if groups is not None:
        check_disjoint_groups(splits, records[:, None], groups=groups, tolerance=None)
    return splits


def _check_number_of_folds(n_folds, target):
    counts = target.membership.sum(axis=0)
    rare = np.flatnonzero(counts < n_folds)
    if len(rare):
        label, count = target.classes.tolist()[rare[0]], counts[rare[0]]
        raise ValueError(
            f"Requesting {n_folds}-fold cross-validation, but class {label!r} has only {count} "
            "record(s), and each fold must have one of each class. Pass fewer folds, such as cv=2, "
            "or more records of the class."
        )


def check_parts_have_both_values(target, names, parts, sample_weight, advice):
    """Raise unless each part of the records has positive and negative records of each label.

    Parameters
    ----------
    target : Target
    names : list
        Names of the labels or classes.
    parts : list of (str, ndarray of int)
        Descriptions and positions of the records.
    sample_weight : ndarray of shape (n_records,) or None
        Records of weight 0 are ignored.
    advice : str
        What to do, for the message.
    """
    membership = target.membership
    is_used = np.ones(len(membership), bool) if sample_weight is None else sample_weight > 0
    for description, part in parts:
        rows = membership[part[is_used[part]]]
        for value, constant in (("positive", ~rows.any(axis=0)), ("negative", rows.all(axis=0))):
            missing = np.flatnonzero(constant)
            if not len(missing):
                continue
            shown = ", ".join(repr(names[i]) for i in missing[:5])
            kind = "label" if target.kind == "multilabel" else "class"
            column = membership[is_used, missing[0]]
            n_in_all = int(np.sum(column if value == "positive" else ~column))
            raise ValueError(
                f"The {description} has no {value} records of {kind} {shown}, of which there are "
                f"{n_in_all} in all. {advice}"
            )


def fit_on(estimator, X, y, index, fit_params):
    """Fit a clone of an estimator on the records at these positions."""
    params = _check_method_params(X, params=fit_params, indices=index)
    return clone(estimator).fit(_take(X, index, len(y)), y[index], **params)


def _take(X, index, n_records):
    """Return the records at these positions, and X itself, not a copy, if these are all records."""
    if len(index) == n_records and np.array_equal(index, np.arange(n_records)):
        return X
    return _safe_indexing(X, index)


def cross_fit(estimator, X, target, names, splits, fit_params, method, n_jobs):
    """Fit a classifier on the training part of each split and score the test part.

    Parameters
    ----------
    estimator : classifier
    X : array-like, DataFrame or lead frame
    target : Target
    names : list
        Names of the labels or classes.
    splits : list of (train, test)
    fit_params : dict
    method : {"decision_function", "predict_proba"}
    n_jobs : int or None

    Returns
    -------
    fitted : list of classifier
    scores : list of ndarray
        Scores of the records of each test part.

    Raises
    ------
    ValueError
        If the classes or labels of a fitted classifier are not those of the target.
    """
    return zip(
        *Parallel(n_jobs=n_jobs)(
            delayed(_fit_and_score)(estimator, X, target, names, train, test, fit_params, method)
            for train, test in splits
        )
    )


def _fit_and_score(estimator, X, target, names, train, test, fit_params, method):
    fitted = fit_on(estimator, X, target.labels, train, fit_params)
    check_same_classes(fitted, target, names, X)
    return fitted, label_scores(fitted, _take(X, test, len(target.values)), method, target.kind)


def is_frozen(estimator):
    """Return whether `fit` does not train the estimator, whose records are then all held out."""
    return isinstance(estimator, FrozenEstimator)


def check_same_classes(fitted, target, names, X, *, is_trained=True):
    """Raise unless the classes or labels of a fitted classifier are those of the target.

    They can differ only if `fit` did not train the classifier, such as a `FrozenEstimator`.

    Parameters
    ----------
    fitted : classifier
        A Pipeline or a meta-estimator has the classes of the frozen estimator inside.
    target : Target
    names : list
        Names of the labels or classes.
    X : array-like, DataFrame or lead frame
    is_trained : bool, default=True
        As in `check_same_kind`.
    """
    known = getattr(fitted, "classes_", None)
    if known is None:
        return
    known = known if isinstance(known, list) else np.asarray(known).tolist()
    if target.kind == "multilabel":
        is_same, what = len(known) == len(names), "label(s)"
        if is_same and all(isinstance(name, str) for name in (*known, *names)):
            is_same = known == names
        found = known if any(isinstance(name, str) for name in known) else ""
        shown = f"{len(names)} label(s) {names[:12]}"
    else:
        is_same, what, found, shown = known == names, "class(es)", known[:12], names[:12]
    if not is_same:
        raise ValueError(
            f"{type(fitted).__name__} was fitted on {len(known)} {what} {found}".rstrip()
            + f", but y has {shown}. A fitted classifier needs the same {what}, in the same order, "
            "that it was trained on. Pass y with them, or train the classifier on those of y."
        )
    check_same_kind(fitted, target.kind, X, is_trained=is_trained)


def check_same_kind(fitted, kind, X, *, is_trained=True):
    """Raise unless a classifier that was fitted before predicts what y is, labels or classes.

    The numbers of two labels and of two classes may be the same, 0 and 1.

    Parameters
    ----------
    fitted : classifier
    kind : {"binary", "multiclass", "multilabel"}
        That of y.
    X : array-like, DataFrame or lead frame
        Records, of which one is predicted.
    is_trained : bool, default=True
        Whether `fit` has trained the classifier, unless there is a `FrozenEstimator` in it.
    """
    parts = [fitted, *fitted.get_params(deep=True).values()]
    if not hasattr(fitted, "predict") or (is_trained and not any(map(is_frozen, parts))):
        return
    is_multilabel = np.ndim(fitted.predict(_safe_indexing(X, slice(0, 1)))) == 2
    if is_multilabel != (kind == "multilabel"):
        kinds = ["one class for each record", "an indicator with a column for each label"]
        raise ValueError(
            f"{type(fitted).__name__} was fitted on {kinds[is_multilabel]}, but y is "
            f"{kinds[not is_multilabel]}. Pass y as it was in the training, or train the "
            "classifier on this y."
        )
