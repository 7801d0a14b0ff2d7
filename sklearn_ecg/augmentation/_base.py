"""Base class of all transforms, and the transforms that combine others."""

from functools import cache
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, make_constraint

from ..utils._documentation_links import DocumentationLinkMixin
from ..utils._torch import as_tensor

FRACTION = [Interval(Real, 0, 1, closed="both")]
NON_NEGATIVE = [Interval(Real, 0, None, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]

SIGNALS_SHAPE = "(n_records, n_leads, n_times)"
IMAGES_SHAPE = "(n_images, n_channels, height, width)"


class Augmentation(DocumentationLinkMixin, BaseEstimator):
    """Base class of the transforms.

    A call checks the parameters and arguments and then calls ``_transform(x, peaks, generator)``
    with tensors, which returns new signals or images, and the R-peaks, or None if none are given.
    """

    #: Whether the transform uses the positions of the R-peaks.
    needs_peaks = False
    #: Shapes of ``x`` that the transform accepts.
    _shapes = (SIGNALS_SHAPE,)

    def __call__(self, x, peaks=None, *, random_state=None):
        """Transform a batch.

        Parameters
        ----------
        x : tensor or ndarray of shape (n_records, n_leads, n_times), floating
            Signals, which are not changed. A tensor may be on any device. Transforms of images take
            images of shape (n_images, n_channels, height, width).
        peaks : tensor or ndarray of shape (n_records, n_peaks_max), floating, default=None
            R-peaks in time points, in ascending order, with NaN after the last one. See
            `pad_peaks`.
        random_state : int, torch.Generator or None, default=None
            A generator must be on the device of ``x``. None uses torch's global generator, which
            the estimators seed. Otherwise the global generator is not used.

        Returns
        -------
        transformed : tensor or ndarray of the shape of x
            Transformed signals or images, of the type, dtype and memory order of ``x``.
        peaks : tensor or ndarray of shape (n_records, n_peaks_max)
            New positions of the R-peaks; those outside the record are NaN. Only returned if
            ``peaks`` is given.

        Raises
        ------
        ValueError
            If a parameter is invalid, or an argument has the wrong type, shape or dtype.
        """
        if not _has_valid_parameters(self):
            self._validate_params()  # explains what is wrong
        batch = _check_float_batch(x, "x", self._shapes)
        new_peaks = None
        if peaks is not None:
            if batch.ndim != SIGNALS_SHAPE.count(",") + 1:
                raise ValueError("peaks belong to signals, but x holds images. Pass peaks=None.")
            new_peaks = _check_float_batch(peaks, "peaks", ("(n_records, n_peaks_max)",))
            new_peaks = new_peaks.to(batch.device)
            if len(new_peaks) != len(batch):
                raise ValueError(
                    f"peaks has {len(new_peaks)} rows, but x has {len(batch)} records."
                )
        generator = _check_generator(random_state, batch.device)
        transformed, new_peaks = self._transform(batch, new_peaks, generator)
        transformed = transformed.numpy() if isinstance(x, np.ndarray) else transformed
        if peaks is None:
            return transformed
        return transformed, new_peaks.cpu().numpy() if isinstance(peaks, np.ndarray) else new_peaks


class Compose(Augmentation):
    """Apply several transforms in order.

    R-peaks and the random generator are passed from one transform to the next. The estimators
    compose the transforms of their ``augmentation`` parameter.

    Parameters
    ----------
    transforms : callable or list of callables
        Transforms of this module, or functions that take a tensor of shape
        (n_records, n_leads, n_times) and return one of the same shape. Functions draw from torch's
        global generator, whatever ``random_state`` is, and cannot be used when R-peaks are passed.
        Other objects with the attribute ``needs_peaks`` are called like the transforms of this
        module.

    Attributes
    ----------
    needs_peaks : bool
        Whether one of the transforms uses the positions of the R-peaks.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import Compose, GaussianNoise, TemporalShift
    >>> transform = Compose([TemporalShift(0.3, sampling_rate=100), GaussianNoise(0.05)])
    >>> transform(torch.zeros(2, 12, 1000), random_state=0).shape
    torch.Size([2, 12, 1000])
    """

    _parameter_constraints = {"transforms": [callable, list, tuple]}
    _shapes = (SIGNALS_SHAPE, IMAGES_SHAPE)

    def __init__(self, transforms):
        self.transforms = transforms

    @property
    def needs_peaks(self):
        return any(getattr(transform, "needs_peaks", False) for transform in self._as_list())

    def _as_list(self):
        return [self.transforms] if callable(self.transforms) else list(self.transforms)

    def _transform(self, x, peaks, generator):
        for transform in self._as_list():
            x, peaks = _apply_transform(transform, x, peaks, generator)
        return x, peaks


class RandomApply(Augmentation):
    """Apply a transform to randomly drawn records and leave the others unchanged.

    Parameters
    ----------
    transform : callable
        A transform of this module, or another callable that `Compose` accepts.
    probability : float, default=0.5
        Probability that a record is transformed, in [0, 1].

    Attributes
    ----------
    needs_peaks : bool
        Whether the transform uses the positions of the R-peaks.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import AmplitudeScale, RandomApply
    >>> transform = RandomApply(AmplitudeScale(0.2), probability=0.5)
    >>> transform(torch.ones(4, 1, 1), random_state=0).flatten()
    tensor([0.9230, 1.0000, 0.9960, 1.1586])
    """

    _parameter_constraints = {"transform": [callable], "probability": FRACTION}
    _shapes = (SIGNALS_SHAPE, IMAGES_SHAPE)

    def __init__(self, transform, *, probability=0.5):
        self.transform = transform
        self.probability = probability

    @property
    def needs_peaks(self):
        return getattr(self.transform, "needs_peaks", False)

    def _transform(self, x, peaks, generator):
        chosen = torch.rand(len(x), generator=generator, device=x.device) < self.probability
        transformed, new_peaks = _apply_transform(self.transform, x, peaks, generator)
        if peaks is not None:
            peaks = torch.where(chosen[:, None], new_peaks, peaks)
        return torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), transformed, x), peaks


@cache
def _constraints_by_parameter(cls):
    """Return the names of the parameters of a class, each with its constraints."""
    return [
        (name, [make_constraint(constraint) for constraint in constraints])
        for name, constraints in cls._parameter_constraints.items()
    ]


def _has_valid_parameters(transform):
    """Return whether the parameters of a transform are valid, in a tenth of scikit-learn's time."""
    return all(
        any(constraint.is_satisfied_by(getattr(transform, name)) for constraint in constraints)
        for name, constraints in _constraints_by_parameter(type(transform))
    )


def check_sampling_rate_given(transform, reason):
    """Raise an error if a transform that needs ``sampling_rate`` has none."""
    if transform.sampling_rate is None:
        name = type(transform).__name__
        raise ValueError(
            f"{name} needs sampling_rate: {reason}. Pass the number of time points per second (Hz) "
            f"of your records, for example {name}(sampling_rate=500)."
        )


def check_rates_of_transforms(transform, sampling_rate, *, name):
    """Raise if a transform, or one inside it, is for another sampling rate than the records.

    Parameters
    ----------
    transform : callable or None
    sampling_rate : float or None
        Of the records in Hz. None is unknown.
    name : str
        Name of the estimator, for the error message.
    """
    for inner in _iter_transforms(transform):
        rate = getattr(inner, "sampling_rate", None)
        if None in (rate, sampling_rate) or abs(rate - sampling_rate) <= 1e-9 * sampling_rate:
            continue
        raise ValueError(
            f"{type(inner).__name__} in the augmentation has sampling_rate={rate!r}, but the "
            f"records that {name} is fitted on have {sampling_rate!r} Hz. Pass "
            f"{type(inner).__name__}(sampling_rate={sampling_rate!r})."
        )


def _iter_transforms(transform):
    """Yield a transform and all transforms inside it."""
    if isinstance(transform, (list, tuple)):
        for inner in transform:
            yield from _iter_transforms(inner)
        return
    yield transform
    for attribute in ("transforms", "transform"):
        inner = getattr(transform, attribute, None)
        if inner is not None and not isinstance(transform, type):
            yield from _iter_transforms(inner)


def is_stored_time_first(x):
    """Return whether ``x`` is contiguous as (batch, time, leads), like training batches."""
    return x.mT.is_contiguous() and not x.is_contiguous()


def _check_float_batch(values, name, shapes):
    """Convert an array or tensor to a tensor; ``shapes`` are the allowed shapes as strings."""
    allowed = " or ".join(shapes)
    if not isinstance(values, (np.ndarray, torch.Tensor)):
        raise ValueError(
            f"{name} must be a tensor or an ndarray of shape {allowed}, got "
            f"{type(values).__name__}."
        )
    if values.ndim not in [shape.count(",") + 1 for shape in shapes]:
        raise ValueError(
            f"{name} must have the shape {allowed}, got {tuple(values.shape)}. For a single record "
            f"pass {name}[None]."
        )
    if str(values.dtype).removeprefix("torch.") not in ("float32", "float64"):
        raise ValueError(
            f"{name} must be float32 or float64, got {values.dtype}. Convert it, for example to "
            f"float32{', and divide it by 255' if 'uint8' in str(values.dtype) else ''}."
        )
    if isinstance(values, torch.Tensor):
        return values
    return as_tensor(values if min(values.strides) >= 0 else values.copy())


def _check_generator(random_state, device):
    """Return the generator for ``random_state``; None stands for torch's global generator."""
    if random_state is None:
        return None
    if isinstance(random_state, Integral):
        return torch.Generator(device).manual_seed(int(random_state))
    if not isinstance(random_state, torch.Generator):
        raise ValueError(
            f"random_state must be an int, a torch.Generator or None, got {random_state!r}."
        )
    if random_state.device.type != device.type:
        raise ValueError(
            f"random_state is a generator on {random_state.device}, but x is on {device}. "
            f"Create it with torch.Generator({device.type!r})."
        )
    return random_state


def _apply_transform(transform, x, peaks, generator):
    """Call a transform of this module, or a function of signals."""
    if hasattr(transform, "needs_peaks"):
        result = transform(x, peaks, random_state=generator)
        after, peaks = (result, None) if peaks is None else result
    elif not callable(transform):
        raise ValueError(
            "A transform, in transforms= or an estimator's augmentation=, must be callable, got "
            f"{transform!r}."
        )
    elif peaks is not None:
        raise ValueError(
            f"{transform!r} is a function of signals only, so it is unknown how it moves R-peaks. "
            "Call it without peaks, or use an object with the attribute needs_peaks that is called "
            "with the arguments (x, peaks, random_state)."
        )
    else:
        after = transform(x)
    if not isinstance(after, torch.Tensor):
        raise ValueError(
            f"{transform!r} returned {type(after).__name__}. A transform must return a batch: a "
            "tensor of the shape of the one that it is given."
        )
    if after.shape != x.shape:
        raise ValueError(
            f"{transform!r} changed the shape of a batch from {tuple(x.shape)} to "
            f"{tuple(after.shape)}. A transform must preserve the shape of a batch."
        )
    # A function may have computed in another dtype.
    return after.to(x.dtype), peaks
