"""What all views share, and what combines them."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ..utils._torch import as_tensor

SHARE = [Interval(Real, 0, 1, closed="both")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]

SIGNALS = "(n_records, n_leads, n_times)"
IMAGES = "(n_images, n_channels, height, width)"


class View(BaseEstimator):
    """Checks parameters and arguments, then calls ``_view(x, peaks, generator)`` on tensors.

    `_view` returns new signals and, None where none are given, the peaks.
    """

    #: Whether the view asks where the R-peaks are.
    needs_peaks = False
    #: What it takes.
    _shapes = (SIGNALS,)

    def __call__(self, x, peaks=None, random_state=None):
        """Make a view of a batch.

        Parameters
        ----------
        x : tensor or ndarray of shape (n_records, n_leads, n_times), floating
            Not changed. A tensor may be on any device. Views of images take images of shape
            (n_images, n_channels, height, width).
        peaks : tensor or ndarray of shape (n_records, n_peaks_max), floating, default=None
            R-peaks in time points, ascending, NaN behind the last one: see `pad_peaks`.
        random_state : int, torch.Generator or None, default=None
            A generator has to be on the device of ``x``. None is torch's global generator,
            which the estimators seed; otherwise the global one is not touched.

        Returns
        -------
        view : tensor or ndarray of the shape of x
            What ``x`` is, in its dtype and its memory order.
        peaks : tensor or ndarray of shape (n_records, n_peaks_max)
            The R-peaks where they are now, NaN in place of those that left the record. Only
            when ``peaks`` is given.

        Raises
        ------
        ValueError
            If a parameter is out of range, or an argument has another form.
        """
        self._validate_params()
        signals = _floats(x, "x", self._shapes)
        moved = None
        if peaks is not None:
            if signals.ndim != SIGNALS.count(",") + 1:
                raise ValueError("peaks belong to signals, but x holds images. Pass peaks=None.")
            moved = _floats(peaks, "peaks", ("(n_records, n_peaks_max)",)).to(signals.device)
            if len(moved) != len(signals):
                raise ValueError(f"peaks has {len(moved)} rows, but x has {len(signals)} records.")
        view, moved = self._view(signals, moved, _generator(random_state, signals.device))
        view = view.numpy() if isinstance(x, np.ndarray) else view
        if peaks is None:
            return view
        return view, moved.cpu().numpy() if isinstance(peaks, np.ndarray) else moved


class Compose(View):
    """Apply views in order; R-peaks and one source of random numbers travel through them.

    The estimators make one of their parameter ``augmentation``.

    Parameters
    ----------
    views : callable or list of callables
        Views of this module, or functions of a tensor (n_records, n_leads, n_times) that return
        one of the same shape. A function draws from torch's global generator, whatever
        ``random_state`` is. Where R-peaks are passed, it cannot say how it moves them and raises;
        an object with the attribute ``needs_peaks`` is called as the views here are.

    Attributes
    ----------
    needs_peaks : bool
        Whether one of the views asks where the R-peaks are.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import Compose, GaussianNoise, TemporalShift
    >>> views = Compose([TemporalShift(0.3), GaussianNoise(0.05)])
    >>> views(torch.zeros(2, 12, 1000), random_state=0).shape
    torch.Size([2, 12, 1000])
    """

    _parameter_constraints = {"views": [callable, list, tuple]}
    _shapes = (SIGNALS, IMAGES)

    def __init__(self, views):
        self.views = views

    @property
    def needs_peaks(self):
        return any(getattr(view, "needs_peaks", False) for view in self._list())

    def _list(self):
        return [self.views] if callable(self.views) else list(self.views)

    def _view(self, x, peaks, generator):
        for view in self._list():
            x, peaks = _apply(view, x, peaks, generator)
        return x, peaks


class RandomApply(View):
    """Apply a view to some records, drawn at random, and leave the others as they are.

    Parameters
    ----------
    view : callable
        A view of this module, or what else `Compose` takes.
    probability : float, default=0.5
        Of each record; in [0, 1].

    Attributes
    ----------
    needs_peaks : bool
        Whether the view asks where the R-peaks are.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.augmentation import AmplitudeScale, RandomApply
    >>> sometimes = RandomApply(AmplitudeScale(0.2), probability=0.5)
    >>> sometimes(torch.ones(4, 1, 1), random_state=0).flatten()
    tensor([0.9230, 1.0000, 0.9960, 1.1586])
    """

    _parameter_constraints = {"view": [callable], "probability": SHARE}
    _shapes = (SIGNALS, IMAGES)

    def __init__(self, view, probability=0.5):
        self.view = view
        self.probability = probability

    @property
    def needs_peaks(self):
        return getattr(self.view, "needs_peaks", False)

    def _view(self, x, peaks, generator):
        chosen = torch.rand(len(x), generator=generator, device=x.device) < self.probability
        view, moved = _apply(self.view, x, peaks, generator)
        if peaks is not None:
            peaks = torch.where(chosen[:, None], moved, peaks)
        return torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), view, x), peaks


def _floats(values, name, shapes):
    """A tensor over an array or a tensor, checked; ``shapes`` are those it may have, in words."""
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
            "float32."
        )
    if isinstance(values, torch.Tensor):
        return values
    return as_tensor(values if min(values.strides) >= 0 else values.copy())


def _generator(random_state, device):
    """The generator for ``random_state``; None is torch's global one."""
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
            f"Make it with torch.Generator({device.type!r})."
        )
    return random_state


def _apply(view, x, peaks, generator):
    """Call a view of this module, or a function of signals alone."""
    if hasattr(view, "needs_peaks"):
        result = view(x, peaks, generator)
        after, peaks = (result, None) if peaks is None else result
    elif not callable(view):
        raise ValueError(
            f"A view, in views= or an estimator's augmentation=, must be callable, got {view!r}."
        )
    elif peaks is not None:
        raise ValueError(
            f"{view!r} is a function of signals alone: how it moves R-peaks is unknown. Call it "
            "without peaks, or give it the attribute needs_peaks and the arguments "
            "(x, peaks, random_state)."
        )
    else:
        after = view(x)
    if after.shape != x.shape:
        raise ValueError(
            f"{view!r} changed the shape of a batch from {tuple(x.shape)} to "
            f"{tuple(after.shape)}. A view must return a batch of the shape that it was given."
        )
    return after, peaks
