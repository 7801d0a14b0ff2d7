"""Random transforms of signals that shift, stretch or mask time."""

import math
from collections.abc import Iterable, Mapping
from numbers import Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch.nn import functional as F

from ._base import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    Augmentation,
    check_sampling_rate_given,
    is_stored_time_first,
)


def pad_peaks(peaks):
    """Combine the R-peaks of several records into one array, the format of the transforms.

    Parameters
    ----------
    peaks : list of n_records array-likes of shape (n_peaks,)
        Time points of the R-peaks of each record in ascending order, for example the ``peaks`` of
        `sklearn_ecg.detect_r_peaks`. Empty if they are unknown.

    Returns
    -------
    padded : ndarray of shape (n_records, n_peaks_max), float64
        R-peaks, with NaN after the last one of each record.

    Raises
    ------
    ValueError
        If `peaks` is not a list with a one-dimensional array of numbers for each record.

    Examples
    --------
    >>> from sklearn_ecg.augmentation import pad_peaks
    >>> pad_peaks([[80, 170, 262], [51], []])
    array([[ 80., 170., 262.],
           [ 51.,  nan,  nan],
           [ nan,  nan,  nan]])
    """
    if isinstance(peaks, (str, Mapping)) or not isinstance(peaks, Iterable):
        raise ValueError(f"peaks must be a list with an array for each record, got {peaks!r}.")
    records = [np.asarray(found) for found in peaks]
    for record, found in enumerate(records):
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iuf"):
            raise ValueError(
                "peaks must have a one-dimensional array of time points for each record, got "
                f"{peaks[record]!r} for record {record}."
            )
    padded = np.full((len(records), max(map(len, records), default=0)), np.nan)
    for row, found in zip(padded, records):
        row[: len(found)] = found
    return padded


class TemporalShift(Augmentation):
    """Shift each record in time by a random amount, all leads together, as in ACL-ECG [1]_.

    The shift is circular: values and R-peaks that leave the record on one side enter it on the
    other.

    Parameters
    ----------
    max_shift : float, default=0.5
        Largest shift in either direction in seconds, >= 0.
    sampling_rate : float, default=None
        Sampling rate of the records in Hz. Required.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import TemporalShift
    >>> x = torch.arange(6.0).reshape(1, 1, 6)
    >>> shift = TemporalShift(0.02, sampling_rate=100)
    >>> shift(x, peaks=torch.tensor([[1.0, 4.0]]), random_state=0)
    (tensor([[[2., 3., 4., 5., 0., 1.]]]), tensor([[2., 5.]]))

    Seconds cannot be converted to time points without the sampling rate:

    >>> TemporalShift(0.5)(torch.zeros(2, 12, 5000))
    Traceback (most recent call last):
        ...
    ValueError: TemporalShift needs sampling_rate: max_shift is in seconds. ...
    """

    _parameter_constraints = {"max_shift": NON_NEGATIVE, "sampling_rate": [*POSITIVE, None]}

    def __init__(self, max_shift=0.5, *, sampling_rate=None):
        self.max_shift = max_shift
        self.sampling_rate = sampling_rate

    def _transform(self, x, peaks, generator):
        check_sampling_rate_given(self, "max_shift is in seconds")
        n_records, _, n_times = x.shape
        largest = round(self.max_shift * self.sampling_rate)
        shift = torch.randint(
            -largest, largest + 1, (n_records, 1), generator=generator, device=x.device
        )
        shift %= n_times
        if peaks is not None:
            # Positions from -0.5 on: a peak is in the record if its nearest time point is.
            peaks = peaks - shift
            peaks = torch.where(peaks < -0.5, peaks + n_times, peaks).sort().values
        return _shift_times(x, shift[:, 0]), peaks


class RandomScaleCrop(Augmentation):
    """Crop a random window of each record and stretch it to full length, as in ACL-ECG [1]_.

    Length and position of the window are drawn for each record and are the same for all its leads.
    Values between two time points are interpolated linearly. R-peaks are stretched with the
    signal; those outside the window become NaN. ``min_scale=1`` leaves the records unchanged.

    Parameters
    ----------
    min_scale : float, default=0.5
        Smallest length of the window as a fraction of the record, in (0, 1]. Lengths are uniform in
        ``[min_scale, max_scale]``.
    max_scale : float, default=1
        Largest length of the window as a fraction of the record, in (0, 1].

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomScaleCrop
    >>> x = torch.arange(9.0).reshape(1, 1, 9)
    >>> crop = RandomScaleCrop(0.5, max_scale=0.5)
    >>> cropped, peaks = crop(x, peaks=torch.tensor([[0.0, 4.0]]), random_state=1)
    >>> cropped
    tensor([[[0.8982, 1.3982, 1.8982, 2.3982, 2.8982, 3.3982, 3.8982, 4.3982,
              4.8982]]])
    >>> peaks
    tensor([[6.2036,    nan]])
    """

    _parameter_constraints = {
        "min_scale": [Interval(Real, 0, 1, closed="right")],
        "max_scale": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, min_scale=0.5, *, max_scale=1.0):
        self.min_scale = min_scale
        self.max_scale = max_scale

    def _transform(self, x, peaks, generator):
        if self.min_scale > self.max_scale:
            raise ValueError(
                f"min_scale={self.min_scale} is greater than max_scale={self.max_scale}."
            )
        n_records, _, n_times = x.shape
        last = n_times - 1
        # float32 is not precise enough for positions in time.
        draw = torch.rand(
            2, n_records, 1, generator=generator, device=x.device, dtype=torch.float64
        )
        scale = self.min_scale + (self.max_scale - self.min_scale) * draw[0]
        start = last * (1 - scale) * draw[1]
        position = scale * torch.arange(n_times, device=x.device, dtype=torch.float64)
        cropped = _interpolate_times(x, position.add_(start))
        if peaks is not None:
            moved = (peaks - start) / scale
            outside = (moved < -0.5) | (moved > last + 0.5)
            peaks = moved.masked_fill(outside, math.nan).sort().values.to(peaks.dtype)
        return cropped, peaks


class CardiacCycleMask(Augmentation):
    """Set a random window between every two R-peaks to zero, as in ACL-ECG [1]_.

    In each RR interval, a window with a given fraction of its length is masked at a random
    position, the same in all leads. Windows never contain an R-peak: the time point nearest to a
    peak, or both if two are equally near, is not masked, and the window is shortened if the
    interval is too short. Nothing is masked before the first and after the last peak.

    Records with fewer than two R-peaks, or all records without ``peaks``, are divided into equal
    segments of about one second, and a window with the same fraction of the length is masked in
    each segment.

    Parameters
    ----------
    fraction : float, default=0.2
        Fraction of an RR interval that is masked, rounded to time points, in [0, 1].
    sampling_rate : float, default=None
        Sampling rate of the records in Hz. Required for records with fewer than two R-peaks. On a
        GPU, passing it saves looking for such records, for which the program waits.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import CardiacCycleMask
    >>> x = torch.ones(1, 1, 20)
    >>> mask = CardiacCycleMask(0.5)
    >>> masked, _ = mask(x, peaks=torch.tensor([[3.0, 9.0, 17.0]]), random_state=0)
    >>> masked[0].int()
    tensor([[1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]], dtype=torch.int32)
    """

    _parameter_constraints = {"fraction": FRACTION, "sampling_rate": [*POSITIVE, None]}
    needs_peaks = True

    def __init__(self, fraction=0.2, *, sampling_rate=None):
        self.fraction = fraction
        self.sampling_rate = sampling_rate

    def _transform(self, x, peaks, generator):
        if peaks is None:
            return _mask_windows(x, *self._segment_windows(x), generator), peaks
        first, stop, width = self._rr_windows(peaks, x.shape[2])
        without_rr = peaks.isfinite().sum(1, keepdim=True) < 2
        if self.sampling_rate is not None or without_rr.any():
            segments = self._segment_windows(x)
            n_records = len(x)
            first = torch.cat([first, segments[0].expand(n_records, -1)], 1)
            stop = torch.cat([stop, segments[1].expand(n_records, -1)], 1)
            width = torch.cat([width, segments[2] * without_rr], 1)
        return _mask_windows(x, first, stop, width, generator), peaks

    def _rr_windows(self, peaks, n_times):
        """Find the time points free to mask in each RR interval, and the width to mask."""
        peaks = peaks.sort().values  # NaN is sorted last
        length = (peaks[:, 1:] - peaks[:, :-1]).nan_to_num(0)
        # Of two time points equally near to a peak, neither is free.
        first = (peaks[:, :-1] + 0.5).floor().nan_to_num(0).long() + 1
        stop = (peaks[:, 1:] - 0.5).ceil().nan_to_num(0).long()
        first, stop = first.clamp(0, n_times), stop.clamp(0, n_times)
        width = (self.fraction * length).round().long()
        return first, stop, width.minimum((stop - first).clamp(min=0))

    def _segment_windows(self, x):
        """Find the same for equal segments of a record without RR intervals."""
        check_sampling_rate_given(
            self, "records with fewer than two R-peaks are divided into segments of one second"
        )
        n_times = x.shape[2]
        n_segments = max(1, round(n_times / self.sampling_rate))
        bounds = torch.linspace(0, n_times, n_segments + 1, dtype=torch.float64, device=x.device)
        bounds = bounds.round()
        masked_before = (self.fraction * bounds).round()
        first, stop, width = bounds[:-1], bounds[1:], masked_before.diff()
        return [t.long()[None] for t in (first, stop, width.minimum(stop - first))]


class TimeMask(Augmentation):
    """Set one window of each record to zero, at a random position, in all leads.

    Parameters
    ----------
    fraction : float, default=0.1
        Fraction of the record that is masked, rounded to time points, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import TimeMask
    >>> TimeMask(0.3)(torch.ones(2, 1, 10), random_state=1)[:, 0]
    tensor([[0., 0., 0., 1., 1., 1., 1., 1., 1., 1.],
            [1., 0., 0., 0., 1., 1., 1., 1., 1., 1.]])
    """

    _parameter_constraints = {"fraction": FRACTION}

    def __init__(self, fraction=0.1):
        self.fraction = fraction

    def _transform(self, x, peaks, generator):
        n_times = x.shape[2]
        # Filled rather than copied to a GPU, which would be waited for.
        first, stop, width = (
            torch.full((1, 1), value, device=x.device)
            for value in (0, n_times, round(self.fraction * n_times))
        )
        return _mask_windows(x, first, stop, width, generator), peaks


def _shift_times(x, shift):
    """Move time point ``shift[i]`` of record i to the start, and what was before it to the end."""
    n_times = x.shape[2]
    if x.device.type != "cpu" or x.requires_grad:
        # Windows of a row that holds all time points twice are the shifted time points.
        twice = torch.arange(2 * n_times, device=x.device, dtype=torch.int32) % n_times
        return _take_times(x, twice.unfold(0, n_times, 1)[shift])
    # Two slices of each record are copied in a third of the time.
    shifted = torch.empty_like(x)
    if is_stored_time_first(x):
        # They are two pieces of memory, which are copied faster one after another in one call.
        values, pieces = x.mT.numpy().reshape(-1), []
        stops = range(n_times * x.shape[1], x.numel() + 1, n_times * x.shape[1])
        first = 0
        for stop, length in zip(stops, (shift * x.shape[1]).tolist()):
            start = first + length
            pieces += [values[start:stop], values[first:start]]
            first = stop
        np.concatenate(pieces, out=shifted.mT.numpy().reshape(-1))
        return shifted
    source, target = x.numpy(), shifted.numpy()
    for old, new, start in zip(source, target, shift.tolist()):
        new[:, : n_times - start] = old[:, start:]
        new[:, n_times - start :] = old[:, :start]
    return shifted


def _take_times(x, index):
    """Take time points ``index`` (n_records, n_times) of each record, in the memory order of x."""
    if not is_stored_time_first(x):
        return x.gather(2, index.long()[:, None].expand(-1, x.shape[1], -1))
    # Each time point is a row of all leads, copied at once.
    taken = x.mT.view(-1, x.shape[1]).index_select(0, _flat_time_index(x, index).flatten())
    return taken.view(x.mT.shape).mT


def _interpolate_times(x, position):
    """Interpolate each record at ``position`` (n_records, n_times), within the record.

    Positions are float64, and are overwritten.
    """
    if x.shape[2] == 1:
        return x.clone()
    # As floating-point numbers: operations on two types of numbers take several times as long.
    before = position.floor().clamp_(max=x.shape[2] - 2)
    weight = position.sub_(before)
    if not is_stored_time_first(x):
        weight, before = weight.to(x.dtype)[:, None], before.int()
        return _take_times(x, before).lerp_(_take_times(x, before + 1), weight)
    # embedding_bag reads, weights and adds both rows in one pass. Its arguments are written in
    # place, because stacking them would take as long as the pass.
    pair = torch.empty(*before.shape, 2, dtype=_index_dtype(x), device=x.device)
    first = torch.arange(len(x), device=x.device, dtype=torch.float64)[:, None] * x.shape[2]
    pair[..., 0] = before.add_(first)
    torch.add(pair[..., 0], 1, out=pair[..., 1])
    weights = x.new_empty(pair.shape)
    weights[..., 1] = weight
    torch.sub(1, weights[..., 1], out=weights[..., 0])
    rows = x.mT.view(-1, x.shape[1])
    mixed = F.embedding_bag(
        pair.view(-1, 2), rows, per_sample_weights=weights.view(-1, 2), mode="sum"
    )
    return mixed.view(x.mT.shape).mT


def _flat_time_index(x, index):
    """Convert time points of each record to indices into the time points of all records."""
    dtype = _index_dtype(x)
    first = torch.arange(len(x), device=x.device, dtype=dtype)[:, None] * x.shape[2]
    return index.to(dtype) + first


def _index_dtype(x):
    return torch.int32 if x.numel() < 2**31 else torch.int64


def _mask_windows(x, first, stop, width, generator):
    """Set windows of ``width`` to zero, at random positions from ``first`` to ``stop``.

    The three have the shape (n_records, n_windows), or (1, n_windows) if they are the same for all
    records. The ranges from ``first`` to ``stop`` do not overlap.
    """
    n_records, _, n_times = x.shape
    uniform = torch.rand(
        n_records, first.shape[1], generator=generator, device=x.device, dtype=torch.float64
    )
    n_positions = (stop - first - width + 1).clamp(min=1)
    start = first + (uniform * n_positions).long()
    # The cumulative sum of +1 where a window starts and -1 where it ends is 1 inside windows.
    steps = torch.zeros(n_records, n_times + 1, dtype=torch.int32, device=x.device)
    steps.scatter_add_(1, start, torch.ones_like(start, dtype=torch.int32))
    steps.scatter_add_(1, start + width, -torch.ones_like(start, dtype=torch.int32))
    keep = 1 - steps.cumsum(1, dtype=torch.int32)[:, None, :-1]
    return x * keep.to(x.dtype)
