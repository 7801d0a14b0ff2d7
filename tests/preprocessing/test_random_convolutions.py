"""Tests of the features of random convolutions."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import feature_groups
from sklearn_ecg.preprocessing import MedianBeat, RandomConvolutionFeatures, _random_convolutions
from sklearn_ecg.utils._chunks import ChunkBudget

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
@pytest.mark.parametrize("n_times, n_features", [(9, 800), (30, 1700), (51, 800)])
def test_exact(across_leads, n_times, n_features):
    X = integers(n_times=n_times)
    transformer = RandomConvolutionFeatures(
        n_features, across_leads=across_leads, random_state=0, lead_names=LEADS
    )
    found = transformer.fit_transform(X)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, transform_slowly(transformer, X).astype(np.float32))


def test_long_records():
    """Counts beyond the range of 8 and of 16 bits."""
    X = integers(2, 1, 70_000) % 1000
    transformer = RandomConvolutionFeatures(84, random_state=0)
    features = transformer.fit_transform(X)
    assert transformer.dilations_.tolist() == [1]
    assert features.max() * 70_000 > 2**16
    for k, places in enumerate(combinations(range(9), 3)):
        weights = np.full(9, -1.0)
        weights[list(places)] = 2
        mode = "same" if k % 2 == 0 else "valid"
        for record in range(2):
            output = np.convolve(X[record, 0], weights[::-1], mode)
            above = np.float32((output > transformer.biases_[k]).mean())
            assert features[record, k] == above


@pytest.mark.parametrize(
    "n_times, n_features, dilations, n_biases",
    [
        (9, 84 * 5, [1], [5]),
        (80, 9072 // 12, [1, 2, 3, 4, 5, 7, 9], [3, 1, 1, 1, 1, 1, 1]),
        (1000, 9072 // 12, [1, 3, 6, 11, 20, 37, 68, 124], [2, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_dilations(n_times, n_features, dilations, n_biases):
    transformer = RandomConvolutionFeatures(n_features, random_state=0)
    transformer.fit(integers(1, 1, n_times))
    assert transformer.dilations_.tolist() == dilations
    assert transformer.n_biases_.tolist() == n_biases


def test_as_many_features_as_in_the_paper():
    """A kernel has up to 32 dilations, and more features with the small ones."""
    transformer = RandomConvolutionFeatures(random_state=0).fit(integers(1, 1, 1000))
    exponents = np.logspace(0, np.log2(999 / 8), 32, base=2)
    assert set(transformer.dilations_) == set(exponents.astype(int))
    assert len(transformer.biases_) == 84 * transformer.n_biases_.sum() == 9996
    of_twelve = RandomConvolutionFeatures(random_state=0).fit(integers(1, 12, 80))
    assert of_twelve.transform(integers(2, 12, 80)).shape == (2, 9072)
    across = RandomConvolutionFeatures(random_state=0, across_leads=True).fit(integers(1, 12, 80))
    assert across.transform(integers(2, 12, 80)).shape == (2, 9996)


@pytest.mark.parametrize("across_leads", [False, True])
def test_biases_are_quantiles(across_leads):
    """Of the convolutions of the only training record."""
    X = integers(1, 3, 20)
    transformer = RandomConvolutionFeatures(500, across_leads=across_leads, random_state=0).fit(X)
    n_of_set = 84 * transformer.n_biases_.sum()
    quantiles = [i * (np.sqrt(5) + 1) / 2 % 1 for i in range(1, n_of_set + 1)]
    column = 0
    for _ in range(1 if across_leads else 3):
        for dilation, n_biases in zip(transformer.dilations_, transformer.n_biases_):
            for places in combinations(range(9), 3):
                weights = [2 if i in places else -1 for i in range(9)]
                leads = X[0, transformer.feature_leads_[column]]
                output = sum(convolve_slowly(signal, weights, dilation) for signal in leads)
                place = column % n_of_set
                expected = np.quantile(output, quantiles[place : place + n_biases])
                found = transformer.biases_[column : column + n_biases]
                np.testing.assert_allclose(found, expected, rtol=1e-6)
                column += n_biases
    assert column == len(transformer.biases_)


def test_numbers_of_leads_of_kernels():
    """From one to nine, log-uniform, without preferring a lead."""
    transformer = RandomConvolutionFeatures(9996, across_leads=True, random_state=0)
    leads = transformer.fit(integers(1, 12, 300)).feature_leads_
    assert leads.shape == (9996, 12)
    n_leads = np.bincount(leads.sum(axis=1), minlength=10)
    expected = np.log10(np.arange(1, 10) + 1) - np.log10(np.arange(1, 10))
    np.testing.assert_allclose(n_leads[1:] / 9996, expected, atol=0.03)
    np.testing.assert_allclose(leads.mean(axis=0), leads.mean(), atol=0.03)


@pytest.mark.parametrize("across_leads", [False, True])
def test_records_do_not_affect_each_other(across_leads, monkeypatch):
    """Not even their last digit, for any number of records and of threads."""
    X = np.random.default_rng(0).standard_normal((70, 4, 50)).astype(np.float32)
    options = {"n_features": 500, "across_leads": across_leads, "random_state": 0}
    transformer = RandomConvolutionFeatures(**options).fit(X)
    expected = transformer.transform(X)
    single = np.concatenate([transformer.transform(X[i : i + 1]) for i in range(9)])
    np.testing.assert_array_equal(single, expected[:9])
    monkeypatch.setattr(_random_convolutions, "CONVOLUTIONS", ChunkBudget(170))
    threads = RandomConvolutionFeatures(**options, n_jobs=2).fit_transform(X)
    np.testing.assert_array_equal(threads, expected)
    other = RandomConvolutionFeatures(**{**options, "random_state": 1}).fit_transform(X)
    assert (other != expected).any()


@pytest.mark.parametrize("across_leads", [False, True])
def test_missing_leads(across_leads):
    """All features of an incomplete lead are NaN, and no others."""
    X = integers(6)
    options = {"n_features": 700, "across_leads": across_leads, "random_state": 0}
    transformer = RandomConvolutionFeatures(**options, lead_names=LEADS).fit(X)
    expected = transformer.transform(X)
    gaps = X.copy()
    gaps[1, 2] = np.nan
    gaps[4, 0, 7] = np.nan
    before = gaps.copy()
    found = transformer.transform(gaps)
    np.testing.assert_array_equal(gaps, before)
    groups = feature_groups(transformer.get_feature_names_out())
    missing = np.zeros(found.shape, dtype=bool)
    missing[1, groups["V2"]] = True
    missing[4, groups["I"]] = True
    np.testing.assert_array_equal(np.isnan(found), missing)
    np.testing.assert_array_equal(found[~missing], expected[~missing])
    # Biases are chosen from complete records.
    fitted = RandomConvolutionFeatures(**options, lead_names=LEADS).fit(gaps)
    assert np.isfinite(fitted.biases_).all()


def test_names():
    X = integers(3, 4, 80)
    transformer = RandomConvolutionFeatures(9072 // 3, lead_names=LEADS, random_state=0).fit(X)
    names = transformer.get_feature_names_out()
    assert names[2:4].tolist() == ["I__k0_d1_b2", "I__k1_d1_b0"]
    assert names[-1] == "V5__k83_d9_b0" and len(set(names)) == len(names) == 3024
    groups = feature_groups(names)
    assert {lead: len(columns) for lead, columns in groups.items()} == dict.fromkeys(LEADS, 756)
    unnamed = RandomConvolutionFeatures(500, random_state=0).fit(X).get_feature_names_out()
    assert unnamed[-1] == "lead3__k83_d1_b0"


def test_names_across_leads():
    transformer = RandomConvolutionFeatures(
        500, lead_names=LEADS, across_leads=True, random_state=0
    ).fit(integers())
    names = transformer.get_feature_names_out()
    assert len(set(names)) == len(names) == 420
    groups = feature_groups(names)
    for i, lead in enumerate(LEADS):
        assert sorted(groups[lead]) == np.flatnonzero(transformer.feature_leads_[:, i]).tolist()
    first = "+".join(np.array(LEADS)[transformer.feature_leads_[0]])
    assert names[0] == f"{first}__k0_d1_b0"


def test_zero_sum_of_weights():
    """Without padding, an offset has no effect."""
    X = integers()
    transformer = RandomConvolutionFeatures(400, random_state=0).fit(X)
    same = transformer.transform(X) == transformer.transform(X + 64)
    kernels = np.array(
        [name.split("_k")[1].split("_")[0] for name in transformer.get_feature_names_out()]
    ).astype(int)
    assert same[:, kernels % 2 == 1].all() and not same[:, kernels % 2 == 0].all()


@pytest.mark.parametrize(
    "params, change, message",
    [
        ({}, lambda X: X[:, :, :8], "X has 8 time points, fewer than the 9 of a kernel"),
        (
            {"n_features": 335},
            None,
            "n_features=335 is fewer than .* 4 leads. Pass at least n_f.*=336",
        ),
        ({"n_features": 83, "across_leads": True}, None, "The 'n_features' parameter of Random"),
        ({"across_leads": "yes"}, None, "The 'across_leads' parameter of Random"),
        ({}, lambda X: 1e36 * X, "Input X contains infinity or a value too large for float32"),
        ({}, lambda X: X * [[1], [np.nan], [1], [1]], "no record in which lead II is without NaN"),
    ],
)
def test_errors(params, change, message):
    X = integers()
    transformer = RandomConvolutionFeatures(**{"n_features": 400, **params}, lead_names=LEADS)
    with pytest.raises(ValueError, match=message):
        transformer.fit(X if change is None else change(X))


def test_leads_that_are_never_complete_together():
    X = integers(2, 2)
    X[0, 0] = X[1, 1] = np.nan
    RandomConvolutionFeatures(200).fit(X)
    with pytest.raises(ValueError, match="the leads lead0, lead1 of a kernel are all without NaN"):
        RandomConvolutionFeatures(200, across_leads=True, random_state=0).fit(X)


def test_values_that_overflow_in_transform():
    X = integers()
    transformer = RandomConvolutionFeatures(400).fit(X)
    with pytest.raises(ValueError, match="too large for float32"):
        transformer.transform(1e36 * X)


def test_pipeline_on_median_beats():
    ecg = make_ecg(60, prevalence=0.5, as_frame=True, class_sep=np.inf, random_state=0)
    clf = make_pipeline(
        MedianBeat(sampling_rate=100),
        RandomConvolutionFeatures(2016, random_state=0).set_output(transform="pandas"),
        StandardScaler(),
        LogisticRegression(C=1e-3),
    )
    clf.fit(ecg.data[:40], ecg.target[:40])
    assert clf.score(ecg.data[40:], ecg.target[40:]) > 0.8
    assert clf[:2].transform(ecg.data).columns[0] == "I__k0_d1_b0"
