"""Tests of the features of random convolutions."""

from itertools import combinations

import numpy as np
import pytest

from sklearn_ecg.preprocessing import RandomConvolutionFeatures

LEADS = ("I", "II", "V2", "V5")


def convolve_slowly(signal, weights, dilation):
    """Convolve as the formula says, with zeros beyond the ends."""
    n_times = len(signal)
    output = np.zeros(n_times)
    for time in range(n_times):
        for i, weight in enumerate(weights):
            place = time + (i - 4) * dilation
            if 0 <= place < n_times:
                output[time] += weight * signal[place]
    return output


def transform_slowly(fitted, X):
    """Compute the features from the paper, one kernel, record and bias at a time.

    The dilations, the biases and the leads of the kernels are those of the fitted transformer.
    """
    kernels = [[2 if i in places else -1 for i in range(9)] for places in combinations(range(9), 3)]
    n_times, half = X.shape[2], len(kernels) * sum(fitted.n_biases_)
    features = np.empty((len(X), len(fitted.biases_)))
    column = 0
    for _ in range(features.shape[1] // half):
        for d, (dilation, n_biases) in enumerate(zip(fitted.dilations_, fitted.n_biases_)):
            for k, weights in enumerate(kernels):
                margin = 0 if (d + k) % 2 == 0 else 4 * dilation
                leads = fitted.feature_leads_[column]
                for record, signals in enumerate(X):
                    output = sum(convolve_slowly(s, weights, dilation) for s in signals[leads])
                    output = output[margin : n_times - margin]
                    for bias in range(n_biases):
                        above = (output > fitted.biases_[column + bias]).mean()
                        features[record, column + bias] = above
                column += n_biases
    assert column == features.shape[1]
    return features


def integers(n_records=4, n_leads=4, n_times=30, seed=0):
    """Return signals whose convolutions have no rounding errors."""
    rng = np.random.default_rng(seed)
    return rng.integers(-40, 40, (n_records, n_leads, n_times)).cumsum(2).astype(np.float32)


@pytest.mark.parametrize("across_leads", [False, True])
@pytest.mark.parametrize("n_times, n_features", [(9, 800), (30, 1700), (67, 800)])
def test_exact(across_leads, n_times, n_features):
    X = integers(n_times=n_times)
    transformer = RandomConvolutionFeatures(
        n_features, across_leads=across_leads, random_state=0, lead_names=LEADS
    )
    found = transformer.fit_transform(X)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, transform_slowly(transformer, X).astype(np.float32))
