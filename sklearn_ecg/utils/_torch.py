"""Helpers for torch: devices, random state and the precision of numbers."""

import os
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache

import numpy as np
import torch

from ._torch_threads import after_fork, torch_threads


class _ProcessSettings:
    """float32 as the default dtype, and its full precision, while at least one thread needs them.

    GPUs also use convolutions whose results are equal bit for bit. These settings are those of the
    process. They are restored when the last thread leaves the block.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_users = 0
        self._of_program = None
        self.threads = set()

    def __enter__(self):
        with self._lock:
            self.threads.add(threading.get_ident())
            if self._n_users == 0:
                self._of_program = self._get()
                _, cudnn, precisions = self._of_program
                usual = torch.float32, cudnn and (True, False), dict.fromkeys(precisions, "ieee")
                self._change(self._of_program, usual)
            self._n_users += 1

    def __exit__(self, *error):
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._change(self._get(), self._of_program)

    def restore(self):
        """Restore the settings of the program."""
        if self._n_users:
            self._change(self._get(), self._of_program)

    def _get(self):
        cudnn = None
        if torch.backends.cuda.is_built():
            cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
        precisions = {part: part.fp32_precision for part in _backends()}
        return torch.get_default_dtype(), cudnn, precisions

    def _change(self, found, wanted):
        # Setting what is set already takes longer than the rest of a prediction's preparation.
        if found == wanted:
            return
        if found[0] != wanted[0]:
            torch.set_default_dtype(wanted[0])
        if found[1] != wanted[1]:
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = wanted[1]
        for part, precision in wanted[2].items():
            # "none" is full precision as well.
            if found[2][part] != precision and {found[2][part], precision} != {"none", "ieee"}:
                part.fp32_precision = precision


def _backends():
    """Return what has a precision of its own, where a shorter type can take the place of float32.

    On CPUs, this is bfloat16, and on GPUs TF32, which torch uses for convolutions by default: on an
    H100, embeddings then differed from those of the CPU by up to 0.008, and by 4e-6 without it.
    Older versions of torch have one setting for CPUs and GPUs, which is left to the program.
    """
    return _backends_of_build(torch.backends.cuda.is_built())


@cache
def _backends_of_build(has_cuda):
    owners = [torch.backends.mkldnn]
    if has_cuda:
        owners += [torch.backends.cudnn, torch.backends.cuda]
    found = [getattr(owner, name, None) for owner in owners for name in ("matmul", "conv", "rnn")]
    return [backend for backend in found if hasattr(backend, "fp32_precision")]


def _after_fork():
    """Prepare a forked process, in which only the thread that forked goes on.

    Locks of other threads would never be released. The threads of OpenMP are gone as well: if the
    thread that forked has computed with them, its next parallel computation would wait for them for
    ever. It computes on one thread, as the workers of `torch.utils.data.DataLoader` do.
    """
    global _SETTINGS, _GENERATOR_LOCK
    _SETTINGS.restore()
    has_computed = threading.get_ident() in _SETTINGS.threads
    if has_computed:
        torch.set_num_threads(1)
    after_fork(threading.get_ident() if has_computed else None)
    _SETTINGS, _GENERATOR_LOCK = _ProcessSettings(), threading.RLock()


_SETTINGS, _GENERATOR_LOCK = _ProcessSettings(), threading.RLock()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


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

    The settings of the calling program have no effect in the block, see `usual_settings`. torch has
    one global generator per device, so only one thread at a time can be in the block.
    """
    with (
        _GENERATOR_LOCK,
        usual_settings(device),
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
    ):
        # torch.manual_seed would also seed the generators of other GPUs, which are not restored.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def usual_settings(device, n_threads=None):
    """Compute as torch and NumPy do by default, whatever the calling program has set.

    These settings change results or raise errors: the default dtype and the default device of
    torch, the gradient and inference modes, autocast, the precision of matrix products and
    convolutions, the algorithms of convolutions on GPUs, and what NumPy does about floating-point
    errors. They are restored afterwards. `torch.use_deterministic_algorithms` remains that of the
    program.

    Parameters
    ----------
    device : torch.device
    n_threads : int or None, default=None
        See `torch_threads`. None keeps the number of threads of the program.
    """
    errors = np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
    with torch_threads(n_threads), _SETTINGS, _usual_modes(device), errors:
        yield


def _usual_modes(device):
    """Return a context in which the modes of torch are those that it starts with."""
    # Each of these takes as long as a small layer of a network, and most programs need none.
    modes = []
    if torch.empty(0).device.type != "cpu":
        modes.append(torch.device("cpu"))
    if torch.is_inference_mode_enabled():
        modes.append(torch.inference_mode(False))
    if not torch.is_grad_enabled():
        modes.append(torch.enable_grad())
    for kind in {"cpu", device.type}:
        if torch.is_autocast_enabled(kind):
            modes.append(torch.autocast(kind, enabled=False))
    return _entered(modes) if modes else nullcontext()


@contextmanager
def _entered(contexts):
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def as_tensor(array):
    """Return a tensor that shares the memory of an array, or of a copy if it is read-only.

    A tensor is returned as it is. Read-only memory maps and lazy records are passed in parts, so
    that a copy is small.
    """
    if isinstance(array, torch.Tensor):
        return array
    array = np.asarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def convert_module(module, dtype):
    """Convert the numbers of a module in place to float32 or float64, and complex ones likewise.

    Parameters
    ----------
    module : torch.nn.Module
    dtype : {torch.float32, torch.float64}

    Returns
    -------
    module : torch.nn.Module
    """
    if not any(t.is_complex() for t in [*module.parameters(), *module.buffers()]):
        return module.to(dtype)
    complex_dtype = torch.complex128 if dtype == torch.float64 else torch.complex64

    def convert(tensor):
        if tensor.is_complex():
            return tensor.to(complex_dtype)
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    # As Module.float and Module.double do; Module.to would drop the imaginary parts.
    return module._apply(convert)


def first_non_finite(module):
    """Return the name of the first weight, or BatchNorm statistic, with NaN or infinity, or None.

    Other buffers may contain infinity on purpose, such as the mask of an attention.
    """
    for name, parameter in module.named_parameters():
        if not torch.isfinite(parameter).all():
            return name
    for prefix, part in module.named_modules():
        if isinstance(part, torch.nn.modules.batchnorm._NormBase):
            for name, statistic in part.named_buffers():
                if not torch.isfinite(statistic).all():
                    return f"{prefix}.{name}"
    return None
