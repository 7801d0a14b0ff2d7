"""Transformers: every container, shape and dtype gives the documented result or error."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from sklearn.base import clone
from strategies import examples, groups, records

from sklearn_ecg.leads import STANDARD_LEADS, is_lead_frame
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    BeatFeatures,
    Clipper,
    Cropper,
    ECGImageRenderer,
    ElectrodeSwapDetector,
    LeadDeriver,
    LeadScaler,
    LeadSelector,
    MedianBeat,
    NotchFilter,
    RandomConvolutionFeatures,
    Resampler,
    SignalQuality,
    windows,
)
from sklearn_ecg.utils._check_tools import _allows_missing_leads, _to_array


def same_shape(estimator, shape):
    return shape


def cropped(estimator, shape):
    return (*shape[:2], estimator.n_times or shape[2])


# For each class, instances and a function that returns the shape of the transformed signals.
TO_SIGNALS = {
    BandpassFilter: (
        [
            BandpassFilter(sampling_rate=100),
            BandpassFilter(None, 40, order=4, sampling_rate=500),
            BandpassFilter(0.05, None, order=1, sampling_rate=360.5),
        ],
        same_shape,
    ),
    BaselineRemover: (
        [BaselineRemover(sampling_rate=100), BaselineRemover("median", sampling_rate=100)],
        same_shape,
    ),
    Clipper: ([Clipper(), Clipper(-0.5, 0.5), Clipper(None, 1e6), Clipper(0, None)], same_shape),
    Cropper: (
        [
            Cropper(),
            Cropper(3),
            Cropper(2, position="random", random_state=0),
            Cropper(2, position="end"),
            Cropper(2, position=1),
        ],
        cropped,
    ),
    LeadDeriver: (
        [LeadDeriver(), LeadDeriver(["III"])],
        lambda estimator, shape: (shape[0], len(estimator.leads_out_), shape[2]),
    ),
    LeadScaler: (
        [LeadScaler(), LeadScaler("record"), LeadScaler("record_lead"), LeadScaler(None)],
        same_shape,
    ),
    LeadSelector: (
        [
            LeadSelector(),
            LeadSelector([0]),
            LeadSelector(["II", "I"]),
            LeadSelector(region="septal"),
        ],
        lambda estimator, shape: (shape[0], len(estimator.positions_), shape[2]),
    ),
    MedianBeat: (
        [
            MedianBeat(100, unreliable="nan"),
            MedianBeat(100, unreliable="record_average", window=(-0.01, 0.01)),
            MedianBeat(250, window=(-0.1, 0.2), average="trimmed_mean", min_reliability=0),
        ],
        lambda estimator, shape: (
            *shape[:2],
            sum(np.rint(np.abs(estimator.window) * estimator.sampling_rate).astype(int)),
        ),
    ),
    NotchFilter: (
        [NotchFilter(sampling_rate=500), NotchFilter(60, quality=5, sampling_rate=250)],
        same_shape,
    ),
    Resampler: (
        [
            Resampler(50, sampling_rate=100),
            Resampler(500, sampling_rate=360),
            Resampler(1, sampling_rate=1),
        ],
        lambda estimator, shape: (*shape[:2], -(-shape[2] * estimator.up_ // estimator.down_)),
    ),
}
# Those that accept NaN, and leave it where it is.
ALLOW_NAN = (Clipper, Cropper, LeadDeriver, LeadScaler, LeadSelector, MedianBeat)
# What the plain records of the tests may not have, in the words of the error.
NEEDS = {
    Cropper: "n_times|position",
    LeadDeriver: "needs the names|missing",
    LeadSelector: "names|not found|needs lead",
    MedianBeat: "more than the|no reliable beats",
}


def check_container(out, X, kind):
    """Assert that the result is in the same kind of container as X, with its index."""
    if kind in ("lead frame", "numeric frame"):
        assert isinstance(out, pd.DataFrame) and out.index.equals(X.index)
        assert is_lead_frame(out) == (kind == "lead frame")
    else:
        assert isinstance(out, np.ndarray) and (out.dtype == object) == (kind == "cells")
        assert not isinstance(out, np.memmap) and out.flags.writeable


def check_names(estimator, out, kind, shape):
    """Assert that there is a name for each lead, or for each column of rows."""
    names = attempt(estimator.get_feature_names_out)
    assert names.dtype == object and len(set(names)) == len(names)
    if kind in ("rows", "numeric frame"):
        # Rows of one time point per record look like signals of one lead.
        assert len(names) == shape[1] * shape[2]
    elif shape[2] > 1 or kind != "array":
        assert len(names) in (shape[1], shape[1] * shape[2])
    if isinstance(out, pd.DataFrame):
        assert list(out.columns) == list(names)


def may_refuse(cls, refused):
    """Return whether records that are otherwise plain may be refused for this reason."""
    return cls in NEEDS and re.search(NEEDS[cls], str(refused)) is not None


@covers(*TO_SIGNALS)
@pytest.mark.parametrize("covered", TO_SIGNALS)
@examples(25)
@given(data=st.data())
def test_signals_to_signals(covered, data):
    instances, output_shape = TO_SIGNALS[covered]
    given_records = data.draw(records())
    estimator = clone(data.draw(st.sampled_from(instances)))
    estimator.set_params(**given_records.params)
    X = given_records.X
    if covered in (LeadDeriver, LeadSelector) and given_records.kind in ("array", "cells", "rows"):
        estimator.set_params(lead_names=STANDARD_LEADS[: given_records.shape[1]])
    fitted = attempt(estimator.fit, X)
    out = attempt(estimator.transform, X)
    also = attempt(estimator.fit_transform, X)
    if isinstance(out, Refused):
        # A transformer that could not be fitted transforms nothing.
        assert isinstance(also, Refused)
        assert not given_records.is_plain or may_refuse(covered, also), also
        return
    assert fitted is estimator
    shape = output_shape(estimator, given_records.shape)
    check_container(out, X, given_records.kind)
    array = _to_array(out)
    assert array.shape == (shape if array.ndim == 3 else (shape[0], shape[1] * shape[2]))
    if given_records.dtype != "object":
        assert array.dtype == given_records.output_dtype
    may_have_missing = _allows_missing_leads(estimator) and given_records.has_whole_leads
    assert given_records.is_finite or covered in ALLOW_NAN or may_have_missing
    if given_records.is_finite and covered is not MedianBeat:
        assert np.isfinite(array).all()
    check_names(estimator, out, given_records.kind, shape)
    np.testing.assert_array_equal(_to_array(also), array)
    if covered is MedianBeat:
        report = attempt(estimator.report, X)
        assert (
            report["status"].eq("ok").sum()
            == np.isfinite(array.reshape(len(array), -1)).all(axis=1).sum()
            or estimator.unreliable != "nan"
        )


def check_features(features, names, given_records):
    assert features.shape == (len(given_records.signals), len(names))
    assert features.dtype.kind == "f" and len(set(names)) == len(names)


@covers(SignalQuality)
@examples(40)
@given(data=st.data())
def test_signal_quality(data):
    given_records = data.draw(records())
    rate = data.draw(st.sampled_from([100, 250, 1000, 50]))
    estimator = SignalQuality(sampling_rate=rate, **given_records.params)
    features = attempt(estimator.fit_transform, given_records.X)
    if isinstance(features, Refused):
        assert not given_records.is_plain or rate == 50, features
        return
    attempt(estimator.fit, given_records.X)
    names = attempt(estimator.get_feature_names_out)
    check_features(features, names, given_records)
    assert features.dtype == (
        given_records.output_dtype if given_records.dtype != "object" else features.dtype
    )
    assert given_records.has_whole_leads and not np.isinf(features).any()
    assert np.isfinite(features).all() or not given_records.is_finite
    for measure in ("missing", "flat", "saturated", "qrs_power", "reliability"):
        share = features[:, [name.endswith(f"_{measure}") for name in names]]
        assert not ((share < 0) | (share > 1 + 1e-6)).any(), measure
    for measure in ("range", "jump", "baseline", "noise", "kurtosis"):
        values = features[:, [name.endswith(f"_{measure}") for name in names]]
        assert not (values < 0).any(), measure
    report = attempt(estimator.report, given_records.X)
    assert isinstance(report, (pd.DataFrame, Refused))
    usable = attempt(estimator.mask, given_records.X)
    assert usable.dtype == bool and usable.shape == given_records.shape[:2]
    np.testing.assert_array_equal(attempt(estimator.transform, given_records.X), features)


@covers(BeatFeatures)
@examples(25)
@given(data=st.data())
def test_beat_features(data):
    given_records = data.draw(records())
    drop_empty = data.draw(st.booleans())
    estimator = BeatFeatures(100, drop_empty=drop_empty, **given_records.params)
    features = attempt(estimator.fit_transform, given_records.X)
    if isinstance(features, Refused):
        assert not given_records.is_plain, features
        return
    names = attempt(estimator.get_feature_names_out)
    check_features(features, names, given_records)
    assert features.dtype == np.float32 and not np.isinf(features).any()
    column = dict(zip(names, features.T))
    for name, values in column.items():
        known = values[np.isfinite(values)]
        measure = name.partition("__")[2]
        if measure in ("reliability", "ectopic_share"):
            assert ((known >= 0) & (known <= 1)).all()
        elif measure.endswith("_axis"):
            assert (np.abs(known) <= 180).all()
        elif measure == "t_polarity":
            assert (np.abs(known) <= 1).all()
        elif measure == "r_transition":
            assert ((known >= 1) & (known <= 7)).all()
        elif measure.endswith(("_duration", "_interval", "heart_rate", "n_beats", "sdnn")):
            assert (known >= 0).all(), name
    assert np.isfinite(column["global__n_beats"]).all()
    assert np.isfinite(column["global__reliability"]).all()
    if drop_empty:
        assert np.isfinite(features).any(axis=0).all()
    attempt(estimator.fit, given_records.X)
    np.testing.assert_array_equal(attempt(estimator.transform, given_records.X), features)


@covers(ECGImageRenderer)
@examples(25)
@given(data=st.data())
def test_renderer(data):
    given_records = data.draw(records())
    params = {
        "layout": data.draw(st.sampled_from(["12x1", "3x4", "6x2", "3x4+3"])),
        "image_size": data.draw(st.sampled_from([(200, 60), 64, (60, 200), 1])),
        "gain": data.draw(st.sampled_from(["auto", "fill", 20])),
        "color": data.draw(st.sampled_from(["gray", "rgb"])),
        "missing_leads": data.draw(st.sampled_from(["empty", "raise"])),
        "rhythm_lead": data.draw(st.sampled_from(["II", None, "V9", ["V1", "V5"]])),
        "calibration": data.draw(st.sampled_from([True, "right"])),
        "label_position": data.draw(st.sampled_from(["outside", "above", "below"])),
        "header": data.draw(st.sampled_from([None, "", "a\nb"])),
        "grid_width": data.draw(st.sampled_from([1e-9, 0.15, 1.49])),
        "font": data.draw(st.sampled_from([None, None, "no such font.ttf"])),
    }
    estimator = ECGImageRenderer(100, **params, **given_records.params)
    images = attempt(estimator.fit_transform, given_records.X)
    if isinstance(images, Refused):
        return
    attempt(estimator.fit, given_records.X)
    assert given_records.is_finite
    shape = estimator.image_shape_
    assert shape[2:] == ((3,) if params["color"] == "rgb" else ())
    names = attempt(estimator.get_feature_names_out)
    assert len(names) == np.prod(shape) and len(set(names)) == len(names)
    array = np.asarray(images)
    assert array.dtype == np.uint8 and array.size == len(given_records.signals) * np.prod(shape)
    if given_records.kind == "numeric frame":
        assert list(images.columns) == list(names) and images.index.equals(given_records.X.index)
    elif given_records.kind != "rows":
        assert array.shape == (len(given_records.signals), *shape)
    panels = attempt(estimator.panel_table)
    assert (panels["stop"] > panels["start"]).all()
    visible = attempt(estimator.visible_signals, given_records.X)
    shown = np.isfinite(visible)
    expected = np.asarray(given_records.signals, dtype=np.float32)
    np.testing.assert_array_equal(visible[shown], expected[shown])
    report = attempt(estimator.report, given_records.X)
    assert len(report) == len(images) and (report.to_numpy() >= 0).all()
    assert (report.to_numpy() <= given_records.shape[2]).all()
    np.testing.assert_array_equal(attempt(estimator.transform, given_records.X), images)


@covers(RandomConvolutionFeatures)
@examples(30)
@given(data=st.data())
def test_random_convolutions(data):
    given_records = data.draw(records())
    across_leads = data.draw(st.booleans())
    n_features = data.draw(st.sampled_from((1100, 1100, 84, 83)))
    estimator = RandomConvolutionFeatures(
        n_features, across_leads=across_leads, random_state=0, **given_records.params
    )
    features = attempt(estimator.fit_transform, given_records.X)
    if isinstance(features, Refused):
        n_leads = 1 if across_leads or given_records.signals is None else given_records.shape[1]
        is_valid = n_features >= 84 * n_leads
        is_long = given_records.is_plain and given_records.shape[2] >= 9
        assert not (is_valid and is_long), features
        return
    n_leads = given_records.shape[1]
    names = attempt(estimator.get_feature_names_out)
    check_features(features, names, given_records)
    assert features.dtype == np.float32 and 84 <= len(names) <= n_features
    used = estimator.feature_leads_
    assert used.shape == (len(names), n_leads)
    np.testing.assert_array_equal([name.count("+") + 1 for name in names], used.sum(axis=1))
    incomplete = np.isnan(given_records.signals).any(axis=2)
    np.testing.assert_array_equal(np.isnan(features), (incomplete.astype(int) @ used.T) > 0)
    known = features[~np.isnan(features)]
    assert ((known >= 0) & (known <= 1)).all()
    attempt(estimator.fit, given_records.X)
    estimator.set_params(n_jobs=data.draw(st.sampled_from((None, 2))))
    np.testing.assert_array_equal(attempt(estimator.transform, given_records.X), features)


@covers(ElectrodeSwapDetector)
@examples(12)
@given(data=st.data())
def test_swap_detector(data):
    plain = data.draw(st.sampled_from((True, True, False)))
    sizes = (300, 300, 100) if plain else (300, 50, 3, 0)
    given_records = data.draw(
        records(n_records=(4, 6, 1, 0), n_leads=(8, 3, 12, 1), n_times=sizes, plain=plain)
    )
    n_records = 4 if given_records.signals is None else len(given_records.signals)
    kinds = ("none", "none", "records", *(() if plain else ("pairs", "nan", "length", "one")))
    patients, kind = data.draw(groups(n_records, kinds=kinds))
    invalid = () if plain else (["V1-V2"], ["RA-V1"], "RA-LA")
    swaps = data.draw(st.sampled_from((None, None, ["RA-LA"], *invalid)))
    estimator = ElectrodeSwapDetector(
        data.draw(st.sampled_from((100,) if plain else (100, 100, 50, None))),
        swaps=swaps,
        false_alarm_rate=data.draw(st.sampled_from((0.2, 0.01) if plain else (0.2, 1))),
        min_reliability=data.draw(st.sampled_from((0, 0.3))),
        **given_records.params,
    )
    X = given_records.X
    if given_records.signals is not None and given_records.kind != "lead frame":
        estimator.set_params(lead_names=STANDARD_LEADS[: given_records.shape[1]])
    fitted = attempt(estimator.fit, X, groups=patients)
    repaired = attempt(estimator.transform, X)
    attempt(estimator.fit_transform, X)
    if isinstance(fitted, Refused):
        is_valid = swaps in (None, ["RA-LA"]) and kind in ("none", "records")
        is_valid = is_valid and estimator.sampling_rate == 100 and estimator.false_alarm_rate != 1
        enough = given_records.is_plain and given_records.shape[1] > 1
        assert isinstance(repaired, Refused) and not (is_valid and enough), fitted
        return
    estimator = attempt(clone(estimator).fit, X, groups=patients)
    repaired = attempt(estimator.transform, X)
    check_container(repaired, X, given_records.kind)
    names = attempt(estimator.predict, X)
    assert names.shape == (n_records,)
    assert set(names) <= {"none", "unknown", *estimator.swaps_}
    scores = attempt(estimator.decision_function, X)
    assert scores.shape == (n_records, len(estimator.swaps_)) and np.isfinite(scores).all()
    assert (estimator.thresholds_ >= 0).all()
    known = names != "unknown"
    np.testing.assert_array_equal((scores > 0).any(axis=1)[known], names[known] != "none")
    report = attempt(estimator.report, X)
    assert list(report["swap"]) == list(names)
    if isinstance(X, pd.DataFrame):
        assert report.index.equals(X.index)
    array = _to_array(repaired).reshape(given_records.shape)
    unchanged = np.isin(names, ["none", "unknown"])
    np.testing.assert_array_equal(
        array[unchanged], given_records.signals.astype(array.dtype)[unchanged]
    )
    check_names(estimator, repaired, given_records.kind, given_records.shape)
    swap = estimator.swaps_[-1]
    swapped = attempt(estimator.simulate, X, swap)
    again = attempt(estimator.simulate, swapped, swap)
    check_container(again, X, given_records.kind)
    if swap.startswith(("V", "chest")):
        # Swaps of the limbs derive leads from two others, which may not satisfy the identities.
        np.testing.assert_array_equal(
            _to_array(again).reshape(given_records.shape),
            given_records.signals.astype(array.dtype),
        )


@covers(windows)
@examples(40)
@given(data=st.data())
def test_windows(data):
    given_records = data.draw(records())
    n_times = data.draw(st.sampled_from([1, 2, 5, 50, 0, -1, 1.5]))
    step = data.draw(st.sampled_from([None, 1, 3, 0]))
    out = attempt(windows, given_records.X, n_times, step=step, **given_records.params)
    if isinstance(out, Refused):
        is_valid = n_times in (1, 2, 5, 50) and step != 0
        assert not (given_records.is_plain and is_valid and n_times <= given_records.shape[2]), out
        return
    cut, origin = out
    n_records, n_leads, length = given_records.shape
    n_windows = 1 + (length - n_times) // (step or n_times)
    np.testing.assert_array_equal(origin, np.repeat(np.arange(n_records), n_windows))
    array = _to_array(cut).reshape(n_records * n_windows, n_leads, n_times)
    expected = given_records.signals.astype(array.dtype)
    for row, (record, number) in enumerate(np.ndindex(n_records, n_windows)):
        start = number * (step or n_times)
        np.testing.assert_array_equal(array[row], expected[record, :, start : start + n_times])
