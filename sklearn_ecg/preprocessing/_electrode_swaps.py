"""Detection and repair of swapped electrodes."""

import math
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._validation._samples import check_groups
from ..base import SignalToSignalTransformer
from ..beats._rhythm import check_sampling_rate
from ..leads._electrodes import DEFAULT_SWAPS, LIMB_LEADS, derive_limb_leads, swapped_leads
from ..utils._fit_callbacks import as_one_task
from ..utils._warnings import warn
from ._swap_features import LeadLayout, measure_records
from ._swap_model import SwapModel, choose_thresholds

NONE, UNKNOWN = "none", "unknown"
_N_FOLDS = 5  # of the cross-fitting that determines the threshold


class ElectrodeSwapDetector(SignalToSignalTransformer):
    """Detect swapped electrodes, and repair the leads.

    No labels are needed: a swap of two limb electrodes gives each limb lead the signal of another
    limb lead or its negative, and a swap of two chest electrodes exchanges two leads. `fit`
    simulates each swap in the training records and learns, from measurements of their median
    beats, to distinguish the records from their swapped copies. `predict` names the swap of each
    record, `transform` undoes it.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. Required.
    swaps : sequence of str or None, default=None
        The swaps to detect: two electrodes of the limbs ("RA-LA", "RA-LL", "LA-LL"), two of the
        chest, such as "V1-V2", or "chest reversed", in which V1 to V6 are in reverse order. None:
        the three swaps of the limbs, those of neighbors on the chest, "V1-V3" and "chest reversed",
        as far as X has the leads that they need. A swap that is given twice, as in "V1-V2" and
        "V2-V1", is detected once, by its first name.
    false_alarm_rate : float, default=0.01
        Share of correct records, in (0, 1), that may be reported as swapped. It determines
        ``thresholds_``.
    min_reliability : float, default=0.3
        Minimum of `RPeaks.reliability`, in [0, 1]. Records below this default of this library,
        without usable beats, or with a flat lead I, II, III or V1 to V6, are not used in `fit` and
        are "unknown" in `predict`.
    n_jobs : int or None, default=None
        Number of processes that measure records. It does not affect the result. None is 1.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    swaps_ : tuple of str
        The swaps that are detected, in the order of the columns of `decision_function`.
    thresholds_ : ndarray of shape (n_swaps,)
        The logit that a record must exceed to be reported, for each swap.
    n_reliable_ : int
        Number of training records with reliable beats and without a flat lead.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str
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
        In `fit`, if `sampling_rate` is missing or out of range, the leads have no names, or a swap
        is unknown or needs other leads. Also if X is not in mV: if a frame notes another unit, or
        amplitudes are implausible.

    See Also
    --------
    SignalQuality : Its ``report`` finds inverted, scaled and exchanged limb leads, which violate
        the identities that swapped electrodes satisfy.

    Notes
    -----
    The training records should be recorded correctly. A few swaps among them do little harm: they
    raise the thresholds, so that the false-alarm rate is lower than `false_alarm_rate`. X must be
    in mV and must not contain NaN: leave out missing leads, or the records. Two limb leads
    determine the other four; of twelve leads, I, II and V1 to V6 are sufficient. Without chest
    leads, only swaps of the limbs are detected, and less reliably.

    The features of a swap are what it would change: measurements of the record minus those of the
    record after the swap. They are P, QRS, ST and T amplitudes and areas of each lead, correlations
    between the chest leads during the QRS and the whole beat [1]_, and how far each lead is from
    what a ridge regression predicts from the others, as in [2]_. A logistic regression without
    intercept gives the logit of the swap: if the swap is undone, it changes its sign. Logits are
    not calibrated probabilities, since the frequency of swaps is unknown.

    The thresholds are determined by cross-fitting: the training records are divided into five
    parts, by patient if `groups` are passed, and the logits of a record are those of a model of the
    other parts. The k highest logits of a swap may exceed its limit, where the sum of k over the
    swaps is floor((n + 1) false_alarm_rate) - 1 for n records, and is divided among the swaps such
    that most of their copies are found: swaps that are easy to distinguish need few false alarms.
    So that not too many other records exceed these limits, all are raised by the same amount:
    limits from four of the parts, raised by this, are exceeded by the same number of records of the
    fifth parts in all, as in split conformal prediction. No threshold is negative. If n is too
    small, a warning is raised. If no training record can be used, every record is "unknown".

    A record is assumed to have at most one swap. Swaps with RL, the reference of the amplifier, are
    not simulated: its potential is not contained in the leads. If RL and RA or RL and LA are
    swapped, one of the leads II and III is nearly flat, which the ``range`` of `SignalQuality`
    shows. LA-LL is the most difficult swap, since it exchanges leads I and II, which are both
    upright in most records. The user guide reports how many swaps of each kind are found.

    References
    ----------
    .. [1] R. Jekova et al., "Inter-lead correlation analysis for automated detection of cable
       reversals in 12/16-lead ECG", Computer Methods and Programs in Biomedicine 134, 2016.
    .. [2] J. A. Kors, G. van Herpen, "Accurate automatic detection of electrode interchange in the
       electrocardiogram", American Journal of Cardiology 88(4), 2001.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import ElectrodeSwapDetector
    >>> X = make_ecg(120, random_state=0).data
    >>> detector = ElectrodeSwapDetector(sampling_rate=100).fit(X)
    >>> new = make_ecg(3, random_state=1).data
    >>> swapped = new.copy()
    >>> swapped[1] = detector.simulate(new[1:2], "RA-LA")[0]
    >>> detector.predict(swapped)
    array(['none', 'RA-LA', 'none'], dtype=object)
    >>> detector.report(swapped)["action"][1]
    'I inverted; II = III; III = II; aVR = aVL; aVL = aVR'
    >>> bool((detector.transform(swapped) == new).all())
    True
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "swaps": [str, "array-like", None],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "min_reliability": [Interval(Real, 0, 1, closed="both")],
        "n_jobs": [Integral, None],
    }
    _needs_millivolts = True
    _scale_errors = ("unit",)

    def __init__(
        self,
        sampling_rate=None,
        *,
        swaps=None,
        false_alarm_rate=0.01,
        min_reliability=0.3,
        n_jobs=None,
        n_leads=None,
        lead_names=None,
    ):
        self.sampling_rate = sampling_rate
        self.swaps = swaps
        self.false_alarm_rate = false_alarm_rate
        self.min_reliability = min_reliability
        self.n_jobs = n_jobs
        self.n_leads = n_leads
        self.lead_names = lead_names

    @as_one_task
    def fit(self, X, y=None, groups=None):
        """Simulate swaps, learn to recognize them, and choose the threshold.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored.
        groups : array-like of shape (n_records,), default=None
            Patients. The records of a patient are on the same side of the splits that determine the
            threshold.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If a parameter is invalid, alone or for these signals, or if X is ambiguous or contains
            invalid values.
        """
        signals = self._start_fit(X)
        if groups is not None:
            check_consistent_length(signals, groups)
            groups = check_groups(groups, len(signals))
        self._fit(signals, groups)
        self._is_fitted = True
        return self

    def _fit(self, signals, groups=None):
        check_sampling_rate(self._require_sampling_rate())
        self.swaps_ = self._choose_swaps()
        measures, reliable = self._measure(signals)
        self.n_reliable_ = int(reliable.sum())
        folds = None if self.n_reliable_ < 2 else self._make_folds(groups, reliable)
        self._model = None
        needed = math.ceil(1 / self.false_alarm_rate - 1e-9) - 1
        # Without any, every record is unknown, which needs no warning.
        if 0 < self.n_reliable_ < needed:
            warn(
                f"false_alarm_rate={self.false_alarm_rate} needs at least {needed} records with "
                f"reliable beats, but {self.n_reliable_} of the {len(signals)} records of X have "
                "them. More than this share of correct records may be reported. Pass more records.",
                UserWarning,
            )
        self.thresholds_ = np.zeros(len(self.swaps_))
        if folds is not None:
            logits = self._cross_fit(measures, folds)
            self.thresholds_ = choose_thresholds(logits, folds, self.false_alarm_rate)
        if self.n_reliable_:
            self._model = SwapModel(self.lead_names_in_, self.swaps_).fit(measures)

    def _choose_swaps(self):
        names = self.lead_names_in_
        if names is None:
            raise ValueError(
                f"ElectrodeSwapDetector needs the names of the {self.n_leads_in_} leads. Pass a "
                "lead frame (see to_lead_frame), or lead_names."
            )
        layout = LeadLayout(names)
        if self.swaps is not None:
            if isinstance(self.swaps, str):
                raise ValueError(
                    f"swaps must be a list of swaps, got the str {self.swaps!r}. Pass "
                    f"[{self.swaps!r}]."
                )
            for swap in self.swaps:
                self._check_swap(layout, swap)
            # "V2-V1" is "V1-V2".
            distinct = {}
            for swap in self.swaps:
                distinct.setdefault(frozenset(swapped_leads(swap).items()), swap)
            chosen = tuple(distinct.values())
        else:
            chosen = tuple(swap for swap in DEFAULT_SWAPS if layout.can_simulate(swap))
        if not chosen:
            raise ValueError(
                f"None of the swaps can be simulated: the leads present are {', '.join(names)}. "
                "Two limb leads are needed for swaps of the limbs, and both leads of a swap on the "
                "chest."
            )
        return chosen

    def _check_swap(self, layout, swap):
        try:
            swapped_leads(swap)
        except ValueError as error:
            raise ValueError(f"swaps: {error}") from None
        if not layout.can_simulate(swap):
            raise ValueError(
                f"swaps: {swap!r} cannot be simulated with the leads "
                f"{', '.join(layout.lead_names)}. Swaps of the limbs need two limb leads, those on "
                "the chest the leads of their electrodes. Leave it out, or pass swaps=None."
            )

    def _make_folds(self, groups, reliable):
        """Return the splits of the records with reliable beats."""
        n_records = self.n_reliable_
        if groups is None:
            return list(KFold(min(_N_FOLDS, n_records)).split(np.empty(n_records)))
        groups = groups[reliable]
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise ValueError(
                "groups has a single patient with reliable beats, but the thresholds require "
                "records of at least two. Pass records of more patients."
            )
        folds = GroupKFold(min(_N_FOLDS, n_groups))
        return list(folds.split(np.empty(n_records), groups=groups))

    def _cross_fit(self, measures, folds):
        """Return the logits of each record from models of other records."""
        logits = np.empty((len(measures.values), len(self.swaps_)))
        for train, test in folds:
            model = SwapModel(self.lead_names_in_, self.swaps_).fit(measures.select(train))
            logits[test] = model.decision_function(measures.select(test))
        return logits

    def _measure(self, signals):
        layout = LeadLayout(self.lead_names_in_)
        rate = float(self.sampling_rate)
        return measure_records(signals, layout, rate, self.min_reliability, self.n_jobs)

    def decision_function(self, X):
        """Score the swaps.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        scores : ndarray of shape (n_records, n_swaps)
            One column for each of ``swaps_``: the logit of the swap minus its threshold. A record
            with a positive score is reported. The logit of unknown records is 0.
        """
        check_is_fitted(self)
        return self._detect(self._validate_signals(X, reset=False))[1]

    def predict(self, X):
        """Name the swap of each record.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        swaps : ndarray of shape (n_records,), dtype object
            "none" if no swap has a positive score; "unknown" for records without reliable beats or
            with a flat lead. Of several swaps with positive scores, the one after whose repair the
            highest logit of all swaps is lowest.
        """
        check_is_fitted(self)
        return self._detect(self._validate_signals(X, reset=False))[0]

    def report(self, X):
        """Report the swap of each record, and what `transform` does.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X, and the columns ``swap``, as `predict` returns it; ``likeliest``,
            the swap with the highest score even if this is negative; ``score``, its score; and
            ``action``, the leads that `transform` changes.
        """
        check_is_fitted(self)
        swaps, scores = self._detect(self._validate_signals(X, reset=False))
        likeliest = np.asarray(self.swaps_, dtype=object)[scores.argmax(axis=1)]
        likeliest[swaps == UNKNOWN] = UNKNOWN
        report = pd.DataFrame(
            {
                "swap": swaps,
                "likeliest": likeliest,
                "score": scores.max(axis=1),
                "action": [self._describe_repair(swap) for swap in swaps],
            }
        )
        return report.set_axis(X.index) if hasattr(X, "iloc") else report

    def simulate(self, X, swap):
        """Swap electrodes of all records, for tests and training.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.
        swap : str
            A swap, as in the parameter `swaps`. Swapping again repairs the records.

        Returns
        -------
        X_new : array, DataFrame or lead frame
            The records with swapped electrodes, in the same kind of container.
        """
        check_is_fitted(self)
        self._check_swap(LeadLayout(self.lead_names_in_), swap)
        signals = self._validate_signals(X, reset=False)
        swapped = self._to_container(self._swap(signals, swap), X)
        if hasattr(X, "columns") and len(X.columns) == len(swapped.columns):
            # Columns of a numeric frame keep their names, so that they can be swapped again.
            swapped.columns = X.columns
        return swapped

    def _detect(self, signals):
        """Return the names of the swaps and the scores of records."""
        measures, reliable = self._measure(signals)
        scores = np.repeat(-self.thresholds_[None], len(signals), axis=0)
        names = np.full(len(signals), UNKNOWN, dtype=object)
        if self._model is None or not reliable.any():
            return names, scores
        known = scores[reliable] = self._model.decision_function(measures) - self.thresholds_
        found = np.full(len(known), NONE, dtype=object)
        swapped = np.flatnonzero(known.max(axis=1) > 0)
        if len(swapped):
            best = self._model.name_swaps(measures.select(swapped), known[swapped] > 0)
            found[swapped] = np.asarray(self.swaps_, dtype=object)[best]
        names[reliable] = found
        return names, scores

    def _transform(self, signals):
        swaps, _ = self._detect(signals)
        repaired = signals.copy()
        for swap in self.swaps_:
            records = np.flatnonzero(swaps == swap)
            if len(records):
                repaired[records] = self._swap(signals[records], swap)
        return repaired

    def _swap(self, signals, swap):
        """Return the signals after a swap; a swap of swapped signals repairs them."""
        names = self.lead_names_in_
        swapped = signals.copy()
        for lead, (source, sign) in LeadLayout(names).sources(swap).items():
            if lead not in names:
                continue
            if source in LIMB_LEADS:
                shown = derive_limb_leads(signals, names, [source])[:, 0]
            else:
                shown = signals[:, names.index(source)]
            swapped[:, names.index(lead)] = sign * shown
        return swapped

    def _describe_repair(self, swap):
        if swap in (NONE, UNKNOWN):
            return "unchanged" if swap == NONE else "unchanged, no reliable beats or a flat lead"
        actions = []
        for lead, (source, sign) in LeadLayout(self.lead_names_in_).sources(swap).items():
            if lead not in self.lead_names_in_:
                continue
            if source == lead:
                actions.append(f"{lead} inverted")
            else:
                actions.append(f"{lead} = {'-' if sign < 0 else ''}{source}")
        return "; ".join(actions)
