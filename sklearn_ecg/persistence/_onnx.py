"""Export of networks to ONNX, with everything between the signals and the probabilities."""

import copy
import importlib.util
import json
import logging
import os
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from ..leads import to_lead_frame
from ..leads._attrs import check_rate_note, check_unit_note
from ..preprocessing import LeadScaler, Resampler
from ..utils._chunks import NETWORK, array_chunks
from ..utils._container import PersistenceError
from ..utils._files import reserve_file, write_file
from ..utils._paths import expand_path
from ..utils._torch import usual_settings
from ..utils._units import standard_unit
from ._onnx_modules import ExportedModel
from ._onnx_parts import ExportableParts
from ._save_load import _plain

_TOLERANCE = 1e-5
_MAX_BYTES = 2**31 - 1  # of a message of protobuf
_OLDEST_TORCH = "2.9"
# The exporter reports here what it leaves out because torchvision is not installed.
_LOGGERS = ("torch.onnx._internal.exporter._registration",)
_N_SYNTHETIC = 9


def export_onnx(estimator, path, X=None, *, sampling_rate=None, units=None):
    """Export a fitted network to an ONNX file, which maps signals to probabilities.

    The file contains all that happens to a record: steps of a Pipeline, normalization, network,
    calibration and correction of the prevalence. It can be run without this library and without
    torch, by `onnxruntime <https://onnxruntime.ai>`_ and others. The number of records is free. The
    number of leads and the length are fixed, and others are refused when the file is run.

    The file is run in onnxruntime before it is written, and compared with the estimator.

    These can be exported:

    - the classifiers and encoders of this library;
    - a Pipeline that ends in one of them, whose other steps are `LeadScaler`, `LeadSelector`,
      `SequentialLeadSelector`, `LeadDeriver`, `Clipper`, `Cropper` (not at random),
      `BandpassFilter`, `NotchFilter`, `BaselineRemover` with ``method="highpass"``, `Resampler` or
      samplers;
    - around a classifier, `MultilabelCalibratedClassifierCV`, `PriorCorrectedClassifier` and
      scikit-learn's `CalibratedClassifierCV`, also as an ensemble, with sigmoid, isotonic and
      temperature calibration; classifiers with thresholds of probabilities, which are in the
      metadata; `FrozenEstimator` and searches.

    Everything else is refused with its name, its place and what to export instead.

    Parameters
    ----------
    estimator : estimator object
        Fitted classifier or encoder.
    path : str or path-like
        File to write, such as "model.onnx". Its folder must exist. An existing file is replaced
        when the new one is complete.
    X : array-like, DataFrame or lead frame, default=None
        Records on which the file is compared with the estimator, such as some that it was not
        trained on. None makes synthetic ones, of the same scale as the training records.
    sampling_rate : float or None, default=None
        Sampling rate of the records in Hz, for the metadata, if the estimator does not know it from
        a frame or a parameter.
    units : str or None, default=None
        Unit of the records, for the metadata, if the estimator does not know it from a frame.

    Returns
    -------
    difference : float
        Largest absolute difference of the probabilities, or of the embedding, between the file and
        the estimator, on all records that were compared.

    Raises
    ------
    PersistenceError
        If a part cannot be exported, or the results differ by more than 1e-5. This is a
        `ValueError`.
    ValueError
        If X is invalid, ``sampling_rate`` or ``units`` contradict what the estimator knows, or
        ``path`` is empty.
    TypeError
        If ``path`` is not a path.
    ImportError
        If onnx, onnxruntime or onnxscript is not installed, or torch is older than 2.9.
    OSError
        If the folder does not exist or is not writable, or the disk is full.

    See Also
    --------
    save : Save an estimator, to load it with this library.

    Notes
    -----
    Install what is needed with ``pip install "sklearn_ecg[onnx]"``.

    The input of the file is "signals", float32 of shape (n_records, n_leads, n_times), or "images",
    uint8 or float32 of shape (n_records, height, width, n_channels). The output is "probabilities",
    float32 of shape (n_records, n_classes) or (n_records, n_labels), or "embedding". Records that
    contain NaN or infinity get NaN. The metadata have the keys "task" ("binary", "multiclass",
    "multilabel" or "embedding"), "classes", "lead_names", "sampling_rate", "units", "thresholds",
    "estimator" and "sklearn_ecg_version". Each value is JSON, ``null`` if it is unknown.

    Logits larger than 1 may differ by 1e-5 of their size, and all values of an embedding by 1e-5 of
    the largest one of the record, if it is larger than 1. The logits are compared as well as the
    probabilities. An isotonic calibrator has steps, where a minimal difference of the logit
    makes a large one of the probability. The probabilities may then differ as much as the
    calibrator makes of a difference of 1e-5. A record whose probability is within these limits of a
    threshold may be classified differently.

    The network is computed in float32, whatever ``precision`` is, and compared on the CPU. A filter
    is a matrix in the file, which takes 8 MB for 1000 time points and 200 MB for 5000. The file is
    the same for the same estimator and the same versions. It contains neither names nor paths of
    the computer.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.persistence import export_onnx
    >>> X, y = make_ecg(40, prevalence=0.5, duration=2, random_state=0, return_X_y=True)
    >>> clf = MSAICNetClassifier(filters=(4,), max_epochs=2, random_state=0).fit(X, y)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "model.onnx")
    >>> export_onnx(clf, path, X, sampling_rate=100, units="mV") < 1e-5
    True
    >>> session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    >>> (probabilities,) = session.run(None, {"signals": X[:1].astype(np.float32)})
    >>> np.allclose(probabilities, clf.predict_proba(X[:1]), atol=1e-5)
    True
    >>> metadata = session.get_modelmeta().custom_metadata_map
    >>> json.loads(metadata["task"]), json.loads(metadata["sampling_rate"])
    ('binary', 100)
    >>> folder.cleanup()
    """
    _check_installed()
    check_is_fitted(estimator)
    path = expand_path(path, "path")
    reserved = reserve_file(path)
    try:
        with usual_settings(torch.device("cpu")):
            parts = ExportableParts(estimator)
            metadata = _metadata(estimator, parts, sampling_rate, units)
            records = _synthetic_records(parts) if X is None else _validated(parts, X)
            proto = _to_proto(parts, records[:1], metadata)
            content, difference = _checked_content(estimator, parts, proto, records, X is None)
        write_file(reserved, path, content)
    finally:
        if os.path.exists(reserved):
            os.remove(reserved)
    return difference


def _check_installed():
    names = ("onnx", "onnxruntime", "onnxscript")
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"export_onnx needs {', '.join(missing)}, which is not installed. Install it with: "
            "pip install 'sklearn_ecg[onnx]'"
        )
    if parse_version(torch.__version__) < parse_version(_OLDEST_TORCH):
        raise ImportError(
            f"export_onnx needs torch {_OLDEST_TORCH} or later, and {torch.__version__} is "
            "installed. Install a later version."
        )


def _metadata(estimator, parts, sampling_rate, units):
    """Return the metadata as a dict of JSON."""
    first, network = parts.chain[0], parts.network
    rate = None
    for part in parts.chain:
        rate = getattr(part, "sampling_rate_in_", None) if rate is None else rate
        if isinstance(part, Resampler):
            break
    unit = getattr(first, "units_in_", None)
    if network._input.is_image and not (sampling_rate is None and units is None):
        raise ValueError(
            "sampling_rate and units describe signals, but the network takes images. Pass None."
        )
    if sampling_rate is not None:
        sampling_rate = check_rate_note(sampling_rate, "sampling_rate")
        if rate is not None and not np.isclose(rate, sampling_rate, rtol=1e-9, atol=0):
            raise ValueError(
                f"sampling_rate={sampling_rate!r} was given, but {type(first).__name__} was fitted "
                f"on records of {rate!r} Hz. Pass that rate, or None."
            )
    if units is not None:
        units = standard_unit(check_unit_note(units, "units"))
        if unit not in (None, units):
            raise ValueError(
                f"units={units!r} was given, but {type(first).__name__} was fitted on records in "
                f"{unit!r}. Pass that unit, or None."
            )
    names = getattr(first, "lead_names_in_", None)
    classes = getattr(network, "classes_", None)
    values = {
        "task": "embedding" if classes is None else network._target_kind,
        "classes": None if classes is None else getattr(estimator, "classes_", classes),
        "lead_names": None if names is None else list(names),
        "sampling_rate": sampling_rate if rate is None else rate,
        "units": units if unit is None else unit,
        "thresholds": None if parts.thresholds is None else np.ravel(parts.thresholds),
        "estimator": type(estimator).__name__,
        "sklearn_ecg_version": __version__,
    }
    return {key: json.dumps(_plain(value)) for key, value in values.items()}


def _validated(parts, X):
    """Return records as the array that the file takes."""
    first = parts.chain[0]
    if first is parts.network:
        records = first._input.validate(first, X, reset=False)
    else:
        records = first._validate_signals(X, reset=False)
    return records if records.dtype == np.uint8 else np.asarray(records, dtype=np.float32)


def _synthetic_records(parts):
    """Return random records of the scale of the training records."""
    rng, first = np.random.RandomState(0), parts.chain[0]
    if parts.network._input.is_image:
        shape = (_N_SYNTHETIC, *first.image_shape_in_)
        if first.image_kind_in_ == "bytes":
            return rng.randint(0, 256, shape).astype(np.uint8)
        mean, scale = parts.network.normalizer_.mean, parts.network.normalizer_.scale
        mean, scale = (value.cpu().numpy().ravel() for value in (mean, scale))
        return (mean + scale * rng.randn(*shape)).astype(np.float32)
    mean, scale = _signal_scale(parts.chain)
    noise = rng.randn(_N_SYNTHETIC, first.n_leads_in_, first.n_times_in_)
    # Of several sizes, and partly smooth.
    noise[::2] = np.cumsum(noise[::2], axis=2) / np.sqrt(1 + np.arange(noise.shape[2]))
    noise *= np.resize([1, 0.3, 2], _N_SYNTHETIC)[:, None, None]
    return (np.reshape(mean, (-1, 1)) + np.reshape(scale, (-1, 1)) * noise).astype(np.float32)


def _signal_scale(chain):
    """Return mean and scale of each lead, or of all leads, of the records before the first step."""
    first, network = chain[0], chain[-1]
    for step in chain[:-1]:
        if isinstance(step, LeadScaler):
            if step.mean_ is None:
                return 0.0, 1.0
            if step is first:
                return step.mean_, step.scale_
            return 0.0, float(np.median(step.scale_))
    normalizer = network.normalizer_
    mean, scale = (value.cpu().numpy().ravel() for value in (normalizer.mean, normalizer.scale))
    if first is network and len(mean) == network.n_leads_in_:
        return mean, scale
    return 0.0, float(np.median(scale))


def _to_proto(parts, example, metadata):
    """Return the model of ONNX, with the scores as a second output."""
    model = ExportedModel(parts.model).eval()
    is_encoder = not hasattr(parts.network, "classes_")
    names = ["embedding"] if is_encoder else ["probabilities", "scores"]
    example = torch.from_numpy(np.concatenate([example] * 2))
    try:
        with warnings.catch_warnings(), _quiet(), torch.no_grad():
            # What torch says about itself.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                model,
                (example,),
                dynamo=True,
                input_names=[_input_name(parts)],
                output_names=names,
                dynamic_shapes=({0: torch.export.Dim("n_records")},),
                verbose=False,
            )
        proto = program.model_proto
    except Exception as error:
        name = type(parts.network).__name__
        if hasattr(parts.network, "module"):
            name += f" with module={parts.network.module!r}"
        *_, reason = ["", *str(error).strip().splitlines()]
        raise PersistenceError(
            f"torch cannot export the network of {name} to ONNX ({type(error).__name__}: "
            f"{reason[:300]}). A module must consist of functions of torch, must not depend on the "
            "number of records, and must not read values of tensors in conditions."
        ) from error
    _remove_traces(proto.graph)
    for function in proto.functions:
        _remove_traces(function)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    return proto


def _input_name(parts):
    return "images" if parts.network._input.is_image else "signals"


def _remove_traces(graph):
    """Remove what the exporter notes of the program, with the paths of its files."""
    graph.doc_string = ""
    del graph.metadata_props[:]
    fields = ("value_info", "input", "output", "initializer")
    for value in [value for field in fields for value in getattr(graph, field, ())]:
        value.doc_string = ""
        del value.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                _remove_traces(inner)


@contextmanager
def _quiet():
    """Leave out messages of the exporter about libraries that are not needed."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]

    def refuse(record):
        return False

    for logger in loggers:
        logger.addFilter(refuse)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(refuse)


def _checked_content(estimator, parts, proto, records, is_synthetic):
    """Return the bytes of the file and its largest difference from the estimator."""

    name = type(estimator).__name__
    what = "the synthetic records" if is_synthetic else "X"
    expected, decision = _expected(estimator, parts, records, is_synthetic)
    if decision is not None:
        _, together = _run(_to_bytes(proto, name), _input_name(parts), records, name)
        limit = _TOLERANCE * np.maximum(1, np.abs(decision))
        scores = together[1].reshape(decision.shape)
        _raise_for(np.abs(scores - decision), limit, f"the logits of {name}", what)
        del proto.graph.output[1]
    content = _to_bytes(proto, name)
    (alone,), (together,) = _run(content, _input_name(parts), records, name)
    difference, allowed = 0.0, _allowed(parts, records, expected)
    for values in (together, alone):
        found = np.abs(values - expected[: len(values)])
        _raise_for(found, allowed[: len(values)], name, what)
        difference = max(difference, float(found.max()))
    return content, difference


def _to_bytes(proto, name):
    """Return a model of ONNX as the content of a single file."""
    import onnx

    if proto.ByteSize() > _MAX_BYTES:
        raise PersistenceError(
            f"The ONNX file of {name} would have {proto.ByteSize()} bytes, more than the 2 GiB "
            "that a single file can have. Train a smaller network, or leave filters out."
        )
    content = proto.SerializeToString(deterministic=True)
    onnx.checker.check_model(content)
    return content


def _run(content, input_name, records, name):
    """Return the outputs for the first record alone, and for all records."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        parts = [
            session.run(None, {input_name: records[part]})
            for part in (slice(1), *array_chunks(records, NETWORK))
        ]
    except Exception as error:
        raise PersistenceError(
            f"onnxruntime {onnxruntime.__version__} cannot run the ONNX file of {name} "
            f"({type(error).__name__}: {str(error)[:300]}). Install a later version."
        ) from error
    alone, *parts = parts
    return alone, [np.concatenate(outputs) for outputs in zip(*parts)]


def _expected(estimator, parts, records, is_synthetic):
    """Return what the estimator computes on the CPU, and the scores of its networks."""
    if any(torch.device(network.net_.device).type != "cpu" for network in parts.networks):
        estimator = copy.deepcopy(estimator)
        for network in ExportableParts(estimator).networks:
            network.net_.device = "cpu"
            network.net_.module_.cpu()
    X = _container(parts.chain[0], records)
    with warnings.catch_warnings(), sklearn.config_context(transform_output="default"):
        if is_synthetic:
            warnings.simplefilter("ignore")
        if not hasattr(parts.network, "classes_"):
            return np.asarray(estimator.transform(X), dtype=np.float64), None
        expected = estimator.predict_proba(X)
        if parts.model.has_decision:
            return expected, estimator.decision_function(X)
    with torch.no_grad():
        outputs = parts.model(torch.from_numpy(records))
    scores = torch.cat([scores.flatten(1) for scores in outputs.scores], dim=1)
    return expected, scores.numpy()


def _container(first, records):
    """Return records in the container that an estimator was fitted on."""
    names = getattr(first, "feature_names_in_", None)
    if not hasattr(first, "n_leads_in_"):
        return records
    if first.n_features_in_ != first.n_leads_in_:
        rows = records.reshape(len(records), -1)
        return rows if names is None else pd.DataFrame(rows, columns=names)
    if names is None:
        return records
    frame = to_lead_frame(records, [f"lead{i}" for i in range(len(names))])
    frame.columns = names
    return frame


def _allowed(parts, records, expected):
    """Return how much each value may differ."""
    size = np.abs(expected)
    if not hasattr(parts.network, "classes_"):
        # A small value of an embedding is a difference of large ones, with their rounding errors.
        size = np.broadcast_to(size.max(axis=1, keepdims=True), size.shape)
    allowed = _TOLERANCE * np.maximum(1, size)
    if not parts.is_isotonic:
        return allowed
    x = torch.from_numpy(records)
    with torch.no_grad():
        n_scores = parts.model(x).scores[0].shape[1]
        values = parts.model(x).probability
        changes = torch.zeros_like(values)
        for score in range(n_scores):
            for sign in (-1, 1):
                shift = torch.full((n_scores,), -sign * _TOLERANCE, dtype=torch.float64)
                shift[score] = sign * _TOLERANCE
                for module in parts.network_modules:
                    module.shift = shift
                changes = torch.maximum(changes, (parts.model(x).probability - values).abs())
        for module in parts.network_modules:
            module.shift = None
    return allowed + changes.numpy()


def _raise_for(difference, allowed, name, what):
    """Raise if a difference is larger than allowed, or NaN."""
    wrong = ~(difference <= allowed)
    if wrong.any():
        first = tuple(np.argwhere(wrong)[0])
        raise PersistenceError(
            f"The ONNX file would differ from {name} by {difference[first]:.2g} in record "
            f"{first[0]} of {what}, more than {allowed[first]:.2g}, so that it is "
            "not written. If the records have extreme values, pass others as X. Otherwise, this "
            "network is too sensitive to rounding in float32: apply it with sklearn_ecg."
        )
