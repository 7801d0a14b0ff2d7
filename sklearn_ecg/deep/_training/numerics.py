"""Numerical trouble of the training: gradients, losses and memory."""

import math
from contextlib import contextmanager

import torch

_OUT_OF_MEMORY = "The GPU ran out of memory"


class DivergenceError(ValueError):
    """The training diverged."""


def clip_gradients(parameters, max_norm):
    """Scale gradients down to a total norm, and return the norm that they had.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
    max_norm : float or None
        Largest norm of all gradients together. None changes nothing.

    Returns
    -------
    norm : tensor
        Stays on the device, so that the GPU is not waited for.
    """
    parameters = [p for p in parameters if p.grad is not None]
    # No norm is greater than infinity, but the scale would be NaN if the norm is infinite: the
    # gradients are then useless in any case, and `check_step` raises.
    return torch.nn.utils.clip_grad_norm_(parameters, math.inf if max_norm is None else max_norm)


def check_step(loss, gradient_norm, prefix, where, learning_rate, mixed_precision):
    """Raise if the loss of a batch, or the norm of its gradient, is NaN or infinite.

    Parameters
    ----------
    loss, gradient_norm : float
    prefix : {"train", "valid"}
    where : str
        Epoch and batch, as in "in epoch 1, batch 2 of 3".
    learning_rate : float
    mixed_precision : bool
    """
    if math.isfinite(loss) and math.isfinite(gradient_norm):
        return
    if math.isfinite(loss):
        what = f"The gradient norm became {gradient_norm} {where}, where the loss is {loss:g}"
    else:
        what = f"The {prefix} loss became {loss} {where}"
    raise DivergenceError(f"{what}. {divergence_advice(learning_rate, mixed_precision)}")


def divergence_advice(learning_rate, mixed_precision):
    """Return the likely causes of a training that diverged, and what to change."""
    advice = (
        f"Likely causes are a learning_rate that is too large ({learning_rate:g} was given) and "
        "records with extreme values. Lower learning_rate, limit the gradients with "
        "gradient_clip=1.0, or check the units of X and the parameter normalize."
    )
    if mixed_precision:
        advice += (
            " precision='mixed' computes in bfloat16, which has 3 digits: try precision='float32'."
        )
    return advice


@contextmanager
def named_memory_errors(what, advice):
    """Add where the GPU ran out of memory, and what to change, to the error of torch.

    Parameters
    ----------
    what : callable
        Returns where it happened, as in "in epoch 1, batch 2 of 3".
    advice : str
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        if str(error).startswith(_OUT_OF_MEMORY):  # by a block inside of this one
            raise
        message = f"{_OUT_OF_MEMORY} {what()}. {advice} torch reports: {error}"
        raise type(error)(message) from error
