"""Random views of signals."""

import math
from numbers import Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch.nn import functional as F

from ._base import NOT_NEGATIVE, POSITIVE, SHARE, View


def pad_peaks(peaks):
    """R-peaks of several records as one array, as the views take them.

    Parameters
    ----------
    peaks : list of n_records array-likes of shape (n_peaks,)
        Time points of the R-peaks of each record, ascending, such as the ``peaks`` of
        `sklearn_ecg.detect_r_peaks`. Empty where they are unknown.

    Returns
    -------
    padded : ndarray of shape (n_records, n_peaks_max), float64
        With NaN behind the last peak of a record.

    Examples
    --------
    >>> from sklearn_ecg.augmentation import pad_peaks
    >>> pad_peaks([[80, 170, 262], [51], []])
    array([[ 80., 170., 262.],
           [ 51.,  nan,  nan],
           [ nan,  nan,  nan]])
    """
    padded = np.full((len(peaks), max(map(len, peaks), default=0)), np.nan)
    for row, found in zip(padded, peaks):
        row[: len(found)] = found
    return padded


class TemporalShift(View):
    """Shift each record in time, all leads together, as in ACL-ECG [1]_.

    What leaves on one side comes back on the other, R-peaks as well. Values never change, only
    their places.

    Parameters
    ----------
    max_shift : float, default=0.5
        Largest shift to either side, in seconds, >= 0.
    sampling_rate : float, default=100
        In Hz.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import TemporalShift
    >>> x = torch.arange(6.0).reshape(1, 1, 6)
    >>> shift = TemporalShift(max_shift=0.02, sampling_rate=100)
    >>> shift(x, peaks=torch.tensor([[1.0, 4.0]]), random_state=0)
    (tensor([[[2., 3., 4., 5., 0., 1.]]]), tensor([[2., 5.]]))
    """

    _parameter_constraints = {"max_shift": NOT_NEGATIVE, "sampling_rate": POSITIVE}

    def __init__(self, max_shift=0.5, *, sampling_rate=100):
        self.max_shift = max_shift
        self.sampling_rate = sampling_rate

    def _view(self, x, peaks, generator):
        n_records, _, n_times = x.shape
        largest = round(self.max_shift * self.sampling_rate)
        shift = torch.randint(
            -largest, largest + 1, (n_records, 1), generator=generator, device=x.device
        )
        # Every start of a row that holds the time points twice is a shift.
        twice = torch.arange(2 * n_times, device=x.device, dtype=torch.int32) % n_times
        index = twice.unfold(0, n_times, 1)[shift[:, 0] % n_times]
        if peaks is not None:
            # From -0.5 on: a peak lies in the record where its nearest time point does.
            peaks = ((peaks - shift + 0.5) % n_times - 0.5).sort().values
        return _take(x, index), peaks


class RandomScaleCrop(View):
    """Cut a window out of each record and stretch it to the full length, as in ACL-ECG [1]_.

    Length and place of the window are drawn for each record and are the same for all its leads.
    Values between two time points are interpolated linearly. R-peaks are stretched with the
    signal; those outside the window become NaN. ``min_scale=max_scale=1`` changes nothing.

    Parameters
    ----------
    min_scale, max_scale : float, default=0.5 and 1.0
        The window's share of the record is uniform between the two; in (0, 1].

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import RandomScaleCrop
    >>> x = torch.arange(9.0).reshape(1, 1, 9)
    >>> crop = RandomScaleCrop(min_scale=0.5, max_scale=0.5)
    >>> view, peaks = crop(x, peaks=torch.tensor([[0.0, 4.0]]), random_state=1)
    >>> view
    tensor([[[0.8982, 1.3982, 1.8982, 2.3982, 2.8982, 3.3982, 3.8982, 4.3982,
              4.8982]]])
    >>> peaks
    tensor([[6.2036,    nan]])
    """

    _parameter_constraints = {
        "min_scale": [Interval(Real, 0, 1, closed="right")],
        "max_scale": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, min_scale=0.5, max_scale=1.0):
        self.min_scale = min_scale
        self.max_scale = max_scale

    def _view(self, x, peaks, generator):
        if self.min_scale > self.max_scale:
            raise ValueError(
                f"min_scale={self.min_scale} is greater than max_scale={self.max_scale}."
            )
        n_records, _, n_times = x.shape
        last = n_times - 1
        # Places in time need more digits than float32 has.
        draw = torch.rand(
            2, n_records, 1, generator=generator, device=x.device, dtype=torch.float64
        )
        scale = self.min_scale + (self.max_scale - self.min_scale) * draw[0]
        start = last * (1 - scale) * draw[1]
        view = _between(x, start + scale * torch.arange(n_times, device=x.device))
        if peaks is not None:
            moved = (peaks - start) / scale
            outside = (moved < -0.5) | (moved > last + 0.5)
            peaks = moved.masked_fill(outside, math.nan).sort().values.to(peaks.dtype)
        return view, peaks


class CardiacCycleMask(View):
    """Set one window between every two R-peaks to zero, as in ACL-ECG [1]_.

    Each RR interval loses a window of the given share of its length, at a random place, the same
    in all leads. Windows hold no R-peak and cross none: the time point nearest to a peak, or both
    when two are equally near, is never masked, so that a window is shorter where an interval has
    no room. Before the first peak and after the last one nothing is masked.

    A record of less than two peaks, or all of them without ``peaks``, loses the same share of its
    whole length: it is cut into equal parts of about a second, and each loses a window at a random
    place.

    Parameters
    ----------
    fraction : float, default=0.2
        Share of an RR interval that is masked, rounded to time points; in [0, 1].
    sampling_rate : float, default=100
        In Hz. Used where there are no peaks.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import CardiacCycleMask
    >>> x = torch.ones(1, 1, 20)
    >>> mask = CardiacCycleMask(fraction=0.5)
    >>> view, _ = mask(x, peaks=torch.tensor([[3.0, 9.0, 17.0]]), random_state=0)
    >>> view[0].int()
    tensor([[1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]], dtype=torch.int32)
    """

    _parameter_constraints = {"fraction": SHARE, "sampling_rate": POSITIVE}
    needs_peaks = True

    def __init__(self, fraction=0.2, *, sampling_rate=100):
        self.fraction = fraction
        self.sampling_rate = sampling_rate

    def _view(self, x, peaks, generator):
        first, stop, width = self._parts(x)
        if peaks is not None:
            in_intervals = self._intervals(peaks, x.shape[2])
            unknown = peaks.isfinite().sum(1, keepdim=True) < 2
            parts = first.expand(len(x), -1), stop.expand(len(x), -1), width * unknown
            first, stop, width = (torch.cat(both, 1) for both in zip(in_intervals, parts))
        return _zero_windows(x, first, stop, width, generator), peaks

    def _intervals(self, peaks, n_times):
        """First time point and end of the room between peaks, and the width to mask in it."""
        peaks = peaks.sort().values  # NaN last
        length = (peaks[:, 1:] - peaks[:, :-1]).nan_to_num(0)
        # Of two time points equally near to a peak neither is free.
        first = (peaks[:, :-1] + 0.5).floor().nan_to_num(0).long() + 1
        stop = (peaks[:, 1:] - 0.5).ceil().nan_to_num(0).long()
        first, stop = first.clamp(0, n_times), stop.clamp(0, n_times)
        width = (self.fraction * length).round().long()
        return first, stop, width.minimum((stop - first).clamp(min=0))

    def _parts(self, x):
        """The same for equal parts of a record without peaks."""
        n_times = x.shape[2]
        n_parts = max(1, round(n_times / self.sampling_rate))
        bounds = torch.linspace(0, n_times, n_parts + 1, dtype=torch.float64, device=x.device)
        bounds = bounds.round()
        masked_before = (self.fraction * bounds).round()
        first, stop, width = bounds[:-1], bounds[1:], masked_before.diff()
        return [t.long()[None] for t in (first, stop, width.minimum(stop - first))]


class TimeMask(View):
    """Set one window of each record to zero, at a random place, in all leads.

    Parameters
    ----------
    fraction : float, default=0.1
        Share of the record that is masked, rounded to time points; in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import TimeMask
    >>> TimeMask(0.3)(torch.ones(2, 1, 10), random_state=1)[:, 0]
    tensor([[0., 0., 0., 1., 1., 1., 1., 1., 1., 1.],
            [1., 0., 0., 0., 1., 1., 1., 1., 1., 1.]])
    """

    _parameter_constraints = {"fraction": SHARE}

    def __init__(self, fraction=0.1):
        self.fraction = fraction

    def _view(self, x, peaks, generator):
        n_times = x.shape[2]
        window = torch.tensor([0, n_times, round(self.fraction * n_times)], device=x.device)
        return _zero_windows(x, *window.reshape(3, 1, 1), generator), peaks


class AmplitudeScale(View):
    """Multiply each record by a random factor, all leads alike: ratios between leads stay.

    Parameters
    ----------
    max_change : float, default=0.2
        Factors are uniform in ``[1 - max_change, 1 + max_change]``; in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import AmplitudeScale
    >>> view = AmplitudeScale(0.2)(torch.ones(3, 12, 1000))
    >>> bool(((view >= 0.8) & (view <= 1.2)).all())
    True
    """

    _parameter_constraints = {"max_change": SHARE}

    def __init__(self, max_change=0.2):
        self.max_change = max_change

    def _view(self, x, peaks, generator):
        uniform = torch.rand(len(x), 1, 1, generator=generator, device=x.device, dtype=x.dtype)
        return x * (1 + self.max_change * (2 * uniform - 1)), peaks


class GaussianNoise(View):
    """Add white noise, drawn anew for every lead and time point.

    Numbers are drawn in the order of the memory of ``x``, which is several times faster than
    another order: the same seed gives other noise for a batch stored with time before leads.

    Parameters
    ----------
    scale : float, default=0.05
        Standard deviation, in units of the signals, >= 0.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import GaussianNoise
    >>> noise = GaussianNoise(0.05)(torch.zeros(10, 12, 1000))
    >>> round(float(noise.std()), 3)
    0.05
    """

    _parameter_constraints = {"scale": NOT_NEGATIVE}

    def __init__(self, scale=0.05):
        self.scale = scale

    def _view(self, x, peaks, generator):
        stored = x.mT if _time_before_leads(x) else x
        noise = torch.empty(stored.shape, dtype=x.dtype, device=x.device)
        view = noise.normal_(0, self.scale, generator=generator).add_(stored)
        return view if stored is x else view.mT, peaks


class PowerlineNoise(View):
    """Add interference of the mains, a sinusoid.

    Frequency and phase are drawn for each record. The amplitude is drawn for each lead, since
    each electrode picks up its own share; a negative one is the opposite phase. No value changes
    by more than ``scale``.

    Parameters
    ----------
    scale : float, default=0.1
        Largest amplitude in units of the signals, >= 0: amplitudes are uniform in
        ``[-scale, scale]``.
    frequency : float or tuple of float, default=50
        In Hz, up to half the sampling rate. Of several, each record gets one.
    sampling_rate : float, default=100
        In Hz.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import PowerlineNoise
    >>> hum = PowerlineNoise(0.1, frequency=(50, 60), sampling_rate=500)(torch.zeros(2, 12, 5000))
    >>> hum.shape, bool(hum.abs().max() <= 0.1)
    (torch.Size([2, 12, 5000]), True)
    >>> PowerlineNoise(0.1, frequency=60, sampling_rate=100)(torch.zeros(2, 12, 1000))
    Traceback (most recent call last):
        ...
    ValueError: frequency=60 Hz is above half of sampling_rate=100 Hz. ...
    """

    _parameter_constraints = {
        "scale": NOT_NEGATIVE,
        "frequency": [*POSITIVE, tuple, list],
        "sampling_rate": POSITIVE,
    }

    def __init__(self, scale=0.1, *, frequency=50, sampling_rate=100):
        self.scale = scale
        self.frequency = frequency
        self.sampling_rate = sampling_rate

    def _view(self, x, peaks, generator):
        choices = [self.frequency] if isinstance(self.frequency, Real) else self.frequency
        if not choices or not all(isinstance(f, Real) and f > 0 for f in choices):
            raise ValueError(
                f"frequency must be a number > 0 or a tuple of them, got {self.frequency!r}."
            )
        for choice in choices:
            _check_frequency("frequency", choice, self.sampling_rate)
        drawn = torch.randint(len(choices), (len(x), 1), generator=generator, device=x.device)
        frequency = torch.tensor(choices, dtype=torch.float64, device=x.device)[drawn]
        waves = frequency / self.sampling_rate
        return _add_waves(x, waves, self.scale, generator), peaks


class BaselineWander(View):
    """Add a slow wave, as breathing and moving electrodes do: the sum of three sinusoids.

    Frequencies and phases are drawn for each record, amplitudes for each lead. No value changes
    by more than ``scale``.

    Parameters
    ----------
    scale : float, default=0.3
        Bound of the wave in units of the signals, >= 0: each of the three amplitudes is uniform
        in ``[-scale / 3, scale / 3]``.
    max_frequency : float, default=0.5
        In Hz, up to half the sampling rate; frequencies are uniform in ``[0, max_frequency]``.
    sampling_rate : float, default=100
        In Hz.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import BaselineWander
    >>> wave = BaselineWander(0.3)(torch.zeros(2, 12, 1000))
    >>> bool(wave.abs().max() <= 0.3), bool(wave.diff().abs().max() < 0.01)
    (True, True)
    """

    _parameter_constraints = {
        "scale": NOT_NEGATIVE,
        "max_frequency": POSITIVE,
        "sampling_rate": POSITIVE,
    }
    _N_WAVES = 3

    def __init__(self, scale=0.3, *, max_frequency=0.5, sampling_rate=100):
        self.scale = scale
        self.max_frequency = max_frequency
        self.sampling_rate = sampling_rate

    def _view(self, x, peaks, generator):
        _check_frequency("max_frequency", self.max_frequency, self.sampling_rate)
        uniform = torch.rand(
            len(x), self._N_WAVES, generator=generator, device=x.device, dtype=torch.float64
        )
        waves = uniform * self.max_frequency / self.sampling_rate
        return _add_waves(x, waves, self.scale / self._N_WAVES, generator), peaks


class LeadDropout(View):
    """Set each lead to zero with a probability; at least one lead of a record stays.

    Parameters
    ----------
    probability : float, default=0.1
        In [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import LeadDropout
    >>> LeadDropout(1.0)(torch.ones(2, 12, 5)).sum(dim=(1, 2))
    tensor([5., 5.])
    """

    _parameter_constraints = {"probability": SHARE}

    def __init__(self, probability=0.1):
        self.probability = probability

    def _view(self, x, peaks, generator):
        draw = torch.rand(x.shape[:2], generator=generator, device=x.device)
        # The lead with the largest draw stays whatever the probability.
        stays = (draw >= self.probability) | (draw == draw.amax(dim=1, keepdim=True))
        return x * stays[:, :, None].to(x.dtype), peaks


def _time_before_leads(x):
    """Whether the memory is that of training batches, contiguous as (batch, time, leads)."""
    return x.mT.is_contiguous() and not x.is_contiguous()


def _take(x, index):
    """Time points of each record, at ``index`` (n_records, n_times), in the memory order of x."""
    if not _time_before_leads(x):
        return x.gather(2, index.long()[:, None].expand(-1, x.shape[1], -1))
    # Each time point is a row of all leads, copied at once.
    taken = x.mT.view(-1, x.shape[1]).index_select(0, _rows(x, index).flatten())
    return taken.view(x.mT.shape).mT


def _between(x, place):
    """Values of each record at ``place`` (n_records, n_times), between the first and last point."""
    if x.shape[2] == 1:
        return x.clone()
    before = place.int().clamp_(max=x.shape[2] - 2)
    weight = place.sub_(before)
    if not _time_before_leads(x):
        weight = weight.to(x.dtype)[:, None]
        return _take(x, before).lerp_(_take(x, before + 1), weight)
    # Both rows are read, weighted and added in one pass. What it needs is written where it has to
    # be: to stack it takes as long as the pass.
    pair = _rows(x, before)[..., None].repeat(1, 1, 2)
    pair[..., 1] += 1
    weights = x.new_empty(pair.shape)
    weights[..., 1] = weight
    torch.sub(1, weights[..., 1], out=weights[..., 0])
    rows = x.mT.view(-1, x.shape[1])
    mixed = F.embedding_bag(
        pair.view(-1, 2), rows, per_sample_weights=weights.view(-1, 2), mode="sum"
    )
    return mixed.view(x.mT.shape).mT


def _rows(x, index):
    """Numbers of time points among those of all records."""
    kind = torch.int32 if x.numel() < 2**31 else torch.int64
    first = torch.arange(len(x), device=x.device, dtype=kind)[:, None] * x.shape[2]
    return index.to(kind) + first


def _zero_windows(x, first, stop, width, generator):
    """Zero windows at random places in the parts from ``first`` to ``stop`` of each record.

    The three have the shape (n_records, n_parts), or (1, n_parts) for the same parts in all.
    Parts do not overlap.
    """
    n_records, _, n_times = x.shape
    uniform = torch.rand(
        n_records, first.shape[1], generator=generator, device=x.device, dtype=torch.float64
    )
    places = (stop - first - width + 1).clamp(min=1)
    start = first + (uniform * places).long()
    # +1 where a window starts and -1 where it ends sum up to 1 inside.
    steps = torch.zeros(n_records, n_times + 1, dtype=torch.int32, device=x.device)
    steps.scatter_add_(1, start, torch.ones_like(start, dtype=torch.int32))
    steps.scatter_add_(1, start + width, -torch.ones_like(start, dtype=torch.int32))
    keep = 1 - steps.cumsum(1, dtype=torch.int32)[:, None, :-1]
    return x * keep.to(x.dtype)


def _add_waves(x, waves, scale, generator):
    """Add sinusoids of ``waves`` (n_records, n_waves), in cycles per time point, to each record.

    Phases are drawn for each record, amplitudes up to ``scale`` for each lead.
    """
    draw = {"generator": generator, "device": x.device, "dtype": torch.float64}
    phase = torch.rand(waves.shape, **draw)
    amplitude = scale * (2 * torch.rand(*waves.shape, x.shape[1], **draw) - 1)
    time = torch.arange(x.shape[2], device=x.device)
    turns = waves[:, None] * time[:, None] + phase[:, None]
    values = torch.sin(2 * math.pi * (turns % 1).to(x.dtype))  # (n_records, n_times, n_waves)
    amplitude = amplitude.to(x.dtype)
    if _time_before_leads(x):
        return torch.baddbmm(x.mT, values, amplitude).mT
    return torch.baddbmm(x, amplitude.mT, values.mT)


def _check_frequency(name, frequency, sampling_rate):
    if frequency > sampling_rate / 2:
        raise ValueError(
            f"{name}={frequency} Hz is above half of sampling_rate={sampling_rate} Hz. Records at "
            "this rate cannot hold it; pass a lower frequency."
        )
