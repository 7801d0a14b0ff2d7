"""Tests of the regressors: standardization of targets, weights, scores, what they share."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_ecg import ECGNetRegressor, MSAICNetRegressor, to_lead_frame
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.inspection import grad_cam, lead_importance
from sklearn_ecg.nn._supervised_losses import SquaredErrorLoss
from sklearn_ecg.persistence import export_onnx, load, save
from sklearn_ecg.preprocessing import LeadScaler

RESNET = {"width": 8, "n_blocks": 1, "embedding_dim": 8}
OPTIONS = {"max_epochs": 3, "batch_size": 8, "random_state": 0}
REGRESSORS = {
    "ECGNet": ECGNetRegressor(module_params=RESNET, **OPTIONS),
    "MSAICNet": MSAICNetRegressor(filters=(8,), dilations=(1, 2), embedding_dim=8, **OPTIONS),
}


@pytest.fixture(scope="module")
def records():
    """Records with an amplitude that is the target, of 20 patients."""
    rng = np.random.RandomState(0)
    amplitude = rng.uniform(1, 3, 40)
    times = np.sin(np.linspace(0, 12, 60))
    X = amplitude[:, None, None] * times + 0.1 * rng.randn(40, 2, 60)
    return X.astype(np.float32), amplitude, np.arange(40) // 2


@pytest.fixture(params=list(REGRESSORS))
def regressor(request):
    return clone(REGRESSORS[request.param])


def test_learns_an_amplitude(regressor, records):
    X, y, _ = records
    regressor.set_params(max_epochs=40, learning_rate=1e-2).fit(X[:30], y[:30])
    predicted = regressor.predict(X[30:])
    assert predicted.dtype == np.float64
    assert regressor.score(X[30:], y[30:]) == r2_score(y[30:], predicted) > 0.8
    assert is_regressor(regressor)
    assert regressor.transform(X).shape == (40, 8)


def test_predictions_are_in_the_unit_of_the_target(regressor, records):
    """The network is trained on standardized targets: offset and unit change rounding only."""
    X, y, _ = records
    regressor.set_params(precision="float64")
    expected = regressor.fit(X, y).predict(X)
    np.testing.assert_allclose(regressor.target_mean_, [y.mean()])
    np.testing.assert_allclose(regressor.target_scale_, [y.std()])
    moved = clone(regressor).fit(X, 1e6 + 30 * y)
    np.testing.assert_allclose(moved.predict(X), 1e6 + 30 * expected, rtol=1e-9)


def test_outputs_are_those_of_the_network(regressor, records):
    X, y, _ = records
    regressor.fit(X, np.column_stack([y, -y, y**2]))
    with torch.inference_mode():
        x = regressor.normalizer_(torch.from_numpy(np.moveaxis(X, 1, -1)).movedim(-1, 1))
        output = regressor.net_.module_(x)
    output = output[0] if isinstance(output, tuple) else output
    expected = output.numpy() * regressor.target_scale_ + regressor.target_mean_
    np.testing.assert_allclose(regressor.predict(X), expected, rtol=1e-5)


def test_shape_of_the_target_is_that_of_the_predictions(regressor, records):
    X, y, _ = records
    single = regressor.fit(X, y).predict(X)
    assert single.shape == (40,)
    column = clone(regressor).fit(X, y[:, None]).predict(X)
    np.testing.assert_array_equal(column, single[:, None])
    for target in (list(y), pd.Series(y, index=np.arange(40) + 7), y.astype(object)):
        np.testing.assert_array_equal(clone(regressor).fit(X, target).predict(X), single)
    frame = pd.DataFrame({"age": y, "other": y**2})
    both = clone(regressor).fit(to_lead_frame(X, ["I", "II"]), frame)
    assert both.predict(to_lead_frame(X, ["I", "II"])).shape == (40, 2)
    assert np.isfinite(both.score(to_lead_frame(X, ["I", "II"]), frame))


def test_a_warm_start_keeps_float64(regressor, records):
    X, y, _ = records
    regressor.set_params(precision="float64", warm_start=True).fit(X, y)
    before = regressor.predict(X)
    np.testing.assert_array_equal(regressor.set_params(max_epochs=0).fit(X, y).predict(X), before)


def test_read_only_arrays(regressor, records):
    X, y, _ = (np.array(part) for part in records)
    for array in (X, y):
        array.setflags(write=False)
    assert np.isfinite(regressor.fit(X, y).predict(X)).all()


def test_integers_and_booleans_are_numbers(regressor, records):
    X, y, _ = records
    expected = regressor.fit(X, (y > 2).astype(float)).predict(X)
    for dtype in (bool, np.int8, np.uint16):
        np.testing.assert_array_equal(
            clone(regressor).fit(X, (y > 2).astype(dtype)).predict(X), expected
        )


def test_a_constant_target_is_predicted(regressor, records):
    X, y, _ = records
    target = np.column_stack([np.full(40, 70.1), y])
    regressor.fit(X, target, sample_weight=np.linspace(0.1, 2, 40))
    assert regressor.target_scale_[0] == 0
    np.testing.assert_allclose(regressor.predict(X)[:, 0], 70.1, rtol=1e-12)
    np.testing.assert_allclose(clone(regressor).fit(X, np.full(40, 1e-6)).predict(X), 1e-6)
    # A warm start learns it when it varies.
    mean, scale = regressor.target_mean_[1], regressor.target_scale_[1]
    regressor.set_params(warm_start=True).fit(X, np.column_stack([y, y + 5]))
    np.testing.assert_allclose(regressor.target_mean_, [y.mean(), mean])
    np.testing.assert_allclose(regressor.target_scale_, [y.std(), scale])
    assert np.ptp(regressor.predict(X)[:, 0]) > 0


def test_records_of_weight_zero_are_ignored(regressor, records):
    X, y, _ = records
    weights = np.ones(40)
    weights[30:] = 0
    far = np.where(weights > 0, y, 1e9)
    weighted = regressor.fit(X, far, sample_weight=weights)
    alone = clone(regressor).fit(X[:30], y[:30])
    np.testing.assert_array_equal(weighted.predict(X), alone.predict(X))


def test_statistics_are_weighted(regressor, records):
    X, y, _ = records
    weights = np.random.RandomState(1).uniform(0, 3, 40)
    regressor.fit(X, y, sample_weight=weights)
    mean = (weights * y).sum() / weights.sum()
    scale = np.sqrt((weights * (y - mean) ** 2).sum() / weights.sum())
    np.testing.assert_allclose(regressor.target_mean_, [mean])
    np.testing.assert_allclose(regressor.target_scale_, [scale])


def test_loss_is_the_mean_of_weighted_squares():
    output = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
    targets = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert SquaredErrorLoss()(output, targets) == pytest.approx((1 + 4 + 0 + 4) / 4)
    weights = torch.tensor([2.0, 0.5])
    expected = (2 * (1 + 4) / 2 + 0.5 * (0 + 4) / 2) / 2
    assert SquaredErrorLoss()(output, targets, weights) == pytest.approx(expected)


def test_early_stopping_keeps_patients_together(regressor, records):
    X, y, groups = records
    regressor.set_params(early_stopping=True, validation_fraction=0.3, max_epochs=4)
    regressor.fit(X, y, groups=groups)
    assert np.isfinite(regressor.history_["valid_loss"]).all()
    # Statistics of the targets are those of the training records of 14 patients.
    means = y.reshape(20, 2).mean(axis=1)
    assert not np.isclose(regressor.target_mean_[0], means.mean())


def test_warm_start_keeps_the_standardization(regressor, records):
    X, y, _ = records
    regressor.set_params(warm_start=True).fit(X, y)
    mean = regressor.target_mean_
    assert regressor.fit(X, y + 1).target_mean_ is mean
    with pytest.raises(ValueError, match="number of targets as the previous fit, which had one"):
        regressor.fit(X, np.column_stack([y, y]))


def test_refit_is_equal_bit_by_bit(regressor, records):
    X, y, _ = records
    regressor.set_params(augmentation=[GaussianNoise(0.1)])
    first = regressor.fit(X, y).predict(X)
    np.testing.assert_array_equal(regressor.fit(X, y).predict(X), first)


def test_checkpoint_is_continued(regressor, records, tmp_path):
    X, y, _ = records
    expected = regressor.fit(X, y).predict(X)
    first = clone(regressor).set_params(checkpoint=tmp_path).fit(X, y)
    again = clone(regressor).set_params(checkpoint=tmp_path).fit(X, y)
    np.testing.assert_array_equal(first.predict(X), expected)
    np.testing.assert_array_equal(again.predict(X), expected)
    assert len(list(tmp_path.glob("*"))) == 1
    clone(regressor).set_params(checkpoint=tmp_path).fit(X, y + 1)
    assert len(list(tmp_path.glob("*"))) == 2


def test_one_record_is_an_error(regressor, records):
    X, y, _ = records
    with pytest.raises(ValueError, match="at least 2 records .* got 1 sample"):
        regressor.fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="at least 2 records .* got 1 sample"):
        regressor.fit(X[:2], y[:2], sample_weight=[1, 0])


@pytest.mark.parametrize("n_targets", [1, 2])
def test_save_and_load(regressor, records, tmp_path, n_targets):
    X, y, _ = records
    target = y if n_targets == 1 else np.column_stack([y, -y])
    pipeline = make_pipeline(LeadScaler(), regressor).fit(X, target)
    save(pipeline, tmp_path / "age.ecg")
    loaded = load(tmp_path / "age.ecg")
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))


def test_cross_validation_and_lead_importance(regressor, records):
    X, y, groups = records
    scores = cross_val_score(regressor, X, y, cv=2, scoring="neg_mean_absolute_error")
    assert (scores < 0).all()
    options = {"n_repeats": 2, "random_state": 0}
    result = lead_importance(regressor.fit(X, y), X, y, **options)
    expected = lead_importance(regressor, X, y, scoring="r2", **options)
    np.testing.assert_array_equal(result.importances, expected.importances)
    assert result.importances.shape == (2, 2)


def test_what_needs_classes_is_refused(regressor, records, tmp_path):
    X, y, _ = records
    regressor.fit(X, y)
    with pytest.raises(TypeError, match="has no classes, which grad_cam needs"):
        grad_cam(regressor, X)
    with pytest.raises(ValueError, match="regressor, which cannot be exported to ONNX"):
        export_onnx(regressor, tmp_path / "age.onnx")
    assert not hasattr(regressor, "predict_proba")
    assert not hasattr(regressor, "classes_")


@pytest.mark.parametrize(
    "target, message",
    [
        (None, "requires y to be passed"),
        (np.array(["MI"] * 40), "y must contain real numbers, .*'MI'.*use a classifier"),
        (np.array([1, "NORM"] * 20, dtype=object), "y must contain real numbers"),
        (np.ones(40, dtype=complex), "y must contain real numbers"),
        (np.full(40, np.datetime64("2020-01-01")), "y must contain real numbers"),
        (np.where(np.arange(40) == 3, np.nan, 1.0), r"1 value\(s\) are missing.*record 3"),
        (np.where(np.arange(40) == 5, np.inf, 1.0), r"1 value\(s\) are missing.*record 5"),
        ([None] + [1.0] * 39, r"1 value\(s\) are missing.*record 0"),
        (np.ma.masked_less(np.arange(40.0), 5), "5 masked values"),
        (np.ones((40, 2, 2)), r"\(n_records, n_targets\), got shape \(40, 2, 2\)"),
        (np.ones((40, 0)), r"0 sample\(s\)"),
        (np.where(np.arange(40) == 3, 1e300, 1.0), "y contains values up to 1e.300"),
        (np.ones(39), "inconsistent numbers of samples"),
    ],
)
def test_bad_targets(records, target, message):
    X, _, _ = records
    with pytest.raises(ValueError, match=message):
        REGRESSORS["ECGNet"].fit(X, target)
    with pytest.raises(NotFittedError):
        REGRESSORS["ECGNet"].predict(X)
