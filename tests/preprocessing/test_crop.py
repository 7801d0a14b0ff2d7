"""Tests of Cropper, Clipper and windows."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.leads import is_lead_frame, stack_signals, to_lead_array, to_lead_frame
from sklearn_ecg.preprocessing import Clipper, Cropper, windows

X = np.random.RandomState(0).randn(40, 3, 50)
LEADS = ["II", "V1", "V5"]


@pytest.mark.parametrize(
    "position, start", [("start", 0), ("center", 15), ("end", 30), (7, 7), (30, 30)]
)
def test_position_of_the_crop(position, start):
    cropped = Cropper(20, position=position).fit_transform(X)
    np.testing.assert_array_equal(cropped, X[:, :, start : start + 20])


def test_n_times_none_keeps_whole_records():
    np.testing.assert_array_equal(Cropper().fit_transform(X), X)


def starts(cropped):
    """Return where each crop starts in its record."""
    candidates = np.lib.stride_tricks.sliding_window_view(X, cropped.shape[2], axis=2)
    return (candidates == cropped[:, :, None]).all(axis=(1, 3)).argmax(axis=1)


def test_random_crops():
    first = starts(Cropper(20, position="random", random_state=0).fit_transform(X))
    assert len(np.unique(first)) > 10 and first.min() <= 3 and first.max() >= 27
    again = Cropper(20, position="random", random_state=0).fit(X[:5])
    np.testing.assert_array_equal(starts(again.transform(X)), first)
    other = starts(Cropper(20, position="random", random_state=1).fit_transform(X))
    assert (other != first).mean() > 0.8


def test_random_crops_do_not_depend_on_other_records_or_the_dtype():
    cropper = Cropper(20, position="random", random_state=0).fit(X)
    whole = cropper.transform(X)
    np.testing.assert_array_equal(cropper.transform(X[10:13]), whole[10:13])
    rounded = X.astype(np.float32)
    np.testing.assert_array_equal(
        cropper.transform(rounded), cropper.transform(rounded.astype(np.float64))
    )


def test_random_crops_are_uniform():
    cropper = Cropper(48, position="random", random_state=0)
    many = np.random.RandomState(1).randn(3000, 1, 50)
    cropped = cropper.fit_transform(many)
    count = [(cropped == many[:, :, i : i + 48]).all(axis=(1, 2)).sum() for i in range(3)]
    assert sum(count) == 3000 and min(count) > 900


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_times": 51}, "n_times=51 is more than the 50 time points of the records.*or pad"),
        (
            {"n_times": 20, "position": 31},
            "n_times=20 that starts at position=31 ends after the 50 time points",
        ),
        ({"n_times": 0}, "The 'n_times' parameter of Cropper"),
        ({"n_times": 9, "position": "middle"}, "The 'position' parameter of Cropper"),
    ],
)
def test_cropper_errors(params, message):
    with pytest.raises(ValueError, match=message):
        Cropper(**params).fit(X)


@pytest.mark.parametrize("n_times, step, first", [(20, None, [0, 20]), (20, 15, [0, 15, 30])])
def test_windows(n_times, step, first):
    cut, records = windows(X, n_times, step=step)
    np.testing.assert_array_equal(records, np.repeat(np.arange(len(X)), len(first)))
    expected = np.stack([X[:, :, i : i + n_times] for i in first], axis=1)
    np.testing.assert_array_equal(cut, expected.reshape(-1, 3, n_times))
    assert not np.shares_memory(cut, X)


def test_windows_of_every_container():
    expected, records = windows(X, 20)
    index = [f"record{i}" for i in range(len(X))]
    frame = to_lead_frame(X, LEADS, index=index)
    cut, found = windows(frame, 20)
    assert is_lead_frame(cut) and list(cut.columns) == LEADS
    assert list(cut.index) == [index[i] for i in records]
    np.testing.assert_array_equal(to_lead_array(cut), expected)
    np.testing.assert_array_equal(found, records)
    cells, _ = windows(frame.to_numpy(), 20)
    np.testing.assert_array_equal(stack_signals(cells), expected)
    rows, _ = windows(X.reshape(len(X), -1), 20, n_leads=3)
    np.testing.assert_array_equal(rows, expected.reshape(len(expected), -1))
    numeric, _ = windows(pd.DataFrame(X.reshape(len(X), -1), index=index), 20, n_leads=3)
    np.testing.assert_array_equal(numeric.to_numpy(), rows)
    assert list(numeric.index) == [index[i] for i in records]


def test_a_window_of_the_whole_record_is_a_copy():
    cut, records = windows(X, 50)
    np.testing.assert_array_equal(cut, X)
    assert not np.shares_memory(cut, X)
    np.testing.assert_array_equal(records, np.arange(len(X)))


def test_windows_errors():
    with pytest.raises(ValueError, match="n_times=51 is more than the 50 time points"):
        windows(X, 51)
    with pytest.raises(ValueError, match="The 'step' parameter of windows"):
        windows(X, 20, step=0)
    with pytest.raises(ValueError, match="n_leads"):
        windows(X.reshape(len(X), -1), 20)


@pytest.mark.parametrize("low, high", [(-1, 1), (None, 0.5), (-0.5, None), (0.25, 0.75)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipper_is_equivalent_to_clip(low, high, dtype):
    clipped = Clipper(low, high).fit_transform(X.astype(dtype))
    np.testing.assert_array_equal(clipped, np.clip(X.astype(dtype), low, high))
    assert clipped.dtype == dtype


def test_clipper_keeps_nan():
    gap = X.copy()
    gap[3, 1, 7] = np.nan
    assert np.isnan(Clipper().fit_transform(gap)[3, 1, 7])


def test_clipper_errors():
    with pytest.raises(ValueError, match="low=2 must be below high=1"):
        Clipper(2, 1).fit(X)
    with pytest.raises(ValueError, match="low and high are both None"):
        Clipper(None, None).fit(X)
    with pytest.raises(ValueError, match="The 'low' parameter of Clipper"):
        Clipper("a").fit(X)
