"""Tests that LeadScaler agrees with the normalization of the networks."""

import numpy as np
import pytest
import torch

from sklearn_ecg.nn._normalizers import LeadNormalizer
from sklearn_ecg.preprocessing import LeadScaler

RNG = np.random.RandomState(0)
X = (RNG.randn(30, 4, 200) * [[[0.1], [1], [5], [0.3]]] + [[[0], [80], [-1], [3]]]).astype("f4")
# Constant leads and records, except for rounding, are only centered.
X[:, 3] = 0.7
X[4] = 0.1
X[5, 2] = 80.3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("normalize", ["dataset", "record", "record_lead", None])
def test_same_values_as_in_networks(normalize, dtype):
    records = X.astype(dtype)
    # The networks use float32; this test compares float64 as well.
    network = LeadNormalizer(normalize, 4).to(torch.from_numpy(records).dtype)
    expected = network.fit(torch.from_numpy(records[:20]))(torch.from_numpy(records)).numpy()
    scaled = LeadScaler(normalize).fit(records[:20]).transform(records)
    assert scaled.dtype == dtype
    if normalize in ("dataset", None):
        np.testing.assert_array_equal(scaled, expected)
    else:
        # In float32, networks compute means in float32; the level of a lead is 80 mV here.
        tolerance = 1e-4 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(scaled, expected, atol=tolerance)


def test_formulas():
    records = X[:4, :3].astype(np.float64)
    scaled = LeadScaler("record").fit_transform(records)
    mean, sd = records.mean(axis=(1, 2)), records.std(axis=(1, 2))
    np.testing.assert_allclose(scaled, (records - mean[:, None, None]) / sd[:, None, None])
    scaler = LeadScaler().fit(records)
    np.testing.assert_allclose(scaler.mean_, records.mean(axis=(0, 2)))
    np.testing.assert_allclose(scaler.scale_, records.std(axis=(0, 2)))


def test_statistics_come_from_the_training_records():
    scaler = LeadScaler().fit(X[:10])
    np.testing.assert_array_equal(
        scaler.transform(X[10:] * 2)[0], scaler.transform(X[10:11] * 2)[0]
    )
    assert LeadScaler("record").fit(X).mean_ is None


def test_unknown_normalization_raises():
    with pytest.raises(ValueError, match="The 'normalize' parameter of LeadScaler must be a str"):
        LeadScaler("lead").fit(X)
