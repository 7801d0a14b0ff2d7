"""Containers that are refused, by estimators and functions alike, and what the messages say."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array, dok_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils import Bunch

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    MSAICNetClassifier,
    SimCardioNetEncoder,
    detect_r_peaks,
    duplicate_groups,
    to_lead_frame,
)
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import grad_cam, lead_importance
from sklearn_ecg.preprocessing import Cropper, LeadScaler, MedianBeat, windows

X, Y = make_ecg(12, duration=2, prevalence=0.5, return_X_y=True, random_state=0)
FRAME = to_lead_frame(X)


@pytest.fixture(scope="module")
def on_array():
    return MSAICNetClassifier(filters=(4,), max_epochs=0, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def on_frame():
    return MSAICNetClassifier(filters=(4,), max_epochs=0, random_state=0).fit(FRAME, Y)


@pytest.fixture(scope="module")
def calls(on_array, on_frame):
    """Every kind of call that takes signals."""
    scaler = LeadScaler().fit(FRAME)
    return [
        on_array.predict,
        on_frame.predict_proba,
        on_frame.transform,
        scaler.transform,
        LeadScaler().fit,
        Cropper(10).fit,
        MedianBeat(sampling_rate=100).fit,
        ACLECGEncoder(sampling_rate=100).fit,
        lambda signals: MSAICNetClassifier().fit(signals, Y),
        lambda signals: detect_r_peaks(signals, 100),
        lambda signals: windows(signals, 10),
        lambda signals: grad_cam(on_array, signals),
        lambda signals: lead_importance(on_array, signals, Y),
    ]


def check_refused(calls, signals, message):
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(signals)


@pytest.mark.parametrize(
    "one",
    [
        X[0],
        FRAME.iloc[0],
        X[0, 0],
        X.reshape(12, -1)[0],
        list(X[0, 0]),
        FRAME["I"],
        FRAME.to_numpy()[0],
    ],
    ids=["X[0]", "iloc[0]", "signal", "row", "list", "column", "cells"],
)
def test_one_record_instead_of_several(one, calls):
    message = r"A single record is X\[\[0\]\], not X\[0\], or frame\.iloc\[\[0\]\]"
    check_refused(calls, one, message)


def test_one_record_of_rows():
    clf = MSAICNetClassifier(filters=(4,), max_epochs=0, n_leads=12).fit(X.reshape(12, -1), Y)
    with pytest.raises(ValueError, match=r"X\[\[0\]\]"):
        clf.predict(X.reshape(12, -1)[0])
    with pytest.raises(ValueError, match=r"n_leads=12 does not divide.*X\[\[0\]\]"):
        MSAICNetClassifier(n_leads=12).fit(X[0], Y)


@pytest.mark.parametrize("shape", [(8, 16), (8, 16, 3)])
def test_one_image_instead_of_several(shape):
    images = np.zeros((3, *shape), np.uint8)
    encoder = SimCardioNetEncoder(image_size=None, filters=(4,), n_heads=0, max_epochs=0)
    encoder.fit(images)
    assert len(encoder.transform(images[[0]])) == 1
    for one in (images[0], images[0].ravel()):
        with pytest.raises(ValueError, match=r"single image is X\[\[0\]\], not X\[0\]"):
            encoder.transform(one)


def frame_of(convert):
    """The lead frame with other objects in its cells."""
    return pd.DataFrame(
        {
            lead: pd.Series([convert(np.asarray(cell)) for cell in FRAME[lead]], dtype=object)
            for lead in FRAME
        }
    )


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(
    "convert, message",
    [
        (lambda signal: str(signal.tolist()), r"column 'I' are not signals: got str.*to_parquet"),
        (lambda signal: signal.tobytes(), "got bytes"),
        (lambda signal: signal[np.newaxis], r"ndarray of shape \(1, 200\).*cell\.ravel\(\)"),
        (lambda signal: signal[:, np.newaxis], r"ndarray of shape \(200, 1\).*cell\.ravel\(\)"),
        (torch.from_numpy, r"Tensor of shape \(200,\).*np\.asarray\(cell\)"),
        (lambda signal: np.ma.masked_greater(signal, 0), "record 0, lead 'I' has masked values"),
    ],
    ids=["text", "bytes", "row", "column", "tensor", "masked"],
)
def test_cells_that_are_not_signals(convert, message, calls):
    frame = frame_of(convert)
    check_refused(calls, frame, message)
    check_refused(calls[:1], frame.to_numpy(), message.replace("'I'", "0"))


def test_cells_that_are_signals(on_frame):
    for convert in (list, tuple, pd.Series, np.ma.masked_array):
        np.testing.assert_array_equal(on_frame.predict(frame_of(convert)), on_frame.predict(FRAME))


def test_masked_arrays(calls, on_array):
    check_refused(calls, np.ma.masked_greater(X, 1), "masked array with .* masked values.*filled")
    nothing_masked = np.ma.masked_array(X)
    np.testing.assert_array_equal(on_array.predict(nothing_masked), on_array.predict(X))
    with pytest.raises(ValueError, match="masked array"):
        duplicate_groups(np.ma.masked_greater(X, 1))
    images = np.ma.masked_array(np.zeros((3, 8, 16), np.uint8), mask=True)
    with pytest.raises(ValueError, match="masked array"):
        SimCardioNetEncoder().fit(images)


def test_frames_of_other_packages(calls):
    class DataFrame:
        __module__ = "polars.dataframe.frame"
        columns, shape = list(FRAME), FRAME.shape

        def __len__(self):
            return len(FRAME)

        def __array__(self, dtype=None, copy=None):
            return FRAME.to_numpy()

    check_refused(calls, DataFrame(), r"DataFrame of polars.*X\.to_pandas\(\)")


@pytest.mark.parametrize("nothing", [None, "records.npy"])
def test_neither_array_nor_frame(nothing, calls):
    check_refused(calls[:5], nothing, "must be an array, a lead frame or a DataFrame")


@pytest.mark.parametrize(
    "make, advice",
    [
        (lambda: Bunch(data=X), r"got Bunch\. Pass its signals, as in X\.data"),
        (lambda: {"I": X[:, 0]}, r"got dict\. Pass its signals, as in np\.stack"),
        (lambda: (record for record in X), r"got generator\. .* as in list\(X\)"),
        (lambda: map(np.asarray, X), r"got map\. .* as in list\(X\)"),
        (lambda: set(X.ravel()[:5].tolist()), "got set"),
        (lambda: X.astype("M8[s]"), r"must contain numbers, got dtype datetime64"),
        (lambda: X.astype("m8[s]"), r"must contain numbers, got dtype timedelta64"),
    ],
    ids=["Bunch", "dict", "generator", "map", "set", "dates", "durations"],
)
def test_containers_of_python(make, advice, calls):
    for call in calls[:10] + calls[11:]:  # windows requires an array-like
        check_refused([call], make(), advice)


@pytest.mark.parametrize("kind", [dok_array, csr_array])
def test_sparse_arrays_are_refused_by_scikit_learn(kind):
    """Although some of them are mappings."""
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        LeadScaler(n_leads=12).fit(kind(X.reshape(12, -1)))


def test_infinities_of_both_signs(on_array):
    """There is no warning besides the error."""
    both = X.copy()
    both[0, 0, :2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="infinity .* in 1 of 12 records"):
        on_array.predict(both)


@pytest.mark.parametrize(
    "transformer",
    [LeadScaler(), Cropper(10), MedianBeat(100, unreliable="nan")],
    ids=lambda t: type(t).__name__,
)
def test_signals_in_polars_are_refused(transformer):
    name = type(transformer).__name__
    with pytest.raises(ValueError, match=f"transform='polars' is not supported by {name}"):
        transformer.set_output(transform="polars")
    transformer.set_output(transform="pandas").set_output(transform=None)
    fitted = clone(transformer).fit(FRAME)
    with config_context(transform_output="polars"):
        for method in (fitted.transform, clone(transformer).fit_transform):
            with pytest.raises(ValueError, match=f"transform_output='polars' is not .* {name}"):
                method(FRAME)
        assert isinstance(clone(transformer).fit_transform(X), np.ndarray)
    with config_context(transform_output="pandas"):
        assert isinstance(fitted.transform(FRAME), pd.DataFrame)


@pytest.mark.parametrize("make", [MSAICNetClassifier, lambda: ACLECGClassifier(sampling_rate=100)])
def test_continuous_target(make):
    with pytest.raises(ValueError, match="continuous.*regressor such as ECGNetRegressor"):
        make().fit(X, np.linspace(0.1, 1, 12))


def test_whole_records_of_few_leads_are_compared():
    few = to_lead_frame(X[:, :2], ["I", "II"])
    params = {"objective": "simclr", "sampling_rate": 100, "max_epochs": 0, "projection_dim": 4}
    for more in ({}, {"regions": {"record": ["I", "II"]}}):
        encoder = ACLECGEncoder(**params, **more).fit(few)
        assert encoder.leads_ == ("I", "II")


@pytest.mark.parametrize("as_pair", [False, True])
def test_scoring_callbacks_of_skorch(as_pair):
    from skorch.callbacks import EpochScoring

    callback = EpochScoring("roc_auc", lower_is_better=False)
    callback = ("auc", callback) if as_pair else callback
    clf = MSAICNetClassifier(callbacks=[callback], max_epochs=1)
    with pytest.raises(ValueError, match="callbacks contains EpochScoring.*cross_validate"):
        clf.fit(X, Y)
