"""Over-sampling by random transforms of records."""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils._param_validation import Interval

from ..beats._rhythm import check_sampling_rate, find_r_peaks
from ..utils._chunks import TRANSFORM, array_chunks
from ._base import SignalOverSampler

# R-peaks of less reliable records are not used; nearly all clean records are more reliable.
_MIN_RELIABILITY = 0.5


class AugmentationOverSampler(SignalOverSampler, BaseOverSampler):
    """Add randomly transformed copies of records of rare classes or labels.

    Records are drawn as by `RecordOverSampler` with the same ``random_state``, and every copy is
    transformed differently. The original records come first, unchanged.

    Parameters
    ----------
    augmentation : callable or list of callables
        Random transforms, such as those of `sklearn_ecg.augmentation`, applied in this order.
        Amplitudes are in the unit of X, unlike in the ``augmentation`` of an estimator, which
        normalizes the signals first.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many records there are after resampling, as for `RecordOverSampler`.
    sampling_rate : float or None, default=None
        Time points per second (Hz). Required if a transform uses R-peaks, such as
        `~sklearn_ecg.augmentation.CardiacCycleMask`; compared with the rates of the transforms.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws and of the transforms.
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
        Position in X of each original record, and of the record that each new one was made from:
        ``groups[sampler.sample_indices_]`` are their patients.
    n_features_in_ : int
        Number of leads of X; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads of X.
    n_times_in_ : int
        Number of time points of X.
    lead_names_in_ : tuple of str or None
        Names of the leads of X.
    sampling_rate_in_ : float or None
        Sampling rate of X (Hz), if a frame or `sampling_rate` states it.
    units_in_ : str or None
        Unit of X, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit_resample`, if `sampling_strategy` is not possible for y, y has missing labels or one
        class only, X contains NaN or infinity, a transform returns them or has another sampling
        rate than the records, or R-peaks are needed and `sampling_rate` is missing.

    See Also
    --------
    RecordOverSampler : Repeat records without changing them.
    BeatSMOTE : Interpolate between records of a class.

    Notes
    -----
    ``groups`` are used as by `RecordOverSampler`. R-peaks of records with a reliability below 0.5
    are not used.

    A transform that treats all leads alike, such as a shift, a mask or a factor, preserves the
    identities of the limb leads (III = II - I). Noise that is drawn for each lead, and
    `~sklearn_ecg.augmentation.LeadDropout`, do not: use `BeatSMOTE` or other transforms if a later
    step relies on them.

    If only new records of one class are transformed, a network may learn the traces of the
    transform instead of the class. Transform all classes alike in the training of the network
    (its parameter ``augmentation``), and compare with `RecordOverSampler`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.augmentation import AmplitudeScale, TemporalShift
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.imbalance import AugmentationOverSampler
    >>> ecg = make_ecg(60, prevalence=0.2, random_state=0)
    >>> sampler = AugmentationOverSampler(
    ...     [TemporalShift(0.3, sampling_rate=100), AmplitudeScale(0.1)], random_state=0
    ... )
    >>> X, y = sampler.fit_resample(ecg.data, ecg.target)
    >>> X.shape, np.bincount(y)
    ((96, 12, 1000), array([48, 48]))
    >>> bool((X[:60] == ecg.data).all())
    True
    """

    _parameter_constraints = {
        **BaseOverSampler._parameter_constraints,
        "augmentation": [callable, list, tuple],
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
        "lead_names": ["array-like", None],
    }

    def __init__(
        self,
        augmentation,
        *,
        sampling_strategy: float | str | dict | Callable = "auto",
        sampling_rate=None,
        random_state=None,
        n_leads=None,
        lead_names=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.augmentation = augmentation
        self.sampling_rate = sampling_rate
        self.random_state = random_state
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _make_signals(self, signals, sources, target, random_state, groups):
        # The transforms need torch, which the other samplers do not.
        from ..augmentation import Compose
        from ..augmentation._base import check_rates_of_transforms
        from ..utils._torch import resolve_device, seeded

        transform = Compose(self.augmentation)
        check_rates_of_transforms(transform, self.sampling_rate_in_, name=type(self).__name__)
        peaks = self._find_peaks(signals, sources) if transform.needs_peaks else None
        new = np.empty((len(sources), *signals.shape[1:]), dtype=signals.dtype)
        # Plain functions draw from torch's global generator, the transforms do, too.
        with seeded(random_state.randint(np.iinfo(np.int32).max), resolve_device("cpu")):
            for part in array_chunks(new, TRANSFORM):
                batch = signals[sources[part]]
                new[part] = transform(batch) if peaks is None else transform(batch, peaks[part])[0]
        if not np.isfinite(new).all():
            raise ValueError(
                "augmentation returned NaN or infinity for finite signals. Correct its parameters."
            )
        return new

    def _find_peaks(self, signals, sources):
        """Return the R-peaks of the source records, padded with NaN."""
        from ..augmentation import pad_peaks

        rate = check_sampling_rate(self.sampling_rate)
        records, positions = np.unique(sources, return_inverse=True)
        rhythm = find_r_peaks(signals[records], self.lead_names_in_, rate)
        reliable = rhythm.reliability >= _MIN_RELIABILITY
        peaks = [found if good else found[:0] for found, good in zip(rhythm.peaks, reliable)]
        return pad_peaks(peaks)[positions].astype(signals.dtype)
