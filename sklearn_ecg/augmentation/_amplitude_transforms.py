"""Random transforms of signals that change amplitudes: scaling, noise and lead dropout."""

import math
from numbers import Real

import torch

from ._base import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    Augmentation,
    check_sampling_rate_given,
    is_stored_time_first,
)


class AmplitudeScale(Augmentation):
    """Multiply each record by a random factor, which preserves the ratios between leads.

    Parameters
    ----------
    max_change : float, default=0.2
        Largest relative change, in [0, 1]. Factors are uniform in
        ``[1 - max_change, 1 + max_change]``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import AmplitudeScale
    >>> scaled = AmplitudeScale(0.2)(torch.ones(3, 12, 1000))
    >>> bool(((scaled >= 0.8) & (scaled <= 1.2)).all())
    True
    """

    _parameter_constraints = {"max_change": FRACTION}

    def __init__(self, max_change=0.2):
        self.max_change = max_change

    def _transform(self, x, peaks, generator):
        uniform = torch.rand(len(x), 1, 1, generator=generator, device=x.device, dtype=x.dtype)
        return x * (1 + self.max_change * (2 * uniform - 1)), peaks


class GaussianNoise(Augmentation):
    """Add white noise, drawn independently for every lead and time point.

    Parameters
    ----------
    scale : float, default=0.05
        Standard deviation in the units of the signals, >= 0.

    Notes
    -----
    Numbers are drawn in the memory order of ``x``, which is several times as fast as in another
    order. With the same seed, batches in different memory orders get different noise.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import GaussianNoise
    >>> noise = GaussianNoise(0.05)(torch.zeros(10, 12, 1000))
    >>> round(float(noise.std()), 3)
    0.05
    """

    _parameter_constraints = {"scale": NON_NEGATIVE}

    def __init__(self, scale=0.05):
        self.scale = scale

    def _transform(self, x, peaks, generator):
        stored = x.mT if is_stored_time_first(x) else x
        noise = torch.empty(stored.shape, dtype=x.dtype, device=x.device)
        noisy = noise.normal_(0, self.scale, generator=generator).add_(stored)
        return noisy if stored is x else noisy.mT, peaks


class PowerlineNoise(Augmentation):
    """Add power-line interference, a sinusoid.

    Frequency and phase are drawn for each record. The amplitude is drawn for each lead, because
    the interference differs between electrodes; a negative amplitude reverses the phase. No value
    changes by more than ``scale``.

    Parameters
    ----------
    scale : float, default=0.1
        Largest amplitude in the units of the signals, >= 0. Amplitudes are uniform in
        ``[-scale, scale]``.
    frequency : float or tuple of float, default=50
        Frequency in Hz, at most half the sampling rate. From several, one is drawn for each record.
    sampling_rate : float, default=None
        Sampling rate of the records in Hz. Required.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import PowerlineNoise
    >>> add_noise = PowerlineNoise(0.1, frequency=(50, 60), sampling_rate=500)
    >>> noise = add_noise(torch.zeros(2, 12, 5000))
    >>> noise.shape, bool(noise.abs().max() <= 0.1)
    (torch.Size([2, 12, 5000]), True)
    >>> PowerlineNoise(0.1, frequency=60, sampling_rate=100)(torch.zeros(2, 12, 1000))
    Traceback (most recent call last):
        ...
    ValueError: frequency=60 Hz is above half of sampling_rate=100 Hz. ...
    """

    _parameter_constraints = {
        "scale": NON_NEGATIVE,
        "frequency": [*POSITIVE, tuple, list],
        "sampling_rate": [*POSITIVE, None],
    }

    def __init__(self, scale=0.1, *, frequency: float | tuple[float, ...] = 50, sampling_rate=None):
        self.scale = scale
        self.frequency = frequency
        self.sampling_rate = sampling_rate

    def _transform(self, x, peaks, generator):
        check_sampling_rate_given(self, "frequency is in Hz")
        choices = [self.frequency] if isinstance(self.frequency, Real) else self.frequency
        if not choices or not all(isinstance(f, Real) and f > 0 for f in choices):
            raise ValueError(
                f"frequency must be a number > 0 or a tuple of them, got {self.frequency!r}."
            )
        for choice in choices:
            _check_frequency("frequency", choice, self.sampling_rate)
        drawn = torch.randint(len(choices), (len(x), 1), generator=generator, device=x.device)
        # Filled rather than copied to a GPU, which would be waited for.
        frequency = torch.full(drawn.shape, choices[0], dtype=torch.float64, device=x.device)
        for number, choice in enumerate(choices):
            frequency.masked_fill_(drawn == number, choice)
        return _add_sinusoids(x, frequency / self.sampling_rate, self.scale, generator), peaks


class BaselineWander(Augmentation):
    """Add a slow wave, as caused by breathing or moving electrodes: a sum of three sinusoids.

    Frequencies and phases are drawn for each record, amplitudes for each lead. No value changes by
    more than ``scale``.

    Parameters
    ----------
    scale : float, default=0.3
        Bound of the wave in the units of the signals, >= 0. Each of the three amplitudes is uniform
        in ``[-scale / 3, scale / 3]``.
    max_frequency : float, default=0.5
        Largest frequency in Hz, at most half the sampling rate. Frequencies are uniform in
        ``[0, max_frequency]``.
    sampling_rate : float, default=None
        Sampling rate of the records in Hz. Required.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import BaselineWander
    >>> wave = BaselineWander(0.3, sampling_rate=100)(torch.zeros(2, 12, 1000))
    >>> bool(wave.abs().max() <= 0.3), bool(wave.diff().abs().max() < 0.01)
    (True, True)
    """

    _parameter_constraints = {
        "scale": NON_NEGATIVE,
        "max_frequency": POSITIVE,
        "sampling_rate": [*POSITIVE, None],
    }
    _N_SINUSOIDS = 3

    def __init__(self, scale=0.3, *, max_frequency=0.5, sampling_rate=None):
        self.scale = scale
        self.max_frequency = max_frequency
        self.sampling_rate = sampling_rate

    def _transform(self, x, peaks, generator):
        check_sampling_rate_given(self, "max_frequency is in Hz")
        _check_frequency("max_frequency", self.max_frequency, self.sampling_rate)
        uniform = torch.rand(
            len(x), self._N_SINUSOIDS, generator=generator, device=x.device, dtype=torch.float64
        )
        frequency = uniform * self.max_frequency / self.sampling_rate
        return _add_sinusoids(x, frequency, self.scale / self._N_SINUSOIDS, generator), peaks


class LeadDropout(Augmentation):
    """Set each lead to zero with a given probability, but never all leads of a record.

    Parameters
    ----------
    probability : float, default=0.1
        Probability that a lead is set to zero, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import LeadDropout
    >>> LeadDropout(1.0)(torch.ones(2, 12, 5)).sum(dim=(1, 2))
    tensor([5., 5.])
    """

    _parameter_constraints = {"probability": FRACTION}

    def __init__(self, probability=0.1):
        self.probability = probability

    def _transform(self, x, peaks, generator):
        draw = torch.rand(x.shape[:2], generator=generator, device=x.device)
        # The lead with the largest draw is kept whatever the probability.
        kept = (draw >= self.probability) | (draw == draw.amax(dim=1, keepdim=True))
        return x * kept[:, :, None].to(x.dtype), peaks


def _add_sinusoids(x, frequency, scale, generator):
    """Add sinusoids of ``frequency`` (n_records, n_sinusoids), in cycles per time point.

    Phases are drawn for each record, amplitudes up to ``scale`` for each lead.
    """
    draw = {"generator": generator, "device": x.device, "dtype": torch.float64}
    phase = torch.rand(frequency.shape, **draw)
    amplitude = scale * (2 * torch.rand(*frequency.shape, x.shape[1], **draw) - 1)
    time = torch.arange(x.shape[2], device=x.device)
    cycles = frequency[:, None] * time[:, None] + phase[:, None]
    values = torch.sin(2 * math.pi * (cycles % 1).to(x.dtype))  # (n_records, n_times, n_sinusoids)
    amplitude = amplitude.to(x.dtype)
    if is_stored_time_first(x):
        return torch.baddbmm(x.mT, values, amplitude).mT
    return torch.baddbmm(x, amplitude.mT, values.mT)


def _check_frequency(name, frequency, sampling_rate):
    if frequency > sampling_rate / 2:
        raise ValueError(
            f"{name}={frequency} Hz is above half of sampling_rate={sampling_rate} Hz. Signals at "
            "this rate cannot represent it; pass a lower frequency."
        )
