"""Differences and speed of exported networks on records of PTB-XL.

Each network is trained briefly on records of folds 1 to 8. Its ONNX file is compared with the
estimator on fold 9, record by record, and both are timed with one record.

    python benchmarks/bench_onnx.py PTB_XL_FOLDER [--write]

``--write`` replaces the table of docs/deployment.rst.
"""

import argparse
import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from _arms import TABLED
from _tables import Table, write_tables
from _timing import interleave
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    ECGNetClassifier,
    MSAICNetClassifier,
    MultilabelCalibratedClassifierCV,
    PriorCorrectedClassifier,
    SimCardioNetClassifier,
    SimCardioNetEncoder,
    to_lead_array,
)
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.persistence import export_onnx
from sklearn_ecg.preprocessing import BandpassFilter, ECGImageRenderer, LeadScaler


def measure(name, estimator, X, *, repeats):
    """Print and return the largest difference for X, and the times for its first record."""
    predict = getattr(estimator, "predict_proba", None) or estimator.transform
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        export_onnx(estimator, path, X)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        size = path.stat().st_size / 1e6
    input_name = session.get_inputs()[0].name
    array = X if isinstance(X, np.ndarray) else to_lead_array(X).astype(np.float32)
    array = array[..., None] if input_name == "images" else array
    found = [session.run(None, {input_name: record[None]})[0] for record in array]
    expected = predict(X)
    difference = np.abs(np.concatenate(found) - expected).max()
    first = X[:1] if isinstance(X, np.ndarray) else X.iloc[:1]
    functions = {
        "onnxruntime": lambda: session.run(None, {input_name: array[:1]}),
        "sklearn_ecg": lambda: predict(first),
    }
    seconds = interleave(functions, repeats=repeats, warmup=5)
    milliseconds = [statistics.median(values) * 1e3 for values in seconds.values()]
    pairs = zip(seconds["onnxruntime"], seconds["sklearn_ecg"])
    ratio = statistics.median(other / own for own, other in pairs)
    print(
        f"{name:40}{difference:10.1e}{np.abs(expected).max():10.2f}{size:8.1f} MB"
        f"{milliseconds[0]:9.2f} ms{milliseconds[1]:9.2f} ms{ratio:8.1f}",
        flush=True,
    )
    return (f"{difference:.0e}", *(f"{value:.2g}" for value in milliseconds), f"{ratio:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder of PTB-XL")
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ecg = load_ptbxl(options.folder, as_frame=True)
    folds, y = np.asarray(ecg.folds), np.asarray(ecg.target)
    train, calibration = np.flatnonzero(folds < 7)[:500], np.flatnonzero(np.isin(folds, (7, 8)))
    test, few = np.flatnonzero(folds == 9), train[:150]
    X, X_test = ecg.data, ecg.data.iloc[test]
    is_normal = y[:, list(ecg.target_names).index("NORM")]

    rows = []

    def show(name, estimator, X=X_test):
        rows.append((name, *measure(name, estimator, X, repeats=options.repeats)))

    params = {"max_epochs": 2, "random_state": 0}
    print(f"{'':40}{'difference':>10}{'largest':>10}{'file':>11}{'onnxruntime':>12}", end="")
    print(f"{'sklearn_ecg':>12}{'ratio':>8}")
    clf = MSAICNetClassifier(**TABLED, **params).fit(X.iloc[train], y[train])
    show("MSAICNetClassifier", clf)
    frozen = FrozenEstimator(clf)
    for method in ("sigmoid", "isotonic", "temperature"):
        calibrated = MultilabelCalibratedClassifierCV(frozen, method=method)
        show(
            f"the first, calibrated by {method}",
            calibrated.fit(X.iloc[calibration], y[calibration]),
        )
    corrected = PriorCorrectedClassifier(frozen, method="fitted")
    show("the first, with corrected prior", corrected.fit(X.iloc[calibration], y[calibration]))
    pipeline = make_pipeline(
        BandpassFilter(sampling_rate=100), LeadScaler(), MSAICNetClassifier(**TABLED, **params)
    )
    show("filter, scaler and MSAICNetClassifier", pipeline.fit(X.iloc[train], y[train]))
    binary = MSAICNetClassifier(**TABLED, **params).fit(X.iloc[train], is_normal[train])
    for method in ("sigmoid", "isotonic", "temperature"):
        calibrated = CalibratedClassifierCV(FrozenEstimator(binary), method=method)
        calibrated.fit(X.iloc[calibration], is_normal[calibration])
        show(f"binary, scikit-learn, {method}", calibrated)
    for module in ("resnet1d_wang", "xresnet1d101", "inception_time", "cnn_lstm", "transformer"):
        clf = ECGNetClassifier(module, max_epochs=1, random_state=0).fit(X.iloc[few], y[few])
        show(f"ECGNetClassifier, {module}", clf)
    encoder = ACLECGEncoder(sampling_rate=100, **params).fit(X.iloc[few])
    show("ACLECGEncoder", encoder)
    clf = ACLECGClassifier(FrozenEstimator(encoder), **params)
    show("ACLECGClassifier", clf.fit(X.iloc[few], y[few]))
    renderer = ECGImageRenderer(sampling_rate=100, image_size=224).fit(X)
    pages, test_pages = renderer.transform(X.iloc[few]), renderer.transform(X_test)
    encoder = SimCardioNetEncoder(**params).fit(pages)
    show("SimCardioNetEncoder", encoder, test_pages)
    clf = SimCardioNetClassifier(FrozenEstimator(encoder), unfreeze_interval=0, **params)
    show("SimCardioNetClassifier", clf.fit(pages, y[few]), test_pages)
    if options.write:
        header = ("estimator", "largest difference", "file, ms", "estimator, ms", "ratio")
        table = Table(f"{len(test)} records of fold 9", header, rows)
        write_tables("deployment.rst", "onnx", [table], "bench_onnx.py PTB_XL_FOLDER")


if __name__ == "__main__":
    main()
