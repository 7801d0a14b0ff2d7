"""Save fitted estimators, and load them."""

import os
import platform
from typing import Any

import numpy as np
import scipy
import sklearn
import torch

from .. import __version__
from ..utils._container import PersistenceError, disassemble, pack, parse_json, unpack
from ..utils._files import read_file, reserve_file, write_file
from ..utils._module_arrays import module_difference
from ..utils._paths import expand_path
from ..utils._torch import usual_settings
from ._decoding import Decoder
from ._encoding import Encoder

_MAX_BYTES = 4 * 2**30


def save(estimator, path):
    """Save a fitted estimator to one file, without pickle.

    The file holds the class, the parameters and the fitted attributes as JSON and as arrays in the
    safetensors format, with a SHA-256 digest of everything. It contains no code. What is saved is
    loaded and compared before the file is written, so that a file that exists can be loaded, and
    gives the same predictions bit for bit on the same machine. The file is written under another
    name and moved to its place when it is complete: an existing file is the old one or the new one
    at any time.

    These can be saved:

    - the deep estimators of this library, its transformers of signals, its samplers and its
      meta-estimators;
    - of scikit-learn, `Pipeline`, `FeatureUnion`, `ColumnTransformer`, `FrozenEstimator`, the usual
      scalers and encoders, `SimpleImputer`, `PCA`, `LogisticRegression`, `RidgeClassifier`,
      `HistGradientBoostingClassifier` (without categorical features), random forests and decision
      trees, `VotingClassifier`, `CalibratedClassifierCV`, `TunedThresholdClassifierCV` and
      `FixedThresholdClassifier`, with the splitters that they use;
    - networks and functions of your own, by their name only: `load` must be given them.

    Everything else is refused with its name and its place.

    Parameters
    ----------
    estimator : estimator object
        Usually fitted. An unfitted one is saved with its parameters.
    path : str or path-like
        File to write, such as "model.ecg". Its folder must exist. An existing file is replaced.

    Raises
    ------
    PersistenceError
        If a part cannot be saved. This is a `ValueError`.
    OSError
        If the folder does not exist or is not writable (this is checked first), or if the disk is
        full.
    TypeError, ValueError
        If `path` is not a path, or empty.

    See Also
    --------
    load : Load the estimator.

    Notes
    -----
    Skorch callbacks that were trained, ``callbacks_``, are not saved, and an estimator with
    ``callbacks`` is refused: set the parameter to None. The parameter ``checkpoint``, a folder of
    this machine, is saved as None. A `numpy.random.RandomState` among the
    parameters is saved with its current state, so that fits after loading draw what they would have
    drawn.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.persistence import load, read_info, save
    >>> from sklearn_ecg.preprocessing import BeatFeatures
    >>> X, y = make_ecg(20, random_state=0, return_X_y=True)
    >>> features = BeatFeatures(sampling_rate=100)
    >>> model = make_pipeline(features, SimpleImputer(), LogisticRegression(max_iter=2000))
    >>> model = model.fit(X, y)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "model.ecg")
    >>> save(model, path)
    >>> np.array_equal(load(path).predict_proba(X), model.predict_proba(X))
    True
    >>> info = read_info(path)
    >>> info["lead_names"][:3], info["sampling_rate"], info["classes"]
    (['I', 'II', 'III'], 100, [0, 1])

    What cannot be saved is named, and nothing is written:

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> try:
    ...     save(make_pipeline(features, KNeighborsClassifier()), path)
    ... except ValueError as error:
    ...     print(error)
    Pipeline.steps[1][1] is a sklearn.neighbors._classification.KNeighborsClassifier, which cannot
    be saved. Only estimators of sklearn_ecg and common ones of scikit-learn can be: see the
    documentation of sklearn_ecg.persistence.save.
    >>> folder.cleanup()
    """
    path = expand_path(path, "path")
    reserved = reserve_file(path)
    try:
        with usual_settings(torch.device("cpu")):
            content = _to_bytes(estimator)
        write_file(reserved, path, content)
    finally:
        if os.path.exists(reserved):
            os.remove(reserved)


def _to_bytes(estimator):
    """Return the content of a file, from which the same estimator has been loaded."""
    encoder, content = _encode(estimator)
    decoder, loaded = _decode(
        content, type(estimator).__name__, encoder.functions, "cannot be saved"
    )
    for original, copy in zip(encoder.deep, decoder.deep, strict=True):
        different = module_difference(original.net_.module_, copy.net_.module_)
        if different is not None:
            raise PersistenceError(
                f"The network of {type(original).__name__} differs from the one that its "
                f"parameters and weights describe, in net_.module_{different}. Were parameters or "
                "the module changed after fit? A module of your own must keep its state in "
                "parameters and buffers."
            )
    if _encode(loaded)[1] != content:
        raise PersistenceError(
            f"{type(estimator).__name__} has attributes that cannot be saved exactly."
        )
    return content


def _encode(estimator):
    encoder = Encoder()
    root = encoder.encode(estimator, type(estimator).__name__)
    if not isinstance(root, dict) or "estimator" not in root:
        raise PersistenceError(f"estimator must be an estimator, got {type(estimator).__name__}.")
    header = {
        "versions": {
            "sklearn_ecg": __version__,
            "scikit-learn": sklearn.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "python": platform.python_version(),
        },
        "info": _info(estimator),
        "functions": sorted(encoder.functions),
        "estimator": root,
    }
    return encoder, pack(header, encoder.arrays)


def load(path, modules=None, *, max_bytes=_MAX_BYTES) -> Any:
    """Load an estimator that `save` wrote, without running code from the file.

    The file is read as data. Its length, digest, JSON and array shapes are checked first, classes
    are looked up in a fixed table of this library, and memory and time are bounded by the size of
    the file. The digest detects damage. It is no signature: whoever can replace a file can also
    replace its digest, and with it the model.

    Parameters
    ----------
    path : str or path-like
        A regular file.
    modules : callable or dict of str to callable, default=None
        Networks and functions of your own that the estimator uses: a class or function, or a dict
        by name. They are called when the network is built. A file cannot name any others.
    max_bytes : int, default=4294967296
        Larger files are refused. Loading takes about three times the size of the file in memory.

    Returns
    -------
    estimator : estimator object
        Equal to the one that was saved.

    Raises
    ------
    PersistenceError
        If the file is no model file, truncated, altered, too large, written by a later version of
        the format, or invalid; or if it uses a network or function that is not in ``modules``. This
        is a `ValueError`.
    OSError
        If the file cannot be read.
    TypeError, ValueError
        If `path` is not a path, or `max_bytes` not a positive integer.

    See Also
    --------
    save : Save an estimator.
    read_info : Read what a file contains without loading it.

    Examples
    --------
    A network of your own is not in the file, only its name and its weights:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> from sklearn_ecg import ECGNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.persistence import load, save
    >>> class SmallNet(torch.nn.Module):
    ...     def __init__(self, n_leads, n_outputs):
    ...         super().__init__()
    ...         self.linear = torch.nn.Linear(n_leads, n_outputs)
    ...
    ...     def forward(self, x):
    ...         return self.linear(x.square().mean(2))
    >>> X, y = make_ecg(20, random_state=0, return_X_y=True)
    >>> clf = ECGNetClassifier(SmallNet, max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(clf, Path(folder, "model.ecg"))
    ...     loaded = load(Path(folder, "model.ecg"), modules=SmallNet)
    >>> (loaded.predict_proba(X) == clf.predict_proba(X)).all()
    np.True_
    """
    functions = _check_modules(modules)
    path = expand_path(path, "path")
    name = os.path.basename(path)
    return _decode(read_file(path, max_bytes), name, functions)[1]


def read_info(path, *, max_bytes=_MAX_BYTES):
    """Read what a file contains, without loading the estimator.

    Parameters
    ----------
    path : str or path-like
        A regular file that `save` wrote.
    max_bytes : int, default=4294967296
        Larger files are refused.

    Returns
    -------
    info : dict
        "class", the name of the estimator; "lead_names", "sampling_rate" (Hz) and "unit" of the
        training records, None where they are unknown; "classes", or None; "functions", the names of
        what `load` needs as ``modules``; and "versions" of the libraries that wrote the file.

    Raises
    ------
    PersistenceError
        If the file is no model file, or not intact. This is a `ValueError`.
    OSError
        If the file cannot be read.
    TypeError, ValueError
        If `path` is not a path, or `max_bytes` not a positive integer.

    See Also
    --------
    load : Load the estimator.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_ecg.persistence import read_info, save
    >>> from sklearn_ecg.preprocessing import BandpassFilter
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(BandpassFilter(sampling_rate=500), Path(folder, "filter.ecg"))
    ...     info = read_info(Path(folder, "filter.ecg"))
    >>> info["class"], info["lead_names"], info["functions"]
    ('BandpassFilter', None, [])
    """
    path = expand_path(path, "path")
    name = os.path.basename(path)
    header, _ = disassemble(read_file(path, max_bytes), name)
    with _named_errors(name):
        header = parse_json(header, "its header")
        _check_is_model(header)
        return {**header["info"], **{key: header[key] for key in ("functions", "versions")}}


def _check_modules(modules):
    if modules is None:
        return {}
    if callable(modules):
        modules = {getattr(modules, "__name__", type(modules).__name__): modules}
    if not isinstance(modules, dict) or not all(
        isinstance(name, str) and callable(value) for name, value in modules.items()
    ):
        raise ValueError(
            "modules must be a class or function, or a dict of names to classes and functions, got "
            f"{modules!r}."
        )
    return dict(modules)


class _named_errors:
    """Raise every error in the block as a PersistenceError with the name of the file."""

    def __init__(self, name, what="is not valid"):
        self._name, self._what = name, what

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error is None or not isinstance(error, Exception):
            return
        reason = str(error) if kind is PersistenceError else f"{kind.__name__}: {error}"
        end = "" if reason.endswith((".", "?")) else "."
        raise PersistenceError(f"{self._name} {self._what}: {reason}{end}") from error


def _decode(content, name, functions, *what):
    """Return the decoder and the estimator of a file."""
    disassemble(content, name)
    with _named_errors(name, *what), usual_settings(torch.device("cpu")):
        header, arrays = unpack(content, name)
        _check_is_model(header)
        decoder = Decoder(arrays, functions, header["versions"]["scikit-learn"])
        estimator = decoder.decode(header["estimator"])
        if set(header["estimator"]) != {"estimator"}:
            raise PersistenceError("it contains no estimator")
        if _info(estimator) != header["info"]:
            raise PersistenceError("its summary differs from its estimator")
        return decoder, estimator


def _check_is_model(header):
    if "checkpoint" in header:
        raise PersistenceError(
            "it is the checkpoint of an interrupted or complete fit, which only fit can read"
        )


def _info(estimator):
    """Return a summary: class, leads, sampling rate, unit and classes."""
    first = _first_with_leads(estimator, [])
    classes = getattr(estimator, "classes_", None)
    names = getattr(first, "lead_names_in_", None)
    return {
        "class": type(estimator).__name__,
        "lead_names": None if names is None else [str(lead) for lead in names],
        "sampling_rate": _plain(getattr(first, "sampling_rate_in_", None)),
        "unit": _plain(getattr(first, "units_in_", None)),
        "classes": None if classes is None else _plain(classes),
    }


def _plain(value):
    """Return a value for a summary in JSON."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _first_with_leads(value, seen):
    """Return the first estimator in an estimator that knows its leads, or None."""
    if id(value) in seen or len(seen) > 1000:
        return None
    seen.append(id(value))
    if hasattr(value, "lead_names_in_"):
        return value
    if isinstance(value, (list, tuple)):
        parts = value
    elif hasattr(value, "get_params") and not isinstance(value, type):
        parts = [v for _, v in sorted(vars(value).items())]
    else:
        return None
    found = (_first_with_leads(part, seen) for part in parts)
    return next((part for part in found if part is not None), None)
