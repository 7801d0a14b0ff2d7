"""Files that are truncated, altered, hostile or old, and how files are written."""

import errno
import hashlib
import json
import os
import pickle
import stat
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ACLECGEncoder, ECGNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.persistence import PersistenceError, load, read_info, save
from sklearn_ecg.preprocessing import BandpassFilter, ECGImageRenderer
from sklearn_ecg.utils import _container

X, Y = make_ecg(12, duration=1, random_state=0, return_X_y=True)
FEATURES = np.random.default_rng(0).standard_normal((60, 3))
CLASSES = (FEATURES[:, 0] > 0).astype(int)
RESNET = {"width": 8, "n_blocks": 1, "embedding_dim": 8}


def saved(estimator, tmp_path):
    save(estimator, tmp_path / "model.ecg")
    return (tmp_path / "model.ecg").read_bytes()


def load_bytes(content, tmp_path):
    (tmp_path / "changed.ecg").write_bytes(content)
    return load(tmp_path / "changed.ecg")


def parts(content):
    """Return the header and the bytes of the arrays of a file."""
    header, arrays = _container.disassemble(content, "file")
    return json.loads(header), bytes(arrays)


def signed(header, arrays):
    """Return a file with a valid digest, as somebody who means harm would write it."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return _container.assemble(header, arrays)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    estimator = ECGNetClassifier(module_params=RESNET, max_epochs=1, random_state=0).fit(X, Y)
    return saved(estimator, tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def scaler(tmp_path_factory):
    return saved(StandardScaler().fit(FEATURES), tmp_path_factory.mktemp("scaler"))


# --------------------------------------------------------------------------------------------------
# Damage
# --------------------------------------------------------------------------------------------------


def test_truncation_is_found(scaler, tmp_path):
    for n_bytes in [*range(0, len(scaler), 5), len(scaler) - 1]:
        match = "truncated" if n_bytes >= 16 else "no model file"
        with pytest.raises(PersistenceError, match=match):
            load_bytes(scaler[:n_bytes], tmp_path)


def test_altered_bytes_are_found(scaler, tmp_path):
    for position in [*range(64), *range(64, len(scaler), 5)]:
        changed = bytearray(scaler)
        changed[position] ^= 1 << (position % 8)
        with pytest.raises(PersistenceError):
            load_bytes(bytes(changed), tmp_path)
    with pytest.raises(PersistenceError, match="altered or damaged.*SHA-256"):
        load_bytes(bytes(changed), tmp_path)


def test_arrays_are_not_parsed_before_the_digest_is_checked(network, tmp_path, monkeypatch):
    def fail(content):
        raise AssertionError("the arrays were parsed")

    monkeypatch.setattr(_container.safetensors, "load", fail)
    for changed in (network[:-1], network + b"\0", network[:-1] + b"\x7f"):
        with pytest.raises(PersistenceError):
            load_bytes(changed, tmp_path)


def test_swapped_headers(scaler, network, tmp_path):
    for first, second in ((scaler, network), (network, scaler)):
        with pytest.raises(PersistenceError, match="altered|truncated|damaged"):
            load_bytes(first[:64] + second[64:], tmp_path)
        with pytest.raises(PersistenceError, match="table in its header|header of its arrays"):
            load_bytes(signed(parts(first)[0], parts(second)[1]), tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4", pickle.dumps(StandardScaler()), b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_foreign_files(content, tmp_path):
    for function in (load, read_info):
        (tmp_path / "other.bin").write_bytes(content)
        with pytest.raises(PersistenceError, match="other.bin is no model file of sklearn_ecg"):
            function(tmp_path / "other.bin")


def test_pickles_are_never_loaded(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("pickle was called")

    estimator = ECGNetClassifier(module_params=RESNET, max_epochs=1, random_state=0).fit(X, Y)
    expected = estimator.predict_proba(X)
    monkeypatch.setattr("pickle.load", fail)
    monkeypatch.setattr("pickle.loads", fail)
    monkeypatch.setattr("pickle.Unpickler", fail)
    monkeypatch.setattr("torch.load", fail)
    saved(estimator, tmp_path)
    assert (load(tmp_path / "model.ecg").predict_proba(X) == expected).all()


def test_later_versions(scaler, tmp_path):
    header, arrays = _container.disassemble(scaler, "file")
    later = _container.assemble(header, bytes(arrays), version=_container.VERSION + 1)
    with pytest.raises(
        PersistenceError, match=r"has version 2 .* reads versions up to 1\. Install"
    ):
        load_bytes(later, tmp_path)
    with pytest.raises(PersistenceError, match="its version is 0"):
        load_bytes(_container.assemble(header, bytes(arrays), version=0), tmp_path)


def test_large_files(scaler, tmp_path):
    (tmp_path / "model.ecg").write_bytes(scaler)
    for limit in (1, 100):
        with pytest.raises(PersistenceError, match=f"more than max_bytes={limit}"):
            load(tmp_path / "model.ecg", max_bytes=limit)
    assert load(tmp_path / "model.ecg", max_bytes=len(scaler)).n_features_in_ == 3
    with pytest.raises(PersistenceError, match=f"has {len(scaler)} bytes"):
        load(tmp_path / "model.ecg", max_bytes=len(scaler) - 1)
    for wrong in (0, 1.5, True, "1 GB"):
        for function in (load, read_info):
            with pytest.raises(ValueError, match="max_bytes must be an integer >= 1"):
                function(tmp_path / "model.ecg", max_bytes=wrong)
    with open(tmp_path / "sparse.ecg", "wb") as file:
        file.write(scaler[:64])
        file.truncate(2**40)  # a terabyte without content
    with pytest.raises(PersistenceError, match="has 1099511627776 bytes"):
        load(tmp_path / "sparse.ecg")
    with open(tmp_path / "sparse.ecg", "wb") as file:
        file.truncate(2**31)
    with pytest.raises(PersistenceError, match="no model file"):
        load(tmp_path / "sparse.ecg")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_only_regular_files(scaler, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PersistenceError, match="pipe is not a regular file"):
        load(tmp_path / "pipe")
    with pytest.raises(PersistenceError, match="not a regular file"):
        load("/dev/zero")
    with pytest.raises(PersistenceError, match="regular file|folder"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.ecg")
    (tmp_path / "model.ecg").write_bytes(scaler)
    (tmp_path / "link").symlink_to(tmp_path / "model.ecg")
    assert load(tmp_path / "link").n_features_in_ == 3


# --------------------------------------------------------------------------------------------------
# Harm: files with a valid digest
# --------------------------------------------------------------------------------------------------


def test_header_limits(scaler, tmp_path):
    text, arrays = _container.disassemble(scaler, "file")
    arrays = bytes(arrays)
    cases = {
        b"[" * 10**6: "nested more than",
        b'{"a":' * 1000 + b"1" + b"}" * 1000: "nested more than",
        text[:-1] + b',"info":{}}': "a key is repeated",
        b'{"estimator":{"estimator":1,"estimator":2}}': "a key is repeated",
        b'{"estimator":NaN}': "NaN is no number",
        b'{"estimator":1e999}': "table of arrays",
        b"[]": "table of arrays",
        b"\xff": "ascii",
        b"": "Expecting value",
        b"9" * 10**5: "digits",
        json.dumps("[" * 1000).encode(): "table of arrays",
    }
    for content, message in cases.items():
        with pytest.raises(PersistenceError, match=message):
            load_bytes(signed(content, arrays), tmp_path)
    declared = bytearray(scaler)
    declared[20:24] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(PersistenceError, match="declares a header of 4294967295 bytes"):
        load_bytes(bytes(declared), tmp_path)


def change_arrays(arrays, **changes):
    """Return the bytes of arrays with a changed description of the first."""
    (n_bytes,) = struct.unpack_from("<Q", arrays)
    described = json.loads(arrays[8 : 8 + n_bytes])
    described["0"].update(changes)
    text = json.dumps(described).encode()
    return struct.pack("<Q", len(text)) + text + arrays[8 + n_bytes :]


def test_declared_shapes(scaler, tmp_path):
    header, arrays = parts(scaler)
    for shape in ([2**62], [2**40, 2**40], [-1], [0, 5], [1] * 33, [1.5], [True], 3, "3"):
        table = [[header["arrays"][0][0], shape], *header["arrays"][1:]]
        changed = signed({**header, "arrays": table}, change_arrays(arrays, shape=shape))
        with pytest.raises(PersistenceError, match="shape|table"):
            load_bytes(changed, tmp_path)
    for offsets in ([0, 2**62], [8, 16], [-8, 16], [0.0, 8], [0], None):
        changed = signed(header, change_arrays(arrays, data_offsets=offsets))
        with pytest.raises(PersistenceError, match="size|overlap"):
            load_bytes(changed, tmp_path)
    for dtype in ("F4096", "BF16", 3, None, "C64"):
        table = [[dtype, header["arrays"][0][1]], *header["arrays"][1:]]
        changed = signed({**header, "arrays": table}, change_arrays(arrays, dtype=dtype))
        with pytest.raises(PersistenceError, match="table"):
            load_bytes(changed, tmp_path)
    with pytest.raises(PersistenceError, match="do not fill the file"):
        load_bytes(signed(header, arrays + b"\0"), tmp_path)
    with pytest.raises(PersistenceError, match="declare a header of"):
        load_bytes(signed(header, struct.pack("<Q", 2**60) + arrays[8:]), tmp_path)
    with pytest.raises(PersistenceError, match="no header"):
        load_bytes(signed(header, b""), tmp_path)


VALUES = [
    {"class": "os.system"},
    {"class": "sklearn_ecg.nn.../../etc/passwd"},
    {"class": "builtins.eval"},
    {"class": ["sklearn_ecg.nn.VGG1d"]},
    {"function": "system"},
    {"metric": "SCORERS"},
    {"metric": "__builtins__"},
    {"estimator": ["sklearn.svm.SVC", {}, {}]},
    {"estimator": ["sklearn.preprocessing.StandardScaler", {"copies": 1}, {}]},
    {"estimator": ["sklearn.preprocessing.StandardScaler", {}, {"transform": 1}]},
    {"estimator": ["sklearn.preprocessing.StandardScaler", {}, {"__class__": 1}]},
    {"estimator": ["sklearn.preprocessing.StandardScaler", {}, {"a b": 1}]},
    {"object": ["sklearn.model_selection.KFold", {"split": 1}]},
    {"object": ["subprocess.Popen", {}]},
    {"special": ["sklearn._loss.loss.HalfMultinomialLoss", {"dict": [["n_classes", 10**9]]}]},
    {"partial": [{"class": "builtins.exec"}, [], {"dict": []}]},
    {"ref": 10**9},
    {"ref": -1},
    {"array": 10**9},
    {"array": 0, "order": "A"},
    {"array": 0, "dtype": "O"},
    {"empty": ["<f8", [2]]},
    {"empty": ["<f8", [2**40]]},
    {"empty": ["<f8", [0, 2**62, 2**62]]},
    {"empty": ["O" * 10**4, [0]]},
    {"objects": [[2**40], []]},
    {"objects": [[2, -1], [1, 2]]},
    {"strings": {"array": 0}},
    {"texts": {"array": 0}},
    {"times": ["<f8", {"array": 0}]},
    {"scalar": {"array": 0}},
    {"scalar": {"class": "builtins.bool"}},
    {"scalar": 0},
    {"float": "1e5"},
    {"dict": [[1, 2], [1, 3]]},
    {"dict": [[[], 2]]},
    {"dict": 5},
    {"sparse": ["dia_matrix", [3, 3], {"array": 0}, {"array": 0}, {"array": 0}]},
    {"sparse": ["csr_matrix", [9, 9], {"array": 0}, {"array": 0}, {"array": 0}]},
    {"random_state": {"dict": []}},
    {"generator": {"dict": [["bit_generator", "MT19937"]]}},
    {"bytes": "xyz"},
    {"dtype": "i4,f4"},
    {"device": "../../x"},
    {"unknown": 1},
    {"a": 1, "b": 2},
    {},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: json.dumps(v)[:60])
def test_values_outside_the_grammar(value, scaler, tmp_path):
    header, arrays = parts(scaler)
    header["estimator"]["estimator"][1]["copy"] = value
    with pytest.raises(PersistenceError, match="changed.ecg is not valid"):
        load_bytes(signed(header, arrays), tmp_path)
    with pytest.raises(PersistenceError):
        load_bytes(signed({**header, "estimator": value}, arrays), tmp_path)


@pytest.mark.parametrize("part, position, number", [(1, 0, 99), (1, 1, -1), (2, 1, 99)])
def test_sparse_matrix_that_would_read_other_memory(part, position, number, tmp_path):
    """SciPy's functions in C trust the column numbers and the row limits."""
    matrix = sparse.csr_array(np.array([[0.0, 5.0, 0.0], [7.0, 0.0, 0.0]]))
    content = saved(StandardScaler().set_params(copy=matrix), tmp_path)
    assert (load_bytes(content, tmp_path).copy != matrix).nnz == 0
    header, arrays = parts(content)
    value = header["estimator"]["estimator"][1]["copy"]["sparse"]
    loaded = _container.safetensors.load(arrays)
    changed = loaded[str(value[2 + part]["array"])]
    changed[position] = number
    with pytest.raises(PersistenceError, match="changed.ecg is not valid: ValueError"):
        load_bytes(signed(header, _container.safetensors.save(loaded)), tmp_path)


def test_many_references_take_no_memory(scaler, tmp_path):
    header, arrays = parts(scaler)
    header["estimator"]["estimator"][2]["z_many_"] = [{"ref": 0}] * 100_000
    loaded = load_bytes(signed(header, arrays), tmp_path)
    assert len({id(v) for v in loaded.z_many_}) == 1


def test_content_that_would_take_quadratic_time(scaler, tmp_path):
    """These take seconds; without limits, they would take hours."""
    header, arrays = parts(scaler)
    colliding = [[i * (2**61 - 1), 0] for i in range(150_000)]
    for value in ({"dict": colliding}, {"set": [key for key, _ in colliding]}):
        header["estimator"]["estimator"][1]["copy"] = value
        with pytest.raises(PersistenceError, match="more than 2000 keys"):
            load_bytes(signed(header, arrays), tmp_path)
    for text in (b'"' + b'\\"' * 2_000_000, b'"' + b"\\" * 4_000_001, b'"' * 4_000_001):
        with pytest.raises(PersistenceError, match="its header is not valid"):
            load_bytes(signed(text, arrays), tmp_path)


def test_summary_must_fit(scaler, tmp_path):
    header, arrays = parts(scaler)
    header["info"]["classes"] = ["well", "ill"]
    with pytest.raises(PersistenceError, match="its summary differs"):
        load_bytes(signed(header, arrays), tmp_path)


def network_params(header):
    return header["estimator"]["estimator"][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"module_params": {"dict": [["width", 10**9]]}},
        {"module_params": {"dict": [["n_blocks", 10**9]]}},
        {"module_params": {"dict": [["embedding_dim", 10**9]]}},
        {"module_params": {"dict": [["width", -1]]}},
        {"module": "transformer"},
        {"module": {"class": "sklearn_ecg.nn.VGG1d"}},
        {"module_params": {"dict": [["n_leads", 3]]}},
        {"module": "../../module"},
        {"module": {"class": "numpy.float64"}},
    ],
    ids=str,
)
def test_network_that_its_weights_do_not_fit(changes, network, tmp_path):
    """Weights larger than the file are not allocated, and layers without end not made."""
    header, arrays = parts(network)
    network_params(header).update(changes)
    with pytest.raises(PersistenceError, match="changed.ecg is not valid"):
        load_bytes(signed(header, arrays), tmp_path)


def test_precision_that_the_weights_do_not_have(network, tmp_path):
    header, arrays = parts(network)
    fitted = header["estimator"]["estimator"][2]
    assert fitted["_fitted_precision"] == "float32"
    fitted["_fitted_precision"] = "float64"
    with pytest.raises(PersistenceError, match="changed.ecg is not valid"):
        load_bytes(signed(header, arrays), tmp_path)
    # Older files have the parameter only.
    del fitted["_fitted_precision"]
    loaded = load_bytes(signed(header, arrays), tmp_path)
    expected = load_bytes(network, tmp_path).predict_proba(X)
    assert loaded.predict_proba(X).tobytes() == expected.tobytes()
    network_params(header)["precision"] = "float64"
    with pytest.raises(PersistenceError, match="changed.ecg is not valid"):
        load_bytes(signed(header, arrays), tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_network_of_a_gpu_predicts_on_the_cpu(network, tmp_path):
    header, arrays = parts(network)
    described = dict(header["estimator"]["estimator"][3]["dict"])
    assert described["device"] == "cpu"
    pairs = header["estimator"]["estimator"][3]["dict"]
    pairs[[key for key, _ in pairs].index("device")][1] = "cuda:0"
    with pytest.warns(UserWarning, match="trained on cuda:0.*It predicts on the CPU"):
        loaded = load_bytes(signed(header, arrays), tmp_path)
    expected = load_bytes(network, tmp_path).predict_proba(X)
    assert loaded.predict_proba(X).tobytes() == expected.tobytes()


def test_length_of_records_is_bounded(tmp_path):
    """The encoders of ACL-ECG are called once when the network is built."""
    encoder = ACLECGEncoder(max_epochs=1, projection_dim=4, augmentation=[], random_state=0)
    header, arrays = parts(saved(encoder.fit(X), tmp_path))
    header["estimator"]["estimator"][2]["n_times_in_"] = 10**12
    with pytest.raises(PersistenceError, match="longer records"):
        load_bytes(signed(header, arrays), tmp_path)


TREES = {
    "nodes point back": lambda state, nodes, names: nodes[names[0]].__setitem__(0, 0),
    "child outside": lambda state, nodes, names: nodes[names[0]].__setitem__(0, 10**6),
    "right child outside": lambda state, nodes, names: nodes[names[1]].__setitem__(0, 10**6),
    "feature": lambda state, nodes, names: nodes[names[2]].__setitem__(0, 3),
    "negative feature": lambda state, nodes, names: nodes[names[2]].__setitem__(0, -1),
}
TREES_OF_BOOSTING = {
    "categories": lambda state, nodes, names: nodes["is_categorical"].__setitem__(0, 1),
}
TREES_OF_FORESTS = {
    "one child": lambda state, nodes, names: nodes["right_child"].__setitem__(0, -1),
    "values": lambda state, nodes, names: state.update(values=state["values"][:, :, :1]),
    "classes": lambda state, nodes, names: state.update(n_classes=np.array([0])),
    "features": lambda state, nodes, names: state.update(n_features=10),
    "number of features": lambda state, nodes, names: state.update(n_features=3.5),
}


@pytest.mark.parametrize(
    "kind, name",
    [("boosting", name) for name in {**TREES, **TREES_OF_BOOSTING}]
    + [("forest", name) for name in {**TREES, **TREES_OF_FORESTS}]
    + [(kind, name) for kind in ("boosting", "forest") for name in ("bytes", "fields", "empty")],
)
def test_trees_that_would_read_other_memory(kind, name, tmp_path, monkeypatch):
    """Compiled code follows the nodes of a tree without checks."""
    from sklearn_ecg.persistence import _encoding

    if kind == "boosting":
        model, key = HistGradientBoostingClassifier(max_iter=2), "TreePredictor"
        names = ("left", "right", "feature_idx")
    else:
        model, key = RandomForestClassifier(2, random_state=0), "Tree"
        names = ("left_child", "right_child", "feature")
    model.fit(FEATURES, CLASSES)
    to_state, from_state = _encoding.SPECIAL_CODECS[key]

    def changed(tree):
        state = to_state(tree)
        packed = state if kind == "boosting" else state["nodes"]
        nodes = np.frombuffer(
            packed["records"].tobytes(), [tuple(field) for field in packed["fields"]]
        ).copy()
        change = {**TREES, **TREES_OF_BOOSTING, **TREES_OF_FORESTS}.get(name)
        if change is not None:
            change(state, nodes, names)
        packed["records"] = np.frombuffer(nodes.tobytes(), np.uint8).copy()
        if name in ("bytes", "empty"):
            packed["records"] = packed["records"][len(nodes.tobytes()) * (name == "empty") + 1 :]
            packed["records"] = packed["records"][: len(packed["records"]) * (name == "bytes")]
        elif name == "fields":
            packed["fields"] = packed["fields"][::-1]
        return state

    monkeypatch.setitem(_encoding.SPECIAL_CODECS, key, (changed, from_state))
    _, content = _save_load()._encode(model)
    monkeypatch.undo()
    match = "of a tree|a tree has|has a tree|of HistGradientBoosting has"
    with pytest.raises(PersistenceError, match=match):
        load_bytes(content, tmp_path)


@pytest.mark.parametrize(
    "change, message",
    [
        (("class", "Linear"), "the normalization 'Linear'"),
        (("mode", "other"), "normalization is unknown"),
        (("n_leads_out", 10**12), "statistics of another shape"),
        (("mean", {"ref": 0}), "statistics of another shape"),
        (("weights", {"dict": []}), "weights differ"),
        (("weights", {"dict": [["stem.0.weight", {"dict": [["float8", 1]]}]]}), "unknown kind"),
        (("device", "printer"), "printer"),
    ],
)
def test_network_with_another_description(change, message, network, tmp_path):
    header, arrays = parts(network)
    key, value = change
    pairs = header["estimator"]["estimator"][3]["dict"]
    normalizer = pairs[[name for name, _ in pairs].index("normalizer")][1]["dict"]
    for place in (pairs, normalizer):
        for pair in place:
            if pair[0] == key:
                pair[1] = value
    with pytest.raises(PersistenceError, match=message):
        load_bytes(signed(header, arrays), tmp_path)


def _save_load():
    from sklearn_ecg.persistence import _save_load

    return _save_load


# --------------------------------------------------------------------------------------------------
# Version 1 of the format
# --------------------------------------------------------------------------------------------------


def version_1(estimator, arrays, versions=None, classes=None):
    """Return a file of version 1, written without the functions of the library.

    Later versions of the library must load it: do not change this function.
    """
    types = {"float64": "F64", "int64": "I64", "uint32": "U32", "float32": "F32"}
    described, data = {}, b""
    for number, array in enumerate(arrays):
        end = len(data) + array.nbytes
        described[str(number)] = {
            "dtype": types[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 8)
    tensors = struct.pack("<Q", len(text)) + text + data if arrays else b""
    header = {
        "versions": {"scikit-learn": "1.9.1", "sklearn_ecg": "0.1.0", **(versions or {})},
        "info": {
            "class": estimator["estimator"][0].rpartition(".")[2],
            "lead_names": None,
            "sampling_rate": None,
            "unit": None,
            "classes": classes,
        },
        "functions": [],
        "estimator": estimator,
        "arrays": [[types[array.dtype.name], list(array.shape)] for array in arrays],
    }
    header = json.dumps(header).encode()
    start = b"\x89sklearn_ecg\r\n\x1a\n" + struct.pack("<IIQ", 1, len(header), len(tensors))
    digest = hashlib.sha256(start + header + tensors).digest()
    return start + digest + header + tensors


def scaler_of_version_1():
    arrays = [np.array([1.0, 2.0]), np.array(8), np.array([4.0, 16.0])]
    # 2 x 2 letters as numbers of Unicode.
    arrays.append(np.array([[73, 0], [73, 73]], dtype=np.uint32))
    fitted = {
        # Values are counted in the order of the sorted attributes: this is the first.
        "a_mean_": {"array": 0},
        "mean_": {"ref": 0},
        "n_features_in_": 2,
        "n_samples_seen_": {"scalar": {"array": 1}},
        "var_": {"array": 2},
        "scale_": {"empty": ["<f8", [0]]},
        "names_": {"strings": {"array": 3}},
        "z_many_": [
            {"tuple": [1, None, True, 0.5, {"float": "nan"}]},
            {"dict": [["a", {"bytes": "00ff"}]]},
            {"slice": [None, 2, None]},
            {"objects": [[2], ["a", 1]]},
            {"texts": {"array": 3}},
            {"class": "numpy.float32"},
            {"dtype": "<i2"},
            {"partial": [{"class": "sklearn_ecg.nn.VGG1d"}, [1], {"dict": [["kernel_size", 5]]}]},
            {"object": ["sklearn.model_selection.KFold", {"n_splits": 4}]},
        ],
    }
    name = "sklearn.preprocessing.StandardScaler"
    params = {"copy": True, "with_mean": True, "with_std": False}
    return version_1({"estimator": [name, params, fitted]}, arrays)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_version_1_must_load(tmp_path):
    loaded = load_bytes(scaler_of_version_1(), tmp_path)
    assert loaded.transform([[3.0, 5.0]]).tolist() == [[2.0, 3.0]]
    assert loaded.mean_ is loaded.a_mean_
    assert loaded.n_samples_seen_ == 8 and isinstance(loaded.n_samples_seen_, np.int64)
    assert loaded.names_.tolist() == ["I", "II"]
    assert loaded.z_many_[0][:4] == (1, None, True, 0.5) and np.isnan(loaded.z_many_[0][4])
    assert loaded.z_many_[1] == {"a": b"\0\xff"} and loaded.z_many_[2] == slice(None, 2)
    assert loaded.z_many_[4].tolist() == ["I", "II"] and loaded.z_many_[4].dtype == object
    assert loaded.z_many_[3].tolist() == ["a", 1] and loaded.z_many_[5] is np.float32
    assert loaded.z_many_[6] == np.int16 and loaded.z_many_[7].keywords == {"kernel_size": 5}
    assert loaded.z_many_[8].n_splits == 4 and loaded.scale_.shape == (0,)
    info = read_info(tmp_path / "changed.ecg")
    assert info["class"] == "StandardScaler" and info["versions"]["sklearn_ecg"] == "0.1.0"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_network_of_version_1_must_load(tmp_path):
    """The header is written here; the names of the weights are those of the network."""
    fitted = ECGNetClassifier(module_params=RESNET, max_epochs=1, random_state=0).fit(X, Y)
    arrays, pairs = [], []

    def add(array):
        arrays.append(np.array(array))
        return {"array": len(arrays) - 1}

    fitted_attributes = {
        "_fitted_scale": None,
        "_target_kind": "binary",
        "classes_": add(np.array([0, 1])),
        "lead_names_in_": None,
        "n_features_in_": 12,
        "n_leads_in_": 12,
        "n_times_in_": 100,
        "sampling_rate_in_": None,
        "units_in_": None,
    }
    for name, value in fitted.net_.module_.state_dict().items():
        pairs.append([name, add(value.numpy())])
    normalizer = [["class", "LeadNormalizer"], ["mode", "dataset"], ["leads", None]]
    normalizer += [["n_leads_out", 12], ["mean", add(fitted.normalizer_.mean.numpy())]]
    normalizer += [["scale", add(fitted.normalizer_.scale.numpy())]]
    network = [
        ["weights", {"dict": pairs}],
        ["frozen", []],
        ["device", "cpu"],
        ["mixed_precision", False],
        ["normalizer", {"dict": normalizer}],
    ]
    params = {"module": "resnet1d_wang", "module_params": {"dict": list(RESNET.items())}}
    estimator = ["sklearn_ecg.ECGNetClassifier", params, fitted_attributes, {"dict": network}]
    content = version_1({"estimator": estimator}, arrays, classes=[0, 1])
    loaded = load_bytes(content, tmp_path)
    assert loaded.predict_proba(X).tobytes() == fitted.predict_proba(X).tobytes()
    # Parameters that the file does not have, as it has been written before there were any.
    assert loaded.get_params()["batch_size"] == 32


def test_renderers_before_grid_width_and_font(tmp_path):
    """Parameters that a file does not have get the defaults, which draw the same pages."""
    records, _ = make_ecg(2, random_state=0, return_X_y=True)
    renderer = ECGImageRenderer(100, image_size=(425, 550), header="ID 7").fit(records)
    header, arrays = parts(saved(renderer, tmp_path))
    _, params, _ = header["estimator"]["estimator"]
    del params["grid_width"], params["font"]
    loaded = load_bytes(signed(header, arrays), tmp_path)
    assert loaded.get_params() == renderer.get_params()
    np.testing.assert_array_equal(loaded.transform(records), renderer.transform(records))


def test_version_of_scikit_learn_of_a_file_is_compared(tmp_path):
    with pytest.warns(InconsistentVersionWarning, match="version 0.99"):
        name = "sklearn.preprocessing.StandardScaler"
        content = version_1({"estimator": [name, {}, {}]}, [], {"scikit-learn": "0.99"})
        assert load_bytes(content, tmp_path).get_params()["with_mean"] is True


# --------------------------------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------------------------------


def test_same_estimator_gives_the_same_file(tmp_path):
    first = saved(StandardScaler().fit(FEATURES), tmp_path)
    assert saved(StandardScaler().fit(FEATURES), tmp_path) == first


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "os.chmod"])
def test_interrupted_writing_keeps_the_old_file(step, scaler, tmp_path, monkeypatch):
    (tmp_path / "model.ecg").write_bytes(scaler)

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(OSError, match="No space left"):
        save(BandpassFilter(sampling_rate=100), tmp_path / "model.ecg")
    assert [path.name for path in tmp_path.iterdir()] == ["model.ecg"]
    assert (tmp_path / "model.ecg").read_bytes() == scaler


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be opened")
def test_file_and_then_its_folder_are_written_to_the_disk(tmp_path, monkeypatch):
    """Otherwise a file could be empty, or the old one, after a loss of power."""
    synced, opened, fsync = [], [], os.fsync

    def record(descriptor):
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), os.listdir(tmp_path)))
        opened.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", record)
    save(StandardScaler().fit(FEATURES), tmp_path / "model.ecg")
    assert [is_folder for is_folder, _ in synced] == [False, True]
    assert "model.ecg" not in synced[0][1] and synced[1][1] == ["model.ecg"]
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_refused_estimator_keeps_the_old_file(scaler, tmp_path):
    (tmp_path / "model.ecg").write_bytes(scaler)
    with pytest.raises(PersistenceError):
        save(object(), tmp_path / "model.ecg")
    assert [path.name for path in tmp_path.iterdir()] == ["model.ecg"]
    assert (tmp_path / "model.ecg").read_bytes() == scaler


def test_folder_is_checked_before_anything_else(tmp_path, monkeypatch):
    monkeypatch.setattr(_save_load(), "_to_bytes", lambda estimator: pytest.fail("too late"))
    with pytest.raises(FileNotFoundError, match="The folder of path does not exist"):
        save(StandardScaler(), tmp_path / "missing" / "model.ecg")
    with pytest.raises(OSError, match="is not a regular file"):
        save(StandardScaler(), tmp_path)

    def deny(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.open", deny)
    with pytest.raises(PermissionError, match="No file can be written in the folder of path"):
        save(StandardScaler(), tmp_path / "model.ecg")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_links_and_permissions_are_kept(scaler, tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "model.ecg"
    target.write_bytes(scaler)
    target.chmod(0o640)
    (tmp_path / "link.ecg").symlink_to(target)
    save(BandpassFilter(sampling_rate=100), tmp_path / "link.ecg")
    assert (tmp_path / "link.ecg").is_symlink()
    assert load(target).sampling_rate == 100 and target.stat().st_mode & 0o777 == 0o640
    mask = os.umask(0o027)
    try:
        save(BandpassFilter(sampling_rate=100), tmp_path / "new.ecg")
    finally:
        os.umask(mask)
    assert (tmp_path / "new.ecg").stat().st_mode & 0o777 == 0o640


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from sklearn.preprocessing import StandardScaler
from sklearn_ecg.persistence import load, save

path, contents = Path(sys.argv[1]), []
models = [StandardScaler(copy=list(range(n))) for n in (500, 5000)]
for model in models:
    save(model, path)
    contents.append(path.read_bytes())
delays, found = random.Random(0), set()
for _ in range(50):
    child = os.fork()
    if not child:
        while True:
            for model in models:
                save(model, path)
    time.sleep(delays.uniform(0.002, 0.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.read_bytes() in contents, "half a file"
    found.add(contents.index(path.read_bytes()))
    load(path)
print(sorted(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_while_saving(tmp_path):
    """Killed at 50 random moments, a file is the old one or the new one."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "model.ecg")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    # On a busy machine, no child may get as far as the second file.
    assert run.stdout.strip() in ("[0]", "[1]", "[0, 1]")
