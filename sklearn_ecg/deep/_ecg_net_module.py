"""What estimators with any torch module share: networks by name, parameters of the module."""

import copy
import inspect

import torch
from sklearn.utils._param_validation import StrOptions

from ..nn._inception_time import InceptionTime
from ..nn._python_numbers import python_numbers
from ..nn._recurrent import CNNLSTM, LSTM
from ..nn._resnet import ResNet1dWang, XResNet1d
from ..nn._signal_network import SignalNetwork
from ..nn._transformer import TransformerEncoder
from ..nn._user_module import UserModule

NETWORKS = {
    "cnn_lstm": CNNLSTM,
    "inception_time": InceptionTime,
    "lstm": LSTM,
    "resnet1d_wang": ResNet1dWang,
    "transformer": TransformerEncoder,
    "xresnet1d101": XResNet1d,
}

# Prefix of the parameters that are single arguments of the module, as in skorch.
_PREFIX = "module__"


class ModuleMixin:
    """Parameters ``module`` and ``module_params`` of an estimator that owns a network."""

    _module_constraints = {
        "module": [StrOptions(set(NETWORKS)), callable],
        "module_params": [dict, None],
    }

    def get_params(self, deep=True):
        """Get the parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return each of ``module_params`` as ``module__<name>`` as well.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        if deep and isinstance(self.module_params, dict):
            params.update({f"{_PREFIX}{name}": v for name, v in self.module_params.items()})
        return params

    def set_params(self, **params):
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameter names and values; ``module__<name>`` sets one of ``module_params``.

        Returns
        -------
        self : object
            The estimator itself.
        """
        own = {name: v for name, v in params.items() if not name.startswith(_PREFIX)}
        super().set_params(**own)
        changed = {
            name.removeprefix(_PREFIX): value
            for name, value in params.items()
            if name.startswith(_PREFIX)
        }
        if changed:
            # A new dict, because other estimators may share the old one.
            self.module_params = {**(self.module_params or {}), **changed}
        return self

    def _make_network(self, data):
        n_leads, n_outputs = data.n_channels, data.n_outputs
        # A copy, because the module might change it, but fit never changes a parameter.
        params = python_numbers(copy.deepcopy(self.module_params or {}))
        make = NETWORKS[self.module] if isinstance(self.module, str) else self.module
        name = _display_name(make)
        _check_signature(make, name, params)
        try:
            network = make(n_leads, n_outputs, **params)
        except Exception as error:
            given = "".join(f", {key}={value!r}" for key, value in params.items())
            raise ValueError(
                f"module {name} could not be created by {name}({n_leads}, {n_outputs}{given}): "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(network, torch.nn.Module):
            raise ValueError(
                f"module {name} must return a torch.nn.Module, got {type(network).__name__}."
            )
        checked = UserModule(network, name, n_outputs)
        if type(network) not in NETWORKS.values():
            checked.probe(n_leads, self.n_times_in_, self._torch_dtype)
        return network if isinstance(network, SignalNetwork) else checked

    def _logits(self, network, x):
        if not isinstance(network, UserModule):
            return super()._logits(network, x)
        # In full precision, because the last layer of the module is not known.
        return _check_finite_output(network.outputs(x)[0], network.name)

    def _embed(self, network, x):
        if not isinstance(network, UserModule):
            return super()._embed(network, x)
        return _check_finite_output(network.outputs(x)[1], network.name)


def _display_name(make):
    """Return the name of a class, a function or another callable for messages."""
    return getattr(make, "__name__", None) or type(make).__name__


def _check_signature(make, name, params):
    """Raise if a callable cannot be called as ``make(n_leads, n_outputs, **params)``."""
    if isinstance(make, torch.nn.Module):
        name = type(make).__name__
        raise ValueError(
            f"module must be a class or a function that returns a module, got an instance of "
            f"{name}. Pass module={name}, and its arguments as module_params. To start from its "
            "weights, pass a function of (n_leads, n_outputs) that makes the module and loads them."
        )
    try:
        signature = inspect.signature(make)
    except ValueError:  # implemented in C
        return
    try:
        signature.bind(0, 0, **params)
    except TypeError as error:
        arguments = ", ".join(["n_leads", "n_outputs", *map(str, params)])
        raise ValueError(
            f"module {name} cannot be called as {name}({arguments}): {error}. Its signature is "
            f"{name}{signature}."
        ) from error


def _check_finite_output(values, name):
    if not torch.isfinite(values).all():
        raise ValueError(
            f"module {name} returned NaN or infinity for finite signals. A lead or a record may be "
            "constant: check for divisions by its standard deviation, which is 0."
        )
    return values
