"""Modules without tensors: a description of a module in which arrays take the place of tensors.

The pickles of equal tensors differ, so caches that hash estimators, such as `joblib.Memory`, would
never recognize an estimator. The pickles of arrays depend on their content only. torch also cannot
copy tensors that are results of a forward pass, and does not pickle parametrized modules.
"""

import copyreg
import io
import types
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle

# Attributes of a module that contain its hooks, which torch numbers.
_HOOKS = [name for name in vars(torch.nn.Module()) if "_hooks" in name]

_CONTAINERS = (list, tuple, set, frozenset)
_ATOMS = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    range,
    type,
    type(...),
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    np.ndarray,
    np.generic,
    np.dtype,
    torch.dtype,
    torch.device,
    torch.memory_format,
)


@dataclass(eq=False)
class _Storage:
    """Memory of a tensor, or of several that share it."""

    values: np.ndarray | None = None
    on_cpu: bool = True


@dataclass(eq=False)
class _Tensor:
    """A tensor: where its values are, and everything else about it."""

    kind: type
    dtype: torch.dtype
    shape: tuple
    requires_grad: bool
    attributes: Any
    storage: _Storage = field(default_factory=_Storage)
    offset: int = 0
    strides: tuple = ()


@dataclass(eq=False)
class _Object:
    """An object, by what its ``__reduce_ex__`` returned."""

    make: Any = None
    arguments: Any = ()
    state: Any = None
    items: Any = None
    pairs: Any = None
    set_state: Any = None


@dataclass(eq=False)
class _Parametrized:
    """A module with parametrizations, whose class torch makes for each module."""

    kind: Any = None
    names: tuple = ()
    state: Any = None


@dataclass(eq=False)
class _Script:
    """A TorchScript module."""

    values: bytes
    is_training: bool


def module_to_arrays(module, attributes=None):
    """Return a description of a module without tensors, for pickling.

    Parameters and buffers that are shared, registered or not, remain shared. Tensors that are
    results of a forward pass are kept without their gradient functions. Hooks on modules are kept,
    hooks on tensors are not.

    Parameters
    ----------
    module : torch.nn.Module
    attributes : list of (module, dict), default=None
        Earlier `module_attributes`. They are saved in place of those of a module that has kept
        tensors in inference mode since then, so that predictions do not change what is saved.

    Returns
    -------
    description : object
        To be passed to `arrays_to_module`.
    """
    return _Describer(attributes or ()).describe_all(module)


def module_attributes(module):
    """Return all modules in a module and their current attributes.

    Results of a forward pass among the attributes are detached from their gradient functions, which
    would keep the memory of the whole pass.
    """
    for part in module.modules():
        for name, value in vars(part).items():
            if isinstance(value, torch.Tensor) and value.grad_fn is not None:
                vars(part)[name] = value.detach()
    return [(part, dict(vars(part))) for part in module.modules()]


def arrays_to_module(description, device="cpu"):
    """Return a new module, from what `module_to_arrays` returned.

    Parameters
    ----------
    description : object
    device : str or torch.device, default="cpu"
        Device of the tensors that were not on the CPU.

    Returns
    -------
    module : torch.nn.Module
    """
    # The default device and the gradient mode of the calling program do not matter.
    with torch.inference_mode(False), torch.no_grad():
        return _Maker(device).make(description)


def copy_module(module):
    """Return a deep copy of a module, also if it keeps results of its last forward pass."""
    device = next((p.device for p in module.parameters()), "cpu")
    return arrays_to_module(module_to_arrays(module), device)


def module_difference(module, other):
    """Return where two modules differ, as in ``.conv.weight``, or None if they are equal.

    Tensors are compared bit for bit, with their strides. Their devices may differ.

    Parameters
    ----------
    module, other : torch.nn.Module

    Returns
    -------
    name : str or None
    """
    return _difference(module_to_arrays(module), module_to_arrays(other), "", {})


def _difference(first, second, where, seen):
    """Return where two descriptions differ, or None."""
    if first is second or seen.get(id(first)) == id(second):
        return None
    if type(first) is not type(second):
        return where
    seen[id(first)] = id(second)
    if isinstance(first, np.ndarray):
        same = first.dtype == second.dtype and first.shape == second.shape
        return None if same and first.tobytes() == second.tobytes() else where
    if is_dataclass(first):
        parts = [
            (getattr(first, f.name), getattr(second, f.name), "")
            for f in fields(first)
            if f.name != "on_cpu"
        ]
    elif isinstance(first, dict):
        if list(first) != list(second):
            return f"{where}.{next(iter(set(first) ^ set(second)), '')}"
        # The tables of modules, parameters and buffers are left out of the name.
        tables = ("_modules", "_parameters", "_buffers")
        parts = [(first[k], second[k], "" if k in tables else f".{k}") for k in first]
    elif isinstance(first, (list, tuple)):
        if len(first) != len(second):
            return where
        # What is not in a dict, such as the pairs of a table of hooks, has the name of the whole.
        parts = [(a, b, "") for a, b in zip(first, second)]
    else:
        same = first == second or (first != first and second != second)
        return None if same else where
    found = (_difference(a, b, where + name, seen) for a, b, name in parts)
    return next((place for place in found if place is not None), None)


class _Describer:
    """Describes an object and all that it refers to, each object once."""

    def __init__(self, attributes):
        self._memo = {}
        self._attributes = {id(module): values for module, values in attributes}
        self._by_storage = {}
        self._hook_numbers = {}
        self._hook_tables = set()
        # Kept until the end, so that their ids are not used again.
        self._temporary = []

    def describe_all(self, value):
        """Return the description of an object, with the values of all its tensors."""
        description = self.describe(value)
        for tensors in self._by_storage.values():
            _add_values(tensors)
        return description

    def describe(self, value):
        if isinstance(value, _ATOMS):
            return value
        if id(value) in self._memo:
            return self._memo[id(value)][0]
        if type(value) is dict:
            # The object is kept with its description, so that its id is not used again.
            description, _ = self._memo[id(value)] = {}, value
            description.update({self.describe(k): self.describe(v) for k, v in value.items()})
            return description
        if type(value) is list:
            description, _ = self._memo[id(value)] = [], value
            description.extend(map(self.describe, value))
            return description
        if type(value) in _CONTAINERS:
            return type(value)(map(self.describe, value))
        if type(value) in (torch.Tensor, torch.nn.Parameter) and value.layout == torch.strided:
            if not value.is_quantized and value.device.type != "meta":
                return self._describe_tensor(value)
        if isinstance(value, torch.jit.ScriptModule):
            return self._remember(value, _Script(_script_bytes(value), value.training))
        if isinstance(value, torch.nn.Module):
            self._hook_tables.update(id(vars(value).get(name)) for name in _HOOKS)
            if _has_made_class(value):
                return self._describe_parametrized(value)
        if isinstance(value, RemovableHandle):
            self._hook_tables.add(id(value.hooks_dict_ref()))
        return self._describe_object(value)

    def _remember(self, value, description):
        self._memo[id(value)] = description, value
        return description

    def _describe_tensor(self, value):
        description = _Tensor(
            type(value),
            value.dtype,
            tuple(value.shape),
            value.requires_grad and value.is_leaf,
            None,
        )
        self._remember(value, description)
        description.attributes = self.describe(vars(value)) or None
        # The values are added when all tensors are known that share their memory.
        plain = value.detach()
        place = plain.untyped_storage().data_ptr() or id(value)
        self._by_storage.setdefault(place, []).append((plain, description))
        return description

    def _describe_parametrized(self, value):
        description = self._remember(value, _Parametrized())
        description.kind = type(value).__bases__[0]
        description.names = tuple(value.parametrizations)
        hooks = value._load_state_dict_pre_hooks
        kept = type(hooks)((k, hook) for k, hook in hooks.items() if not _is_local_to_torch(hook))
        state = {**vars(value), "_load_state_dict_pre_hooks": kept}
        self._temporary += [state, kept]
        self._hook_tables.add(id(kept))
        description.state = self.describe(state)
        return description

    def _hook_number(self, number):
        """Return a number for a hook that depends on the module only; torch counts all hooks.

        It is negative, so that no hook that is registered later gets it again.
        """
        return self._hook_numbers.setdefault(number, -1 - len(self._hook_numbers))

    def _describe_object(self, value):
        reduce = copyreg.dispatch_table.get(type(value))
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        if isinstance(reduced, str):  # the name of a global object
            return value
        description = self._remember(value, _Object())
        earlier = self._attributes.get(id(value), {})
        make, arguments, state, items, pairs, set_state = (*reduced, *[None] * (6 - len(reduced)))
        items, pairs = (None if found is None else list(found) for found in (items, pairs))
        if earlier and isinstance(state, dict) and _has_inference_tensor(vars(value)):
            state = {name: earlier[name] for name in state if name in earlier}
        if id(value) in self._hook_tables:
            pairs = [(self._hook_number(number), hook) for number, hook in pairs or ()]
        if isinstance(value, RemovableHandle):
            state = (state[0], self._hook_number(state[1]), *state[2:])
        self._temporary += [reduced, state, items, pairs]
        description.make = self.describe(make)
        description.arguments = self.describe(arguments)
        description.state = self.describe(state)
        description.items, description.pairs = self.describe(items), self.describe(pairs)
        description.set_state = self.describe(set_state)
        return description


class _Maker:
    """Makes objects from their descriptions, each of them once."""

    def __init__(self, device):
        self._device = device
        self._memo = {}

    def make(self, description):
        if isinstance(description, _ATOMS):
            return description
        if id(description) in self._memo:
            return self._memo[id(description)]
        if type(description) is dict:
            value = self._memo[id(description)] = {}
            value.update({self.make(k): self.make(v) for k, v in description.items()})
            return value
        if type(description) is list:
            value = self._memo[id(description)] = []
            value.extend(map(self.make, description))
            return value
        if type(description) in _CONTAINERS:
            return type(description)(map(self.make, description))
        makers = {
            _Storage: self._make_storage,
            _Tensor: self._make_tensor,
            _Script: self._make_script,
            _Parametrized: self._make_parametrized,
            _Object: self._make_object,
        }
        make = makers.get(type(description))
        return description if make is None else make(description)

    def _make_storage(self, description):
        values = torch.from_numpy(np.array(description.values))
        value = values.to("cpu" if description.on_cpu else self._device).untyped_storage()
        self._memo[id(description)] = value
        return value

    def _make_tensor(self, description):
        storage = self.make(description.storage)
        value = torch.empty(0, dtype=description.dtype, device=storage.device)
        value.set_(storage, description.offset, description.shape, description.strides)
        if description.kind is torch.nn.Parameter:
            value = torch.nn.Parameter(value, requires_grad=False)
        self._memo[id(description)] = value
        value.requires_grad_(description.requires_grad)
        vars(value).update(self.make(description.attributes) or {})
        return value

    def _make_script(self, description):
        value = torch.jit.load(io.BytesIO(description.values), map_location=self._device)
        self._memo[id(description)] = value
        return value.train(description.is_training)

    def _make_parametrized(self, description):
        kind = self.make(description.kind)
        value = self._memo[id(description)] = kind.__new__(kind)
        # torch makes the class when a parametrization is registered.
        torch.nn.Module.__init__(value)
        for name in description.names:
            value.register_parameter(name, torch.nn.Parameter(torch.zeros(1)))
            parametrize.register_parametrization(value, name, torch.nn.Identity())
        state = self.make(description.state)
        vars(value).clear()
        vars(value).update(state)
        return value

    def _make_object(self, description):
        value = self.make(description.make)(*self.make(description.arguments))
        self._memo[id(description)] = value
        if description.items is not None:
            for item in self.make(description.items):
                value.append(item)
        if description.pairs is not None:
            for key, item in self.make(description.pairs):
                value[key] = item
        state = self.make(description.state)
        if description.set_state is not None:
            self.make(description.set_state)(value, state)
        elif hasattr(value, "__setstate__") and state is not None:
            value.__setstate__(state)
        elif state is not None:
            named, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
            for attributes in (named, slots):
                for name, attribute in (attributes or {}).items():
                    object.__setattr__(value, name, attribute)
        return value


def _add_values(tensors):
    """Add the values to the descriptions of tensors that share their memory."""
    first, _ = tensors[0]
    on_cpu = first.device.type == "cpu"
    if len(tensors) > 1:
        storage = _Storage(
            _bytes(first.new_empty(0, dtype=torch.uint8).set_(first.untyped_storage())), on_cpu
        )
        for tensor, description in tensors:
            description.storage = storage
            description.offset, description.strides = tensor.storage_offset(), tensor.stride()
        return
    # Without the memory around a slice, of which the tensor may be a small part.
    dense = torch.empty_like(first, device="cpu")
    dense.copy_(first.resolve_conj().resolve_neg())
    _, description = tensors[0]
    memory = torch.empty(0, dtype=torch.uint8).set_(dense.untyped_storage())
    description.storage = _Storage(_bytes(memory), on_cpu)
    description.strides = dense.stride()


def _has_inference_tensor(value):
    """Return whether a value is a tensor made in inference mode, or contains one."""
    if isinstance(value, torch.Tensor):
        return value.is_inference()
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    return any(map(_has_inference_tensor, value))


def _bytes(memory):
    return np.array(memory.cpu().numpy())


def _has_made_class(module):
    return parametrize.is_parametrized(module) and type(module).__name__.startswith("Parametrized")


def _is_local_to_torch(hook):
    """Return whether a hook is a function that cannot be pickled, which reads old state dicts."""
    function = getattr(hook, "hook", hook)
    origin = getattr(function, "__module__", None) or ""
    return origin.startswith("torch.") and "<locals>" in getattr(function, "__qualname__", "")


def _script_bytes(module):
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()
