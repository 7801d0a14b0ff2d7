"""SMOTE for records: interpolation within a class after R-peak alignment."""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import Interval, StrOptions

from ..beats._beat_averaging import average_beats, derived_leads
from ..beats._rhythm import check_sampling_rate
from ..leads._derived import independent_leads
from ..utils._warnings import warn
from ._base import SignalOverSampler
from ._beat_warp import BeatTimes, interpolate_records

# Median beats are compared in this window, in seconds from the R-peak, as in `MedianBeat`.
_WINDOW = (-0.3, 0.5)
# Largest ratio of the median RR intervals of two records. Beyond it, the diastole would be
# stretched so much that the new record is implausible.
_MAX_STRETCH = 2.0
# Time points next to a beat that its alignment needs.
_MARGIN = 8


class BeatSMOTE(SignalOverSampler, BaseOverSampler):
    """Add records that are interpolated between records of the same class, beat by beat.

    SMOTE [1]_ interpolates between two records time point by time point. The beats of two ECGs are
    at different positions, so that this gives records with two rows of smaller beats. `BeatSMOTE`
    maps the time of the other record to that of the first one, R-peak to R-peak, before it
    interpolates, with the same map and the same weight for all leads. The limb leads therefore
    keep their identities (III = II - I). The original records come first, unchanged.

    Parameters
    ----------
    sampling_rate : float
        Time points per second (Hz), from 100 to 1000. Required.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many records there are after resampling, as for `RecordOverSampler`.
    k_neighbors : int, default=5
        Number of nearest records of the class from which the other record is drawn, >= 1. Each
        class that is resampled must have more records.
    unreliable : {"repeat", "raise"}, default="repeat"
        What to do with a record without reliable R-peaks: repeat it unchanged, or raise an error
        that lists these records.
    min_reliability : float, default=0.3
        Minimum of `RPeaks.reliability`, in [0, 1], as for `MedianBeat`.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of new records of each class. For a multilabel indicator, number of new records that
        were drawn for each rare label, by column.
    sample_indices_ : ndarray of shape (n_resampled,)
        Position in X of each original record, and of the record from which each new one starts:
        ``groups[sampler.sample_indices_]`` are their patients.
    neighbor_indices_ : ndarray of shape (n_resampled,)
        Position in X of the other record. -1 for original and for repeated records.
    gaps_ : ndarray of shape (n_resampled,)
        Weight of the other record, in [0, 1). 0 for original and for repeated records.
    n_features_in_ : int
        Number of leads of X; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads of X.
    n_times_in_ : int
        Number of time points of X.
    lead_names_in_ : tuple of str or None
        Names of the leads of X.
    sampling_rate_in_ : float or None
        Sampling rate of X (Hz).
    units_in_ : str or None
        Unit of X, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit_resample`, if `sampling_rate` is missing or out of range, `sampling_strategy` is not
        possible for y, y has missing labels or one class only, a class has no more than
        `k_neighbors` records, X contains NaN or infinity, or a record has no reliable R-peaks and
        ``unreliable="raise"``.

    See Also
    --------
    RecordOverSampler : Repeat records without changing them.
    sklearn_ecg.preprocessing.MedianBeat : Median beats, by which the nearest records are found.

    Notes
    -----
    The nearest records are those of the same class, or with exactly the same labels, whose median
    beats have the smallest Euclidean distance over all leads that are not derived from I and II.
    Those whose median RR interval is more than twice or less than half of that of the record are
    left out. With ``groups``, they are of other patients, and draws are as by `RecordOverSampler`.

    A beat lasts from one third of an RR interval before its R-peak to two thirds of the next one
    after it. The beats of the other record are taken in their order, starting where its RR
    intervals are most similar. Within a beat, P wave and QRS are not stretched, the ST segment and
    the T wave are stretched with the square root of the RR interval [2]_, and the rest of the
    diastole takes the difference. Cubic splines interpolate between time points. Adjacent beats
    change over within 40 ms.

    The new record is the first one plus `gap` times the difference, where `gap` is uniform in
    [0, 1) and drawn for each new record. Baselines, the lines through the PR segments, are not
    interpolated: the new record has the baseline of the first one. It also has its rhythm, its
    ectopic beats and, before its first and after its last beat, its values. If the limb leads of
    both records hold their identities except for rounding, the new record deviates from them as
    the first one does. Where both records have noise of the same size, that of the new record is
    smaller, down to 0.7 times for a `gap` of 0.5.

    Records are repeated unchanged if the reliability of their R-peaks is below `min_reliability`,
    they have no normal beat between two others, or none of the nearest records can be used. A
    warning is raised if this concerns more than half of the new records;
    ``neighbor_indices_`` shows which. A record that is interpolated between two patients belongs to
    both: split the records by patient before they are resampled, as a pipeline does in
    cross-validation.

    References
    ----------
    .. [1] N. V. Chawla et al., "SMOTE: synthetic minority over-sampling technique", Journal of
       Artificial Intelligence Research 16, 2002.
    .. [2] H. C. Bazett, "An analysis of the time-relations of electrocardiograms", Heart 7, 1920.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.imbalance import BeatSMOTE
    >>> ecg = make_ecg(60, prevalence=0.2, random_state=0)
    >>> sampler = BeatSMOTE(sampling_rate=100, random_state=0)
    >>> X, y = sampler.fit_resample(ecg.data, ecg.target)
    >>> X.shape, np.bincount(y)
    ((96, 12, 1000), array([48, 48]))
    >>> lead_i, lead_ii, lead_iii = X[60:, :3].transpose(1, 0, 2)
    >>> bool(np.abs(lead_ii - lead_i - lead_iii).max() < 0.001)  # mV
    True

    The classes must have enough records:

    >>> BeatSMOTE(sampling_rate=100, k_neighbors=20).fit_resample(ecg.data, ecg.target)
    Traceback (most recent call last):
        ...
    ValueError: Class 1 has 12 records, but k_neighbors=20 needs at least 21. ...
    """

    _parameter_constraints = {
        **BaseOverSampler._parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "unreliable": [StrOptions({"repeat", "raise"})],
        "min_reliability": [Interval(Real, 0, 1, closed="both")],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }

    def __init__(
        self,
        sampling_rate=None,
        *,
        sampling_strategy: float | str | dict | Callable = "auto",
        k_neighbors=5,
        unreliable="repeat",
        min_reliability=0.3,
        random_state=None,
        n_leads=None,
        lead_names=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.sampling_rate = sampling_rate
        self.k_neighbors = k_neighbors
        self.unreliable = unreliable
        self.min_reliability = min_reliability
        self.random_state = random_state
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _check_X(self, X):
        check_sampling_rate(self.sampling_rate)
        return super()._check_X(X)

    def _draw(self, target, random_state, groups):
        drawn, strategy = super()._draw(target, random_state, groups)
        if not target.is_multilabel:
            self._check_class_sizes(target.values, drawn)
        return drawn, strategy

    def _check_class_sizes(self, values, drawn):
        for label in np.unique(values[drawn]):
            n_records = np.count_nonzero(values == label)
            if n_records <= self.k_neighbors:
                raise ValueError(
                    f"Class {label!s} has {n_records} records, but k_neighbors={self.k_neighbors} "
                    f"needs at least {self.k_neighbors + 1}. Pass a smaller k_neighbors, leave the "
                    "class out of sampling_strategy, or repeat its records with RecordOverSampler."
                )

    def _make_signals(self, signals, sources, target, random_state, groups):
        _, labels = np.unique(target.values, axis=0, return_inverse=True)
        labels = labels.ravel()  # NumPy 2.0 gives it another shape.
        medians, beats = self._find_beats(signals, np.flatnonzero(np.isin(labels, labels[sources])))
        usable = np.fromiter(beats, dtype=np.intp)
        neighbors = np.full(len(sources), -1)
        gaps = np.zeros(len(sources))
        for label in np.unique(labels[sources]):
            of_label = labels[usable] == label
            nearest = self._find_nearest(medians[of_label], usable[of_label], beats, groups)
            for new in np.flatnonzero(labels[sources] == label):
                choices = nearest.get(sources[new], ())
                if len(choices):
                    neighbors[new] = choices[random_state.randint(len(choices))]
                    gaps[new] = random_state.uniform()
        rate, derived = float(self.sampling_rate), derived_leads(self.lead_names_in_)
        result = signals[sources]
        for new in np.flatnonzero(neighbors >= 0):
            pair = [sources[new], neighbors[new]]
            result[new] = interpolate_records(
                *signals[pair], *(beats[i] for i in pair), gaps[new], rate, derived
            )
        self._warn_of_repeated(neighbors)
        self.neighbor_indices_ = np.concatenate([np.full(len(signals), -1), neighbors])
        self.gaps_ = np.concatenate([np.zeros(len(signals)), gaps])
        return result

    def _find_beats(self, signals, records):
        """Return the median beats and the beats of those records that can be interpolated.

        Returns
        -------
        medians : ndarray of shape (n_usable, n_values)
        beats : dict of int to BeatTimes
            By the position of the record in X.
        """
        rate = float(self.sampling_rate)
        start, stop = (round(edge * rate) for edge in _WINDOW)
        beats, rows = {}, []
        if len(records) and signals.shape[2] >= stop - start + _MARGIN:
            average = average_beats(signals[records], self.lead_names_in_, rate, start, stop)
            rhythm = average.rhythm
            good = (rhythm.reliability >= self.min_reliability) & (average.n_used > 0)
            ectopic = rhythm.ectopic()
            for row in np.flatnonzero(good & (np.fromiter(map(len, rhythm.peaks), int) > 2)):
                times = BeatTimes.from_peaks(rhythm.peaks[row], ectopic[row])
                if len(times.usable):
                    beats[int(records[row])] = times
                    rows.append(row)
        missing = [int(record) for record in records if record not in beats]
        if missing and self.unreliable == "raise":
            raise ValueError(
                f"{len(missing)} of {len(records)} records of the classes to be resampled have no "
                f"reliable normal beats: records {missing[:10]}{' ...' if missing[10:] else ''}. "
                "Leave them out, or pass unreliable='repeat'."
            )
        if not rows:
            return np.empty((0, 1)), beats
        leads = independent_leads(self.lead_names_in_, signals.shape[1])
        return average.beats[rows][:, leads].reshape(len(rows), -1), beats

    def _find_nearest(self, medians, records, beats, groups):
        """Return ``{record: its nearest records}``, other than itself or of its patient."""
        if len(records) < 2:
            return {}
        interval = np.array([beats[record].typical_interval for record in records.tolist()])
        own = records if groups is None else groups[records]
        _, count = np.unique(own, return_counts=True)
        n_queried = min(len(records), self.k_neighbors + count.max())
        search = NearestNeighbors(n_neighbors=n_queried).fit(medians)
        nearest = search.kneighbors(medians, return_distance=False)
        choices = {}
        for i, found in enumerate(nearest):
            found = found[own[found] != own[i]][: self.k_neighbors]
            stretch = np.abs(np.log(interval[found] / interval[i]))
            choices[int(records[i])] = records[found[stretch <= np.log(_MAX_STRETCH)]]
        return choices

    def _warn_of_repeated(self, neighbors):
        n_repeated = np.count_nonzero(neighbors < 0)
        if n_repeated > len(neighbors) / 2:
            warn(
                f"{n_repeated} of {len(neighbors)} new records are repeated unchanged, because "
                "they have no reliable normal beats, or there are no other records of their class "
                "or labels, of other patients if groups are given, with such beats. Check "
                f"sampling_rate={self.sampling_rate!r} and the quality of the records.",
                UserWarning,
            )
