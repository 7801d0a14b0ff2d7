"""Helpers for torch: devices, random state and conversion to and from arrays."""

import copy
import threading
from contextlib import contextmanager

import numpy as np
import torch

_GENERATOR_LOCK = threading.RLock()


def resolve_device(device):
    """Return the torch device; "auto" is CUDA if it is available, otherwise the CPU.

    Raises
    ------
    ValueError
        If the device is unknown or not available.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} is not available ({error}). Pass device='auto' or device='cpu'."
        ) from error
    return resolved


@contextmanager
def seeded(seed, device):
    """Seed torch inside the block, and restore its global random state afterwards.

    torch has one global generator per device, so only one thread at a time can be in the block.
    """
    with _GENERATOR_LOCK, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # torch.manual_seed would also seed the generators of other GPUs, which are not restored.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def as_tensor(array):
    """Return a tensor that shares the memory of an array, or of a copy if it is read-only."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def module_to_arrays(module):
    """Return a module without values, and a dict of its values as arrays, for pickling.

    The pickles of equal tensors differ, so caches that hash estimators, such as `joblib.Memory`,
    would never recognize an estimator. The pickles of arrays depend on their content only.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    values = {name: np.array(t.detach().cpu().numpy(), order="C") for name, t in tensors}
    return copy.deepcopy(module).to("meta"), values


def arrays_to_module(skeleton, values, device="cpu"):
    """Return the module on a device, from what `module_to_arrays` returned."""
    module = skeleton.to_empty(device=device)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            tensor.copy_(torch.from_numpy(values[name]))
    return module
