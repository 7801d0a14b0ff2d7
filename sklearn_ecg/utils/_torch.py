"""Devices, random state and tensors of torch."""

import threading
from contextlib import contextmanager

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
