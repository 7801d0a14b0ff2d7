"""Random views of signals, made for a whole batch at once.

A view is a callable: it takes a tensor (batch, leads, time) and returns one of the same shape.
Training draws from torch's generator, which the estimator's ``random_state`` seeds; elsewhere pass
a ``torch.Generator``. Views act on normalised signals, so amplitudes are in standard deviations
unless ``normalize=None``.
"""

from numbers import Real

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

__all__ = ["AmplitudeScale", "GaussianNoise", "LeadDropout", "TemporalShift"]


class _View(BaseEstimator):
    """Checks its parameters, then calls `_view`; all leads and time points of a record differ
    from the original by one random draw per record unless a view says otherwise."""

    def __call__(self, x, generator=None):
        """Make a view of a batch.

        Parameters
        ----------
        x : tensor of shape (n_records, n_leads, n_times)
        generator : torch.Generator, default=None
            On the device of ``x``. None is torch's global generator.

        Returns
        -------
        view : tensor of shape (n_records, n_leads, n_times)
        """
        self._validate_params()
        return self._view(x, generator)


class TemporalShift(_View):
    """Shift each record in time, all leads together.

    What leaves on one side comes back on the other. Values never change, only their places.

    Parameters
    ----------
    max_shift : float, default=0.5
        Largest shift to either side, in seconds, >= 0.
    sampling_rate : float, default=100
        In Hz.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import TemporalShift
    >>> x = torch.arange(6.0).reshape(1, 1, 6)
    >>> shift = TemporalShift(max_shift=0.02, sampling_rate=100)
    >>> shift(x, torch.Generator().manual_seed(0))
    tensor([[[2., 3., 4., 5., 0., 1.]]])
    """

    _parameter_constraints = {
        "max_shift": [Interval(Real, 0, None, closed="left")],
        "sampling_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, max_shift=0.5, *, sampling_rate=100):
        self.max_shift = max_shift
        self.sampling_rate = sampling_rate

    def _view(self, x, generator):
        largest = round(self.max_shift * self.sampling_rate)
        n_records, _, n_times = x.shape
        shift = torch.randint(
            -largest, largest + 1, (n_records, 1), generator=generator, device=x.device
        )
        index = (torch.arange(n_times, device=x.device) + shift) % n_times
        # Gathered with time before leads, the memory order of training batches.
        record = torch.arange(n_records, device=x.device)[:, None]
        return x.transpose(1, 2)[record, index].transpose(1, 2)


class AmplitudeScale(_View):
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

    _parameter_constraints = {"max_change": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, max_change=0.2):
        self.max_change = max_change

    def _view(self, x, generator):
        uniform = torch.rand(len(x), 1, 1, generator=generator, device=x.device, dtype=x.dtype)
        return x * (1 + self.max_change * (2 * uniform - 1))


class GaussianNoise(_View):
    """Add white noise, drawn anew for every lead and time point.

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

    _parameter_constraints = {"scale": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, scale=0.05):
        self.scale = scale

    def _view(self, x, generator):
        noise = torch.empty_like(x).normal_(0, 1, generator=generator)
        return x + self.scale * noise


class LeadDropout(_View):
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

    _parameter_constraints = {"probability": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, probability=0.1):
        self.probability = probability

    def _view(self, x, generator):
        draw = torch.rand(x.shape[:2], generator=generator, device=x.device)
        # The lead with the largest draw stays whatever the probability.
        stays = (draw >= self.probability) | (draw == draw.amax(dim=1, keepdim=True))
        return x * stays[:, :, None].to(x.dtype)
