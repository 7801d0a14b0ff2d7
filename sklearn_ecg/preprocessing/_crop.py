"""Crops and windows of records, and limits of amplitudes."""

from hashlib import blake2b
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ..base import SignalToSignalTransformer

# Higher limits are not in mV.
_MAX_LIMIT = 100


class Cropper(SignalToSignalTransformer):
    """Crop each record to one part of it.

    Parameters
    ----------
    n_times : int or None, default=None
        Length of the part in time points, from 1 to the length of the records. None keeps the
        whole record.
    position : {"start", "center", "end", "random"} or int, default="center"
        Position of the part; an integer is the time point at which it starts. "random" draws a
        position for each record.
    random_state : int, RandomState instance or None, default=None
        Seed for ``position="random"``, used in `fit`. The position depends on the seed and on the
        signals of the record, not on other records: the same record is always cropped at the same
        position. For a new crop in each epoch, see `sklearn_ecg.augmentation`.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
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
        In `fit`, if the part is not inside the records.

    See Also
    --------
    windows : Cut several parts of each record, as new records.

    Notes
    -----
    X may contain NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import Cropper
    >>> X = np.arange(8.0).reshape(1, 1, 8)
    >>> Cropper(4).fit_transform(X)
    array([[[2., 3., 4., 5.]]])
    >>> Cropper(4, position=1).fit_transform(X)
    array([[[1., 2., 3., 4.]]])
    >>> Cropper(10).fit(X)
    Traceback (most recent call last):
        ...
    ValueError: n_times=10 is more than the 8 time points of the records. ...
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "n_times": [Interval(Integral, 1, None, closed="left"), None],
        "position": [
            StrOptions({"start", "center", "end", "random"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "random_state": ["random_state"],
    }
    _allow_nan = True
    _fits_lazy_records = True

    def __init__(
        self,
        n_times=None,
        *,
        position: str | int = "center",
        random_state=None,
        n_leads=None,
        lead_names=None,
    ):
        self.n_times = n_times
        self.position = position
        self.random_state = random_state
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        n_times = self._output_n_times()
        _check_n_times(n_times, self.n_times_in_)
        is_number = isinstance(self.position, Integral)
        if is_number and int(self.position) + n_times > self.n_times_in_:
            raise ValueError(
                f"A part with n_times={n_times} that starts at position={self.position} ends after "
                f"the {self.n_times_in_} time points of the records. Reduce position or n_times."
            )
        if self.position == "random":
            self._seed = check_random_state(self.random_state).bytes(16)

    def _output_n_times(self):
        return self.n_times_in_ if self.n_times is None else int(self.n_times)

    def _transform(self, signals):
        n_times = self._output_n_times()
        last_start = self.n_times_in_ - n_times
        if self.position == "random":
            cropped = np.empty((*signals.shape[:2], n_times), dtype=signals.dtype)
            for record, signal in enumerate(signals):
                start = self._draw_start(signal, last_start)
                cropped[record] = signal[:, start : start + n_times]
            return cropped
        starts = {"start": 0, "center": last_start // 2, "end": last_start}
        start = starts[self.position] if isinstance(self.position, str) else int(self.position)
        return signals[:, :, start : start + n_times].copy()

    def _draw_start(self, signal, last_start):
        """Draw the start of the crop of a record: always the same for the same record and seed."""
        # float32 and a single zero, so that equal values have the same bytes.
        with np.errstate(over="ignore"):
            content = np.ascontiguousarray(signal, dtype=np.float32) + np.float32(0)
        digest = blake2b(content, digest_size=8, key=self._seed).digest()
        return int.from_bytes(digest, "little") % (last_start + 1)


class Clipper(SignalToSignalTransformer):
    """Limit amplitudes.

    Parameters
    ----------
    low, high : float or None, default=-5.0 and 5.0
        Limits in mV, ``low < high``. Values outside the limits are set to the limit; None means no
        limit. Waves of more than 5 mV are rarely cardiac. If one of the limits exceeds 100, the
        limits are in the unit of X, whatever it is.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
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
        In `fit`, if `low` is not below `high`, or both are None. Also if X is not in mV: if a frame
        notes another unit, or amplitudes are implausible.

    Notes
    -----
    X may contain NaN, which is not changed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import Clipper
    >>> Clipper(-2, 2).fit_transform(np.array([[[-3.0, 0.5, 7.0]]]))
    array([[[-2. ,  0.5,  2. ]]])
    """

    _parameter_constraints = {
        **SignalToSignalTransformer._parameter_constraints,
        "low": [Real, None],
        "high": [Real, None],
    }
    _allow_nan = True
    _fits_lazy_records = True
    _scale_errors = ("unit", "offset")

    def __init__(
        self, low: float | None = -5.0, high: float | None = 5.0, *, n_leads=None, lead_names=None
    ):
        self.low = low
        self.high = high
        self.n_leads = n_leads
        self.lead_names = lead_names

    @property
    def _needs_millivolts(self):
        limits = [abs(limit) for limit in (self.low, self.high) if limit is not None]
        return max(limits, default=0) <= _MAX_LIMIT

    def _fit(self, signals):
        if self.low is None and self.high is None:
            raise ValueError("low and high are both None: there is nothing to clip. Pass a limit.")
        if None not in (self.low, self.high) and self.low >= self.high:
            raise ValueError(f"low={self.low} must be below high={self.high}.")

    def _transform(self, signals):
        low = None if self.low is None else float(self.low)
        high = None if self.high is None else float(self.high)
        return np.clip(signals, low, high)


@validate_params(
    {
        "X": ["array-like"],
        "n_times": [Interval(Integral, 1, None, closed="left")],
        "step": [Interval(Integral, 1, None, closed="left"), None],
        "n_leads": [Interval(Integral, 1, None, closed="left"), None],
    },
    prefer_skip_nested_validation=True,
)
def windows(X, n_times, *, step=None, n_leads=None):
    """Cut each record into windows, as new records.

    This is a function, since scikit-learn's transformers must not change the number of records. Cut
    the windows first, and use ``y[records]`` and ``groups[records]`` afterwards, so that the
    windows of a record are never on both sides of a split.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals
        or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
    n_times : int
        Length of a window in time points, from 1 to the length of the records.
    step : int or None, default=None
        Time points from the start of a window to the start of the next, >= 1. None means `n_times`:
        windows do not overlap. Time points after the last complete window are left out.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.

    Returns
    -------
    X_windows : array, DataFrame or lead frame
        The windows in the same kind of container, with n_windows rows for each record. The index of
        a frame is repeated.
    records : ndarray of shape (n_records * n_windows,), int
        For each window, the position of its record in X.

    Raises
    ------
    ValueError
        If a window is longer than the records, or X is ambiguous.
    TypeError
        If X contains objects that are neither numbers nor signals.

    See Also
    --------
    Cropper : Crop each record to one part of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import windows
    >>> X = np.arange(10.0).reshape(2, 1, 5)
    >>> X_windows, records = windows(X, 2)
    >>> X_windows
    array([[[0., 1.]],
           [[2., 3.]],
           [[5., 6.]],
           [[7., 8.]]])
    >>> records
    array([0, 0, 1, 1])
    """
    n_times, step = int(n_times), int(n_times if step is None else step)
    cropper = Cropper(n_times, n_leads=n_leads)
    signals = cropper._validate_signals(X, reset=True)
    n_records, n_signals, length = signals.shape
    _check_n_times(n_times, length)
    cut = np.lib.stride_tricks.sliding_window_view(signals, n_times, axis=2)
    cut = cut[:, :, ::step].swapaxes(1, 2)
    records = np.repeat(np.arange(n_records), cut.shape[1])
    cut = cut.reshape(-1, n_signals, n_times)
    if np.shares_memory(cut, signals):
        cut = cut.copy()
    index = X.index[records] if hasattr(X, "index") and hasattr(X, "columns") else None
    return cropper._to_container(cut, X, index=index), records


def _check_n_times(n_times, length):
    """Raise if a part is longer than the records."""
    if n_times > length:
        raise ValueError(
            f"n_times={n_times} is more than the {length} time points of the records. Pass "
            f"n_times={length} or less, or pad the records."
        )
