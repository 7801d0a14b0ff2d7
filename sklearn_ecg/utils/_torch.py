"""Devices, random state and tensors of torch."""

import copy
import threading
from contextlib import contextmanager

import numpy as np
import torch

_GENERATOR_LOCK = threading.RLock()


def resolve_device(device):
    """The torch device for ``device``; "auto" is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError
        When the device is unknown or not available on this machine.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} cannot be used on this machine ({error}). "
            "Pass device='auto' or device='cpu'."
        ) from error
    return resolved


@contextmanager
def seeded(seed, device):
    """Seed torch inside the block; its global random state comes out as it went in.

    torch has one global generator per device, so threads take turns.
    """
    with _GENERATOR_LOCK, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # torch.manual_seed would seed the generators of all GPUs, which are not restored.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def as_tensor(array):
    """A tensor over the memory of an array; torch cannot view a read-only one, which is copied."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def store_module(module):
    """A module without its values, and these as arrays, for a pickle that depends on content only.

    A tensor's own pickle differs between equal tensors, so that caches that hash estimators, such
    as those of `joblib.Memory`, would never find one again.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    values = {name: np.array(t.detach().cpu().numpy(), order="C") for name, t in tensors}
    return copy.deepcopy(module).to("meta"), values


def restore_module(skeleton, values, device="cpu"):
    """The module of `store_module`, on a device."""
    module = skeleton.to_empty(device=device)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            tensor.copy_(torch.from_numpy(values[name]))
    return module
