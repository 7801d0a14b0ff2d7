"""The summary of a lead frame."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import to_lead_frame
from sklearn_ecg.leads import describe_lead_frame


@pytest.fixture
def signals():
    X = np.random.RandomState(0).normal(size=(6, 3, 40)).astype(np.float32)
    X[1, 0] = np.nan
    X[2, 0, 5:9] = np.nan
    X[3, 1] = 0.5
    X[:, 2] = np.nan
    return X


def test_equals_pandas(signals):
    frame = to_lead_frame(signals, ["I", "V9", "X"], sampling_rate=100, units="mV")
    found = describe_lead_frame(frame)
    assert list(found.index) == list(frame.columns) and found.index.name == "lead"
    assert found.attrs == {"sampling_rate": 100, "units": "mV"}
    assert found[["records", "missing", "flat", "n_times"]].to_numpy().tolist() == [
        [5, 1, 0, 40],
        [6, 0, 1, 40],
        [0, 6, 0, 40],
    ]
    for lead, name in enumerate(frame.columns):
        values = pd.Series(signals[:, lead].ravel().astype(float))
        expected = values.mean(), values.std(ddof=0), values.min(), values.median(), values.max()
        row = found.loc[name, ["mean", "std", "min", "median", "max"]].to_numpy(float)
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_columns_of_one_name_and_of_other_lengths():
    frame = to_lead_frame(np.ones((2, 2, 5)), ["a", "b"]).set_axis(["a", "a"], axis=1)
    assert describe_lead_frame(frame)["mean"].tolist() == [1, 1]
    frame = pd.DataFrame({"I": [[1.0, 2.0]], "II": [[1.0, 2.0, 3.0]]})
    assert describe_lead_frame(frame)["n_times"].tolist() == [2, 3]


def test_infinity():
    signals = np.ones((1, 1, 4))
    signals[0, 0, 0] = np.inf
    (row,) = describe_lead_frame(to_lead_frame(signals, ["I"])).to_numpy().tolist()
    assert row[-1] == np.inf and np.isnan(row[5])


@pytest.mark.parametrize(
    "frame, error, message",
    [
        (np.ones((2, 3, 4)), TypeError, "to_lead_frame"),
        (pd.DataFrame(), ValueError, "no columns|not a lead frame"),
        (pd.DataFrame({"age": [50, 60]}), ValueError, "not a lead frame"),
        (pd.DataFrame({"I": [[1.0, 2.0], [1.0]]}), ValueError, "length"),
    ],
)
def test_errors(frame, error, message):
    with pytest.raises(error, match=message):
        describe_lead_frame(frame)
