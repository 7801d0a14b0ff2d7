"""Forward and backward selection of leads."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    check_cv,
    cross_val_score,
)
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples, has_fit_parameter

from .._validation import was_fitted_on_rows
from .._validation._samples import check_groups
from ..leads import normalize_lead_names
from ..leads._lead_groups import resolve_lead_groups
from ..model_selection import MultilabelStratifiedGroupKFold, check_disjoint_groups
from ..preprocessing import LeadSelector
from ..preprocessing._leads import LeadSubsetTransformer
from ..utils._fit_callbacks import with_callbacks


class SequentialLeadSelector(MetaEstimatorMixin, LeadSubsetTransformer):
    """Select leads one after the other by the cross-validated score of an estimator.

    Forward selection starts without leads and adds, in each step, the lead that gives the highest
    score together with those that were added before. Backward selection starts with all leads and
    removes, in each step, the lead without which the score is highest. This is
    `sklearn.feature_selection.SequentialFeatureSelector` with leads as features, for all containers
    of signals.

    Parameters
    ----------
    estimator : estimator
        Unfitted estimator of signals, such as a classifier of this package or a `Pipeline`. It is
        fitted on some of the leads, in the container of X. Parameters of it and of its steps that
        describe the leads of X, ``n_leads`` and ``lead_names``, are adjusted. For rows, ``n_leads``
        is set where it is None.
    n_leads_to_select : "auto", int or float, default="auto"
        Number of leads to select, or share of the leads in (0, 1]. With "auto", steps are taken as
        long as the score changes by at least `tol`; if `tol` is None, half of the leads are
        selected. With `lead_groups`, the number or share of groups.
    tol : float or None, default=None
        Least change of the score in a step. It is >= 0 for forward selection; for backward
        selection it may be negative, the loss that is accepted in each step. Requires
        ``n_leads_to_select="auto"``.
    direction : {"forward", "backward"}, default="forward"
        Whether leads are added or removed.
    lead_groups : None, "regions" or mapping of str to list, default=None
        Leads that are added or removed together. None: each lead by itself. "regions": the leads of
        each region of `sklearn_ecg.REGIONS_12`, or of `sklearn_ecg.REGIONS_8` if X has only these
        eight leads. A mapping from the name of each group to its leads, as names or positions.
        Leads that are in no group are never selected.
    scoring : str, callable or None, default=None
        A single score, as in `sklearn.model_selection.cross_val_score`. None uses the ``score``
        method of the estimator. Prefer a score that does not depend on a threshold, such as
        "roc_auc", for unbalanced classes.
    cv : int, splitter, iterable or None, default=5
        Splits of the training records, which are the same for all sets of leads. An int is a number
        of folds: those of scikit-learn's default without groups, otherwise those of
        `StratifiedGroupKFold`, or of `MultilabelStratifiedGroupKFold` for a multilabel target.
    n_jobs : int or None, default=None
        Number of processes among which the splits are divided.
    n_leads : int or None, default=None
        Number of leads of X. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads of X, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    support_ : ndarray of shape (n_leads,), dtype bool
        Which leads are selected.
    positions_ : ndarray of shape (n_leads_out,)
        Their positions in X, in ascending order.
    selected_leads_ : list of str or of int
        Their names; positions of leads without names.
    selected_groups_ : list of str or of int
        Selected groups, or leads without `lead_groups`: in the order in which they were added, or,
        after backward selection, in the order of X.
    scores_ : DataFrame
        One row for each set of leads that a step led to, in order, with the columns ``n_leads``;
        ``leads``, a tuple; ``changed``, the lead or group that was added or removed;
        ``mean_test_score``, ``std_test_score`` and ``split0_test_score`` etc. The first row of
        backward selection is that of all leads.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads seen in `fit`.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if more leads are to be selected than there are, `tol` does not match the other
        parameters, a lead or group is unknown, a patient is on both sides of a split, or a score is
        not finite.
    TypeError
        In `fit`, if X contains objects that are neither numbers nor signals.

    See Also
    --------
    sklearn_ecg.preprocessing.LeadSelector : Select leads by name.
    sklearn_ecg.inspection.lead_importance : How much a fitted estimator relies on each lead.

    Notes
    -----
    Forward selection of k of n leads fits the estimator ``k * (2 * n - k + 1) / 2`` times in each
    split: 33 times for three of twelve leads. Of several leads with the same score, the first one
    is taken.

    The scores in ``scores_`` belong to the best of many sets of leads and are too high. To find out
    how well the selected leads perform, cross-validate a `Pipeline` of this selector and a
    classifier, so that leads are selected in each training fold again.

    The six limb leads are linear combinations of two of them: of equivalent sets of leads, chance
    decides which one is selected.

    Unlike scikit-learn's class, all leads can be selected, which gives the complete course of the
    score; and backward selection compares the first removal with the score of all leads.

    Examples
    --------
    The leads that suffice to find anterior infarctions by their amplitude:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from sklearn_ecg import SequentialLeadSelector
    >>> from sklearn_ecg.datasets import make_ecg
    >>> ecg = make_ecg(120, regions="anterior", prevalence=0.5, duration=2.5, random_state=0)
    >>> amplitude = FunctionTransformer(lambda X: X.max(axis=2) - X.mean(axis=2))
    >>> clf = make_pipeline(amplitude, LogisticRegression())
    >>> selector = SequentialLeadSelector(clf, n_leads_to_select=2, scoring="roc_auc")
    >>> selector.fit(ecg.data, ecg.target, groups=ecg.groups).selected_leads_
    ['I', 'V4']
    >>> selector.scores_[["n_leads", "changed"]]
       n_leads changed
    0        1      V4
    1        2       I
    >>> selector.transform(ecg.data).shape
    (120, 2, 250)

    The score against the number of leads is drawn with
    ``selector.scores_.plot("n_leads", "mean_test_score", yerr="std_test_score")``. To find out how
    well the selected leads perform, select them in each training fold:

    >>> from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    >>> nested = make_pipeline(selector, clf)
    >>> cv = StratifiedGroupKFold(3)
    >>> cross_val_score(nested, ecg.data, ecg.target, groups=ecg.groups, cv=cv).shape
    (3,)
    """

    _parameter_constraints = {
        **LeadSubsetTransformer._parameter_constraints,
        "estimator": [HasMethods(["fit"])],
        "n_leads_to_select": [
            StrOptions({"auto"}),
            Interval(RealNotInt, 0, 1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "tol": [None, Interval(Real, None, None, closed="neither")],
        "direction": [StrOptions({"forward", "backward"})],
        "lead_groups": [str, Mapping, None],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        estimator,
        *,
        n_leads_to_select: str | float = "auto",
        tol=None,
        direction="forward",
        lead_groups=None,
        scoring=None,
        cv: Any = 5,
        n_jobs=None,
        n_leads=None,
        lead_names=None,
    ):
        self.estimator = estimator
        self.n_leads_to_select = n_leads_to_select
        self.tol = tol
        self.direction = direction
        self.lead_groups = lead_groups
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs
        self.n_leads = n_leads
        self.lead_names = lead_names

    @property
    def _allow_nan(self):
        return get_tags(self.estimator).input_tags.allow_nan

    @with_callbacks
    def fit(self, X, y=None, groups=None, **fit_params):
        """Select the leads.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : array-like of shape (n_records,) or (n_records, n_labels), default=None
            Labels, or what else the estimator and the score need.
        groups : array-like of shape (n_records,), default=None
            Patients. All records of a patient are on the same side of a split. They are also passed
            to the splitter and, without metadata routing, to an estimator whose `fit` accepts them.
        **fit_params : dict
            Further arguments of `fit` of the estimator, such as ``sample_weight``. With metadata
            routing, arguments that the estimator, the splitter or the scorer requests.

        Returns
        -------
        self : object
            The fitted selector.
        """
        signals = self._start_fit(X)
        check_consistent_length(signals, y, groups)
        candidates = resolve_lead_groups(self.lead_groups, self.n_leads_in_, self.lead_names_in_)
        n_to_select = self._count_to_select(len(candidates))
        if groups is not None:
            groups = check_groups(groups, len(signals))
        split_params, fit_params = self._route(groups, fit_params)
        splits = self._make_splits(X, y, groups, split_params)
        rows = self._select(X, y, candidates, n_to_select, splits, fit_params)
        self.scores_ = pd.DataFrame(rows)
        self._is_fitted = True
        return self

    def _count_to_select(self, n_candidates):
        """Return the number of leads or groups where the selection ends at the latest."""
        what = "leads" if self.lead_groups is None else "groups of leads"
        number = self.n_leads_to_select
        if self.tol is not None and number != "auto":
            raise ValueError(
                f"tol={self.tol} requires n_leads_to_select='auto', got {number!r}. Pass one of "
                "them."
            )
        if self.tol is not None and self.tol < 0 and self.direction == "forward":
            raise ValueError(
                f"tol={self.tol} must be >= 0 for forward selection, where all leads would be "
                "selected otherwise."
            )
        if number == "auto":
            if self.tol is not None:
                return n_candidates if self.direction == "forward" else 1
            number = 0.5
        if not isinstance(number, Integral):
            return max(1, int(number * n_candidates))
        if number > n_candidates:
            raise ValueError(
                f"n_leads_to_select={number}, but X has {n_candidates} {what}. Pass at most this "
                "number."
            )
        return int(number)

    def _route(self, groups, params):
        """Return the arguments for the splitter, and those for the estimator and the scorer."""
        given = {} if groups is None else {"groups": groups}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params, **given)
            return dict(routed.splitter.split), {**routed.estimator.fit, **routed.scorer.score}
        if has_fit_parameter(self.estimator, "groups"):
            return given, {**params, **given}
        return given, params

    def _make_splits(self, X, y, groups, split_params):
        cv = self.cv
        classifies = is_classifier(self.estimator)
        if groups is not None and (cv is None or isinstance(cv, Integral)):
            splitter = GroupKFold
            if classifies:
                is_multilabel = type_of_target(y) == "multilabel-indicator"
                splitter = MultilabelStratifiedGroupKFold if is_multilabel else StratifiedGroupKFold
            cv = splitter(5 if cv is None else cv)
            split_params = {"groups": groups}
        splits = list(check_cv(cv, y, classifier=classifies).split(X, y, **split_params))
        if groups is not None:
            records = np.arange(_num_samples(X))[:, None]
            check_disjoint_groups(splits, records, groups=groups, tolerance=None)
        return splits

    def _select(self, X, y, candidates, n_to_select, splits, params):
        """Take the steps, set the selected leads, and return the rows of ``scores_``."""
        forward = self.direction == "forward"
        selected = [] if forward else list(candidates)
        rows, score = [], -np.inf
        n_steps = n_to_select if forward else 1 + len(candidates) - n_to_select
        task = self._init_callback_context(max_subtasks=n_steps)
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        # Backward selection starts with the score of all leads.
        first = [] if forward else [None]
        for _ in range(n_steps):
            changes = first or [name for name in candidates if (name in selected) != forward]
            first = []
            step = task.subcontext(task_name="step", max_subtasks=len(changes))
            step.call_on_fit_task_begin(estimator=self, X=X, y=y)
            options = []
            for change in changes:
                names = [*selected, change] if forward else [n for n in selected if n != change]
                leads = sorted({i for name in names for i in candidates[name]})
                subtask = step.subcontext(task_name="score-leads")
                subtask.call_on_fit_task_begin(estimator=self, X=X, y=y)
                scores = self._score(leads, X, y, splits, params)
                options.append((change, names, leads, scores))
                subtask.call_on_fit_task_end(estimator=self, X=X, y=y)
            best = max(options, key=lambda option: option[3].mean())
            stops = step.call_on_fit_task_end(estimator=self, X=X, y=y)
            new_score = best[3].mean()
            if self.tol is not None and new_score - score < self.tol:
                break
            score, selected, positions = new_score, best[1], best[2]
            rows.append(self._describe(best))
            if stops:
                break
        self.positions_ = np.array(positions, dtype=np.intp)
        self.support_ = np.zeros(self.n_leads_in_, dtype=bool)
        self.support_[self.positions_] = True
        self.selected_leads_ = self._names_of(positions)
        self.selected_groups_ = selected
        task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return rows

    def _score(self, positions, X, y, splits, params):
        """Return the score of these leads in each split."""
        selector = LeadSelector(positions, n_leads=self.n_leads_in_, lead_names=self.lead_names)
        scores = cross_val_score(
            self._estimator_for(positions),
            selector.fit_transform(X),
            y,
            cv=splits,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            params=params,
            error_score="raise",
        )
        if not np.isfinite(scores).all():
            split = int(np.flatnonzero(~np.isfinite(scores))[0])
            raise ValueError(
                f"scoring={self.scoring!r} gave {scores[split]} for the leads "
                f"{self._names_of(positions)} in split {split}. Pass a cv whose test parts have "
                "records of each class, or another scoring."
            )
        return scores

    def _estimator_for(self, positions):
        """Return a clone for some of the leads, whose parameters describe these."""
        params = {}
        # Without n_leads, these containers would be ambiguous.
        needed = was_fitted_on_rows(self) or self.n_leads_in_ > self.n_times_in_
        known = [self.n_leads_in_, None] if needed else [self.n_leads_in_]
        for name, value in self.estimator.get_params(deep=True).items():
            last = name.rpartition("__")[2]
            if last == "n_leads" and value in known:
                params[name] = len(positions)
            elif last == "lead_names" and value is not None and len(value) == self.n_leads_in_:
                names = normalize_lead_names(value, strict=False)
                if self.lead_names_in_ in (None, names):
                    params[name] = [names[position] for position in positions]
        return clone(self.estimator).set_params(**params)

    def _names_of(self, positions):
        if self.lead_names_in_ is None:
            return list(positions)
        return [self.lead_names_in_[position] for position in positions]

    def _describe(self, option):
        """Return a row of ``scores_``."""
        change, _, positions, scores = option
        return {
            "n_leads": len(positions),
            "leads": tuple(self._names_of(positions)),
            "changed": change,
            "mean_test_score": scores.mean(),
            "std_test_score": scores.std(),
            **{f"split{i}_test_score": score for i, score in enumerate(scores)},
        }

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            See the user guide of scikit-learn on metadata routing.
        """
        splitter = check_cv(self.cv, classifier=is_classifier(self.estimator))
        scorer = check_scoring(self.estimator, scoring=self.scoring)
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self.estimator, method_mapping=_when_fitted("fit"))
            .add(splitter=splitter, method_mapping=_when_fitted("split"))
            .add(scorer=scorer, method_mapping=_when_fitted("score"))
        )


def _when_fitted(method):
    """Return the mapping for a method that is called in `fit`."""
    # A Pipeline of scikit-learn 1.6 asks for what fit_transform needs.
    return (
        MethodMapping().add(caller="fit", callee=method).add(caller="fit_transform", callee=method)
    )
