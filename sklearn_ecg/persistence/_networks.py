"""Networks of fitted estimators: weights by name, for the network that the parameters describe."""

import functools
import threading
from contextlib import contextmanager
from numbers import Real

import numpy as np
import torch
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import TorchDispatchMode

from ..deep._training import restored_net
from ..nn._normalizers import NORMALIZE, ImageNormalizer, LeadNormalizer
from ..utils._container import PersistenceError

#: Attributes that `describe_network` and `restore_network` replace. Trained callbacks are not kept.
NETWORK_ATTRIBUTES = ("net_", "normalizer_", "callbacks_")

# Larger numbers cannot describe a network: a list of as many layers would fill the memory.
_MAX_PARAMETER = 10**6
# Parameters that a network does not depend on, which may be larger.
_NOT_OF_NETWORKS = {"batch_size", "class_weight", "max_epochs", "n_iter_no_change", "unlabeled"}
_NOT_OF_NETWORKS |= {"augmentation", "callbacks", "encoder", "random_state", "verbose"}
_NOT_OF_NETWORKS |= {"checkpoint", "checkpoint_every"}

# Numbers that building a network may allocate besides its weights: two records for networks that
# are called when they are built.
_SPARE_NUMBERS = 2**23


def is_deep(estimator):
    """Return whether an estimator owns a network."""
    return type(estimator).__module__.startswith("sklearn_ecg.deep.")


def describe_network(estimator, where):
    """Return the state of the network of a fitted estimator, as arrays and plain values."""
    _check_sizes(estimator, where)
    if estimator.callbacks:
        raise PersistenceError(
            f"{where} has callbacks={estimator.callbacks!r}, which cannot be saved. They only act "
            "in fit: set them to None with set_params(callbacks=None)."
        )
    net, normalizer = estimator.net_, estimator.normalizer_
    module = net.module_
    state = {}
    for name, value in module.state_dict().items():
        state[name] = _to_array(value, f"{where}.net_.module_.{name}")
    names = ("mode", "leads", "n_leads_out") if hasattr(normalizer, "leads") else ()
    names = names or ("mode", "size", "n_channels")
    return {
        "weights": state,
        "frozen": [name for name, p in module.named_parameters() if not p.requires_grad],
        "device": str(net.device),
        "mixed_precision": bool(net.mixed_precision),
        "normalizer": {
            "class": type(normalizer).__name__,
            **{name: getattr(normalizer, name) for name in names},
            "mean": normalizer.mean.cpu().numpy(),
            "scale": normalizer.scale.cpu().numpy(),
        },
    }


def _check_sizes(estimator, where):
    """Raise if a parameter of the network is too large to be the size of anything."""
    params = {name: getattr(estimator, name) for name in estimator._get_param_names()}
    values = [value for name, value in params.items() if name not in _NOT_OF_NETWORKS]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, (list, tuple)):
            values += value
        elif isinstance(value, np.ndarray):
            values += value.ravel().tolist()
        elif isinstance(value, functools.partial):
            values += [*value.args, *value.keywords.values()]
        elif isinstance(value, Real) and not abs(value) <= _MAX_PARAMETER:
            raise PersistenceError(
                f"{where} has a parameter of {value!r}, more than {_MAX_PARAMETER}, which no "
                "network is built with when a file is loaded."
            )


def _to_array(value, where):
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
        raise PersistenceError(f"{where} is not a dense tensor, so that it cannot be saved.")
    value = value.detach().cpu()
    if value.is_complex():
        return {"complex": np.ascontiguousarray(torch.view_as_real(value.resolve_conj()).numpy())}
    if value.dtype == torch.bfloat16:  # which networks of the estimators do not have
        raise PersistenceError(f"{where} is in bfloat16, which cannot be saved.")
    return np.array(value.contiguous().numpy())


def _to_tensor(value):
    if not isinstance(value, dict):
        return torch.from_numpy(np.array(value))
    ((kind, array),) = value.items()
    if kind == "complex":
        return torch.view_as_complex(torch.from_numpy(np.array(array)))
    raise PersistenceError(f"a weight is of the unknown kind {str(kind)[:40]!r}")


def restore_network(estimator, description):
    """Set the network of an estimator whose other attributes are set.

    The network is built from the parameters, as `fit` does, with bounded memory, and then gets the
    weights.
    """
    _check_sizes(estimator, type(estimator).__name__)
    weights = {name: _to_tensor(value) for name, value in description["weights"].items()}
    n_numbers = sum(weight.numel() for weight in weights.values())
    estimator.normalizer_ = _restore_normalizer(description["normalizer"])
    with _bounded_building(len(weights), n_numbers):
        network = estimator._rebuild_network()
    expected = {name: (v.shape, v.dtype) for name, v in network.state_dict().items()}
    found = {name: (v.shape, v.dtype) for name, v in weights.items()}
    if expected != found:
        different = [n for n in {**expected, **found} if expected.get(n) != found.get(n)]
        raise PersistenceError(
            f"the weights differ from those of the network that the parameters of "
            f"{type(estimator).__name__} describe, first in {different[0]}. Were the parameters "
            "changed after fit?"
        )
    network.load_state_dict(weights)
    frozen = set(description["frozen"])
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)
    device = torch.device(description["device"])
    estimator.net_ = restored_net(
        network, device=device, mixed_precision=description["mixed_precision"]
    )
    estimator.callbacks_ = []


def _restore_normalizer(description):
    given = dict(description)
    kind, mean, scale = given.pop("class"), given.pop("mean"), given.pop("scale")
    if given["mode"] not in (*NORMALIZE, None):
        raise PersistenceError("the normalization is unknown")
    ndim, count = (2, given.get("n_leads_out")) if "leads" in given else (3, given["n_channels"])
    shape = (count, *[1] * (ndim - 1))
    if mean.shape != shape or scale.shape != shape or mean.dtype.kind != "f":
        raise PersistenceError("the normalization has statistics of another shape")
    if kind == "LeadNormalizer":
        normalizer = LeadNormalizer(given["mode"], given["n_leads_out"], given["leads"])
    elif kind == "ImageNormalizer":
        normalizer = ImageNormalizer(given["mode"], given["size"], given["n_channels"])
    else:
        raise PersistenceError(f"it contains the normalization {str(kind)[:40]!r}")
    normalizer.to(torch.from_numpy(mean).dtype)
    normalizer.mean.copy_(torch.from_numpy(mean))
    normalizer.scale.copy_(torch.from_numpy(scale))
    return normalizer


@contextmanager
def _bounded_building(n_weights, n_numbers):
    """Limit how many weights and numbers are created in the block, by this thread."""
    thread, counts = threading.get_ident(), {"parts": 0, "numbers": 0}
    most_parts = 8 * n_weights + 500
    most_numbers = 4 * n_numbers + _SPARE_NUMBERS

    def count(module, name, value):
        if threading.get_ident() == thread:
            counts["parts"] += 1
            if counts["parts"] > most_parts:
                raise PersistenceError("the parameters describe a network with more layers")

    class Limit(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            name = function.overloadpacket.__name__
            if name in _FACTORIES:
                counts["numbers"] += _FACTORIES[name](args)
                if counts["numbers"] > most_numbers:
                    raise PersistenceError(
                        "the parameters describe a network with larger weights, or longer records "
                        f"than a network can be built for here ({_SPARE_NUMBERS // 2} numbers)"
                    )
            return function(*args, **(kwargs or {}))

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_module_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    ]
    try:
        with Limit(), torch.no_grad():
            yield
    finally:
        for handle in handles:
            handle.remove()


def _size(args):
    return int(np.prod([float(n) for n in args[0]]))


def _steps(args):
    numbers = [float(value) for value in args if isinstance(value, (int, float))]
    if len(numbers) == 1:
        return numbers[0]
    return abs(numbers[1] - numbers[0]) / (abs(numbers[2]) if len(numbers) > 2 else 1)


# Functions that allocate tensors of a given size, and how many numbers that is.
_FACTORIES = {
    **dict.fromkeys(("empty", "zeros", "ones", "full", "rand", "randn", "empty_strided"), _size),
    "arange": _steps,
    "eye": lambda args: args[0] * args[-1],
    "linspace": lambda args: args[2],
    "randperm": lambda args: args[0],
}
