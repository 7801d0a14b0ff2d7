"""Parts of records, and limits of amplitudes."""

from hashlib import blake2b
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ..base import SignalTransformer


class Cropper(SignalTransformer):
    """Keep one part of each record.

    Parameters
    ----------
    n_times : int or None, default=None
        Length of the part in time points, from 1 to the length of the records. None keeps all.
    position : {"start", "centre", "end", "random"} or int, default="centre"
        Where the part lies; a number is the time point at which it starts. "random" draws a place
        for each record.
    random_state : int, RandomState instance or None, default=None
        Seeds the places of ``position="random"``, in `fit`. A record's place depends on the seed
        and on its signal, not on the records around it: the same record is always cropped in
        the same place, and training sees one crop of it. For a new one in each epoch see
        `sklearn_ecg.augmentation`.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when the part is not inside the records.

    See Also
    --------
    windows : Several parts of each record, which are then records of their own.

    Notes
    -----
    NaN is let through.

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
        **SignalTransformer._parameter_constraints,
        "n_times": [Interval(Integral, 1, None, closed="left"), None],
        "position": [
            StrOptions({"start", "centre", "end", "random"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "random_state": ["random_state"],
    }
    _allow_nan = True

    def __init__(
        self, n_times=None, *, position="centre", random_state=None, n_leads=None, lead_names=None
    ):
        self.n_times = n_times
        self.position = position
        self.random_state = random_state
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        n_times = self._n_times_out()
        check_inside(n_times, self.n_times_in_)
        if isinstance(self.position, Integral) and self.position + n_times > self.n_times_in_:
            raise ValueError(
                f"A part of n_times={n_times} from position={self.position} on ends beyond the "
                f"{self.n_times_in_} time points of the records. Start earlier, or crop less."
            )
        if self.position == "random":
            self._seed = check_random_state(self.random_state).bytes(16)

    def _n_times_out(self):
        return self.n_times_in_ if self.n_times is None else self.n_times

    def _transform(self, signals):
        n_times = self._n_times_out()
        room = self.n_times_in_ - n_times
        if self.position == "random":
            cropped = np.empty((*signals.shape[:2], n_times), dtype=signals.dtype)
            for record, signal in enumerate(signals):
                start = self._draw(signal, room)
                cropped[record] = signal[:, start : start + n_times]
            return cropped
        start = {"start": 0, "centre": room // 2, "end": room}.get(self.position, self.position)
        return signals[:, :, start : start + n_times].copy()

    def _draw(self, signal, room):
        """A place for a record: uniform over seeds, the same whenever the record is seen."""
        # As float32 and with one zero, so that equal numbers of either float have one place.
        with np.errstate(over="ignore"):
            content = np.ascontiguousarray(signal, dtype=np.float32) + np.float32(0)
        digest = blake2b(content, digest_size=8, key=self._seed).digest()
        return int.from_bytes(digest, "little") % (room + 1)


class Clipper(SignalTransformer):
    """Limit amplitudes.

    Parameters
    ----------
    low, high : float or None, default=-5.0 and 5.0
        Limits in the unit of X, usually mV, ``low < high``. Values beyond them become the limit;
        None sets none. Waves of more than 5 mV are hardly ever of the heart.
    n_leads : int or None, default=None
        Number of leads. Needed for rows of shape (n_records, n_leads * n_times).
    lead_names : sequence of str or None, default=None
        Names of the leads, where X is not a lead frame.

    Attributes
    ----------
    n_features_in_, n_leads_in_, n_times_in_ : int
    lead_names_in_ : tuple of str or None

    Raises
    ------
    ValueError
        In `fit`, when ``low`` is not below ``high``, or both are None.

    Notes
    -----
    NaN is let through.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.preprocessing import Clipper
    >>> Clipper(-2, 2).fit_transform(np.array([[[-3.0, 0.5, 7.0]]]))
    array([[[-2. ,  0.5,  2. ]]])
    """

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "low": [Real, None],
        "high": [Real, None],
    }
    _allow_nan = True

    def __init__(self, low=-5.0, high=5.0, *, n_leads=None, lead_names=None):
        self.low = low
        self.high = high
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        if self.low is None and self.high is None:
            raise ValueError("low and high are both None: there is nothing to clip. Pass one.")
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
    """Cut each record into windows, which are then records of their own.

    A function and not a transformer, since scikit-learn's transformers may not change the number of
    records. Cut first, then hand ``y[records]`` and ``groups[records]`` to what follows, so
    that the windows of one record never stand on both sides of a split.

    Parameters
    ----------
    X : array-like, DataFrame or lead frame
        Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of signals
        or, with ``n_leads``, rows.
    n_times : int
        Length of a window in time points, from 1 to the length of the records.
    step : int or None, default=None
        Time points from the start of a window to that of the next, >= 1. None is ``n_times``:
        windows that do not overlap. What remains behind the last whole window is left out.
    n_leads : int or None, default=None
        Number of leads. Needed for rows.

    Returns
    -------
    X_windows : array, DataFrame or lead frame
        The same container, with n_windows rows for each record; of a frame, the index is repeated.
    records : ndarray of shape (n_records * n_windows,), int
        Position in X of the record of each window.

    Raises
    ------
    ValueError
        When a window is longer than the records, or X cannot be read without guessing.

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
    cropper = Cropper(n_times, n_leads=n_leads).fit(X)
    signals = cropper._check(X, reset=False)
    n_records, n_signals, _ = signals.shape
    views = np.lib.stride_tricks.sliding_window_view(signals, n_times, axis=2)
    views = views[:, :, :: n_times if step is None else step].swapaxes(1, 2)
    records = np.repeat(np.arange(n_records), views.shape[1])
    cut = views.reshape(-1, n_signals, n_times)
    if np.shares_memory(cut, signals):
        cut = cut.copy()
    index = X.index[records] if hasattr(X, "index") and hasattr(X, "columns") else None
    return cropper._like(X, cut, index=index), records


def check_inside(n_times, found):
    """Refuse to crop records to more than they have."""
    if n_times > found:
        raise ValueError(
            f"n_times={n_times} is more than the {found} time points of the records. Pass "
            f"n_times={found} or less, or pad the records."
        )
