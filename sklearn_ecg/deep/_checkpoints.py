"""What makes two fits the same, and the checkpoint of a fit."""

import os
import platform
from contextlib import contextmanager
from importlib import metadata
from numbers import Integral

import numpy as np
import scipy
import sklearn
import torch

from .. import __version__
from ..utils._chunks import NETWORK, array_chunks
from ..utils._files import reserve_file
from ..utils._paths import expand_path
from ._descriptions import (
    WITHOUT_EFFECT,
    array_digest,
    description,
    network_digest,
    shorten,
)
from ._training import FitCheckpoint, describe_differences, remove_temporary_files


def check_checkpoint(estimator, processes=None):
    """Raise if the folder of checkpoints cannot be used, before anything else is done.

    Of several processes, only the first one uses the folder.

    Raises
    ------
    ValueError
        If ``random_state`` is not an int.
    OSError
        If the folder cannot be created or written.
    """
    # Methods that were written before the parameter existed do not have it.
    if getattr(estimator, "checkpoint", None) is None:
        return
    if not isinstance(estimator.random_state, Integral):
        raise ValueError(
            f"checkpoint={estimator.checkpoint!r} requires random_state to be an int, so that an "
            f"interrupted fit can be repeated up to its checkpoint, got "
            f"random_state={estimator.random_state!r}. Pass an int, such as random_state=0."
        )
    if processes is None:
        _prepare_folder(estimator)
    else:
        processes.run_on_first(lambda: _prepare_folder(estimator))


def _prepare_folder(estimator):
    folder = expand_path(estimator.checkpoint, "checkpoint")
    try:
        os.makedirs(folder, exist_ok=True)
        reserve_file(os.path.join(folder, type(estimator).__name__))
    except OSError as error:
        raise type(error)(
            error.errno,
            f"checkpoint={estimator.checkpoint!r} is not a folder in which files can be "
            f"written ({error.strerror or error}). Pass a writable folder, or checkpoint=None",
        ) from error
    # With those of fits that were killed before this line.
    remove_temporary_files(folder, type(estimator).__name__)


@contextmanager
def open_checkpoint(estimator, network, data):
    """Yield the checkpoint of a fit that is ready to be trained, or None.

    Several processes that train together are compared: they must fit the same.

    Parameters
    ----------
    estimator : DeepECG
    network : torch.nn.Module
        With its initial weights.
    data : TrainingData

    Yields
    ------
    checkpoint : FitCheckpoint or None
        None in all processes but the first.
    """
    is_saved = getattr(estimator, "checkpoint", None) is not None
    processes = data.processes
    if not is_saved and processes is None:
        yield None
        return
    identity = _identity(estimator, network, data, lenient=not is_saved)
    if processes is not None:
        # What is computed from the rest may differ by rounding, and is copied from the first one.
        computed = ("the initial weights", "the normalization", "the class weights")
        given = {name: value for name, value in identity.items() if name not in computed}
        processes.check_same(given, describe_differences)
        identity["the number of processes"] = str(processes.size)
        processes.copy_from_first(estimator.normalizer_)
    if not is_saved or not (processes is None or processes.is_first):
        yield None
        return
    with FitCheckpoint(
        expand_path(estimator.checkpoint, "checkpoint"),
        type(estimator).__name__,
        identity,
        every=int(estimator.checkpoint_every),
    ) as checkpoint:
        yield checkpoint


def _identity(estimator, network, data, *, lenient=False):
    """Return texts by name, which are all equal if two fits have the same result.

    With ``lenient=True``, objects that cannot be described are described by their types.
    """
    name = type(estimator).__name__
    params = estimator.get_params(deep=False)
    identity = {
        key: description(value, f"{key} of {name}", lenient)
        for key, value in sorted(params.items())
        if key not in WITHOUT_EFFECT
    }
    # What the fit computes with. The parameters may leave it to the process and the machine.
    identity["n_threads"] = str(torch.get_num_threads())
    identity["device"] = data.device.type
    identity["callbacks"] = shorten(str(_describe_callbacks(estimator)))
    chunks = array_chunks(data.records, NETWORK)
    identity["the records (X)"] = shorten(
        f"shape {data.records.shape}, {array_digest(data.records, chunks)}"
    )
    if data.target is not None:
        identity["the labels (y)"] = description(tuple(data.target), "y", lenient)
    for key, value in {
        "sample_weight": data.sample_weight,
        "groups": data.groups,
        "the training records": data.train,
        "the validation records": data.valid,
        "the class weights": data.class_weight,
        **{f"the {key} of X": value for key, value in estimator._requirements().items()},
        "the normalization": estimator.normalizer_,
    }.items():
        identity[key] = description(value, key, lenient)
    identity["the initial weights"] = shorten(network_digest(network))
    for library, version in {
        "sklearn_ecg": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "skorch": metadata.version("skorch"),
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }.items():
        identity[f"the version of {library}"] = str(version)
    return identity


def _describe_callbacks(estimator):
    """Return descriptions of the callbacks, without those that only report."""
    described = []
    for callback in estimator.callbacks or ():
        callback = callback[1] if isinstance(callback, tuple) else callback
        if type(callback).__module__ != "skorch.callbacks.logging":
            described.append(description(callback, "callbacks", lenient=True))
    for callback in getattr(estimator, "_skl_callbacks", ()):
        if not type(callback).__module__.startswith("sklearn."):
            described.append(type(callback).__qualname__)
    return described
