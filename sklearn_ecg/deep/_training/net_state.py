"""The state of a net between two epochs, as JSON and arrays."""

import math

import numpy as np
import torch

# Types of tensors that NumPy does not have, and those of the same size that are stored instead.
_STORED_AS = {torch.bfloat16: torch.int16, torch.complex32: torch.int32}


class _NotStorable(ValueError):
    """Raised for a value that is not stored."""


def get_state(net, arrays):
    """Return the state of a net in training, and add its arrays to a list.

    Parameters
    ----------
    net : skorch.NeuralNet
    arrays : list

    Returns
    -------
    state : dict
        What `json.dumps` accepts.
    """
    optimizer = net.optimizer_
    state = {
        "network": _tensors(net.module_),
        "loss": _tensors(net.criterion_),
        "trained": [p.requires_grad for p in net.module_.parameters()],
        "optimizer": [dict(optimizer.state.get(p, {})) for p in _optimized(optimizer)],
        "groups": [
            {name: value for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ],
        # The batches of earlier epochs are not needed.
        "history": [{k: v for k, v in row.items() if k != "batches"} for row in net.history],
        "generator": torch.get_rng_state(),
    }
    device = torch.device(net.device)
    if device.type == "cuda":
        state["gpu_generator"] = torch.cuda.get_rng_state(device)
    encoder = _Encoder(arrays)
    encoded = {name: encoder.encode(value) for name, value in state.items()}
    encoded["callbacks"] = {
        name: encoder.encode_some(_callback_state(callback)) for name, callback in net.callbacks_
    }
    return encoded


def set_state(net, encoded, arrays):
    """Restore the state of a net of the same network, optimizer and callbacks.

    The callbacks must have begun the training. Tensors keep their places in memory, because results
    of another memory format may differ in the last bit.

    Parameters
    ----------
    net : skorch.NeuralNet
    encoded : dict
        What `get_state` returned.
    arrays : list of ndarray
    """
    decoder = _Decoder(arrays, torch.device(net.device))
    state = {name: decoder.decode(v) for name, v in encoded.items() if name != "callbacks"}
    _copy_tensors(net.module_, state["network"])
    _copy_tensors(net.criterion_, state["loss"])
    for parameter, is_trained in zip(net.module_.parameters(), state["trained"], strict=True):
        parameter.requires_grad_(is_trained)
    optimizer = net.optimizer_
    for parameter, values in zip(_optimized(optimizer), state["optimizer"], strict=True):
        if values:
            optimizer.state[parameter] = {k: _as_state(v, parameter) for k, v in values.items()}
    for group, values in zip(optimizer.param_groups, state["groups"], strict=True):
        group.update(values)
    net.history.clear()
    net.history.extend({**row, "batches": []} for row in state["history"])
    for name, callback in net.callbacks_:
        if name in encoded["callbacks"]:
            _set_callback_state(callback, decoder.decode(encoded["callbacks"][name]), net)
    torch.set_rng_state(state["generator"].cpu())
    device = torch.device(net.device)
    if device.type == "cuda" and "gpu_generator" in state:
        torch.cuda.set_rng_state(state["gpu_generator"].cpu(), device)


def _tensors(module):
    """Return the parameters and buffers of a module, also those that its state dict leaves out."""
    return dict([*module.named_parameters(), *module.named_buffers()])


@torch.no_grad()
def _copy_tensors(module, values):
    for name, tensor in _tensors(module).items():
        if tensor.shape != values[name].shape:
            raise ValueError(f"{name} has another shape")
        tensor.copy_(values[name])


def _optimized(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def _as_state(value, parameter):
    """Return a value for the state of the optimizer, in the memory format of the parameter."""
    if not isinstance(value, torch.Tensor) or value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _callback_state(callback):
    """Return the state of a callback by its own method, or its attributes."""
    if hasattr(callback, "state_dict") and hasattr(callback, "load_state_dict"):
        return {"state_dict": callback.state_dict()}
    state = {"attributes": dict(getattr(callback, "__dict__", {}))}
    scheduler = getattr(callback, "lr_scheduler_", None)
    if hasattr(scheduler, "state_dict"):
        state["scheduler"] = scheduler.state_dict()
    return state


def _set_callback_state(callback, state, net):
    if "state_dict" in state:
        callback.load_state_dict(state["state_dict"])
        return
    for name, value in state["attributes"].items():
        vars(callback)[name] = value
    if "scheduler" in state:
        callback.lr_scheduler_.load_state_dict(state["scheduler"])
    weights = getattr(callback, "best_model_weights_", None)
    if isinstance(weights, dict):
        # As a state dict of torch, which has the versions of the layers.
        current = net.module_.state_dict()
        current.update(weights)
        callback.best_model_weights_ = current


class _Encoder:
    """Describes values by JSON, and collects their arrays."""

    def __init__(self, arrays):
        self._arrays = arrays

    def encode(self, value):
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if isinstance(value, float):
            value = float(value)
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is tuple:
            return {"tuple": [self.encode(v) for v in value]}
        if isinstance(value, list):
            return [self.encode(v) for v in value]
        if isinstance(value, dict):
            return {"dict": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if isinstance(value, torch.Tensor):
            return self._encode_tensor(value)
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
            kind = "array" if isinstance(value, np.ndarray) else "scalar"
            return {kind: self._add(np.asarray(value))}
        raise _NotStorable(f"a {kind.__name__} cannot be stored")

    def encode_some(self, values):
        """Describe a dict without the values, at any depth of dicts, that cannot be stored."""
        pairs = []
        for key, value in values.items():
            try:
                is_dict = type(value) is dict
                described = self.encode_some(value) if is_dict else self.encode(value)
                pairs.append([self.encode(key), described])
            except _NotStorable:
                continue
        return {"dict": pairs}

    def _encode_tensor(self, value):
        dtype, is_cuda, shape = value.dtype, value.is_cuda, list(value.shape)
        value = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        if dtype in _STORED_AS:
            value = value.view(_STORED_AS[dtype])
        elif dtype.is_complex:
            value = torch.view_as_real(value)
        place = self._add(value.numpy())
        return {"tensor": [place, str(dtype).removeprefix("torch."), shape, is_cuda]}

    def _add(self, array):
        if not array.size:
            return {"empty": [array.dtype.str, list(array.shape)]}
        # np.ascontiguousarray makes scalars arrays.
        self._arrays.append(np.ascontiguousarray(array).reshape(array.shape))
        return len(self._arrays) - 1


class _Decoder:
    """Makes values from their descriptions."""

    def __init__(self, arrays, device):
        self._arrays, self._device = arrays, device

    def decode(self, value):
        if isinstance(value, list):
            return [self.decode(v) for v in value]
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "dict":
            return {self.decode(k): self.decode(v) for k, v in content}
        if kind == "tuple":
            return tuple(map(self.decode, content))
        if kind == "float":
            return float(content)
        if kind == "tensor":
            return self._decode_tensor(*content)
        array = self._find(content)
        return array[()] if kind == "scalar" else array

    def _decode_tensor(self, place, dtype, shape, is_cuda):
        dtype = getattr(torch, dtype)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"{dtype!r} is no dtype")
        tensor = torch.from_numpy(self._find(place))
        if dtype in _STORED_AS:
            tensor = tensor.view(dtype)
        elif dtype.is_complex:
            tensor = torch.view_as_complex(tensor)
        return tensor.reshape(shape).to(self._device if is_cuda else "cpu")

    def _find(self, place):
        if isinstance(place, dict):
            dtype, shape = place["empty"]
            return np.zeros(0, dtype).reshape(shape)
        return np.array(self._arrays[place])
