"""Tests of MSAIC-Net, and of what all classifiers share: stopping, weights, warm start, devices."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg._validation import Target
from sklearn_ecg.augmentation import AmplitudeScale, GaussianNoise
from sklearn_ecg.deep._target import class_weights
from sklearn_ecg.deep._training_data import TrainingData
from sklearn_ecg.utils._torch import resolve_device

TINY = {
    "filters": (4,),
    "dilations": (1,),
    "embedding_dim": 8,
    "projection_dim": 4,
    "batch_size": 8,
    "max_epochs": 3,
    "random_state": 0,
}


def make(**params):
    return MSAICNetClassifier(**{**TINY, **params})


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [30, 10])
    X = rng.randn(40, 3, 40).astype(np.float32)
    X[y == 1, 1, 10:20] += 2
    order = rng.permutation(40)
    return X[order], y[order]


def data_of(n_channels):
    """Binary training data for the hooks."""
    return TrainingData(None, Target("binary", np.arange(2), np.arange(2)), n_channels=n_channels)


ABLATIONS = {
    "CNN + focal BCE": {"dilations": (1,), "attention": None, "contrastive_weight": 0},
    "+ multi-scale branches": {"attention": None, "contrastive_weight": 0},
    "+ channel attention": {"contrastive_weight": 0},
    "+ SupCon": {"contrastive_gamma": 0},
    "full": {},
}


@pytest.mark.parametrize("row", ABLATIONS)
def test_each_ablation_is_available_by_parameters(row, data):
    clf = make(dilations=(1, 2)).set_params(**ABLATIONS[row]).fit(*data)
    module, loss = clf.net_.module_, clf._make_loss(data_of(3))
    assert len(module.branches) == (1 if row == "CNN + focal BCE" else 2)
    assert (module.branches[0][0].attention is None) == (
        row in ("CNN + focal BCE", "+ multi-scale branches")
    )
    assert (module.projector is None) == (row not in ("+ SupCon", "full"))
    assert loss.contrastive_gamma == (0 if row == "+ SupCon" else 2)


def test_defaults_of_the_method():
    clf = MSAICNetClassifier()
    assert clf.class_weight == "balanced" and clf.focal_gamma == 2 and clf.temperature == 0.1
    assert clf.dilations == (1, 2, 4, 8) and clf.attention == "eca"


def test_early_stopping_keeps_groups_on_one_side(data):
    """The records of a validation patient do not change the statistics for normalization."""
    X, y = data
    groups = np.arange(40) // 2
    clf = make(early_stopping=True, validation_fraction=0.25, max_epochs=6, n_iter_no_change=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        clf.fit(X, y, groups=groups)
        means = set()
        for group in range(20):
            shifted = X.copy()
            shifted[groups == group] += 50
            clf.fit(shifted, y, groups=groups)
            # Either both records of the patient change the mean or neither does.
            means.add(round(float(clf.normalizer_.mean.mean()), 0))
    assert len(means) == 2 and 0.0 in means
    assert "valid_loss" in clf.history_


def test_early_stopping_degrades_with_a_warning():
    X = np.random.RandomState(0).randn(4, 2, 20)
    with pytest.warns(UserWarning, match="leaves no records for validation"):
        clf = make(early_stopping=True).fit(X, [0, 1, 0, 1])
    assert "valid_loss" not in clf.history_


def test_warm_start_continues(data):
    X, y = data
    clf = make(warm_start=True).fit(X, y)
    first = clf.net_.module_.classifier.weight.detach().clone()
    mean = clf.normalizer_.mean.clone()
    clf.set_params(max_epochs=0, precision="float64").fit(X + 5, y)
    np.testing.assert_array_equal(clf.net_.module_.classifier.weight.detach(), first.double())
    np.testing.assert_array_equal(clf.normalizer_.mean, mean)
    assert clf.transform(X).dtype == np.float64


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda X, y, clf: clf.fit(X[:, :2], y),
            r"the same leads as the previous fit, which had \(3, .*\), but got \(2",
        ),
        (
            lambda X, y, clf: clf.fit(X, np.array(["a", "b"])[y]),
            "the same classes as .* but got .*'a', 'b'",
        ),
        (
            lambda X, y, clf: clf.set_params(normalize=None).fit(X, y),
            "the same normalize as the previous fit, which had dataset, but got None",
        ),
        (lambda X, y, clf: clf.set_params(filters=(8,)).fit(X, y), "requires the same network"),
        (
            lambda X, y, clf: clf.set_params(contrastive_weight=0).fit(X, y),
            "requires the same network",
        ),
        # The weights of these networks have the same shapes.
        (
            lambda X, y, clf: clf.set_params(dilations=(3,)).fit(X, y),
            "the same network .* with the same weights it has other outputs",
        ),
        (lambda X, y, clf: clf.set_params(stride=3).fit(X, y), "it has other outputs"),
        (lambda X, y, clf: clf.set_params(pool_size=4).fit(X, y), "it has other outputs"),
        (
            lambda X, y, clf: clf.set_params(lead_names=["II", "I", "V1"]).fit(X, y),
            "leads .*'I', 'II', 'V1'.* but got .*'II', 'I', 'V1'",
        ),
    ],
)
def test_warm_start_requires_the_same_data_and_network(change, message, data):
    X, y = data
    clf = make(warm_start=True, lead_names=["I", "II", "V1"]).fit(X, y)
    if r"\(2" in message:
        clf.lead_names = None
    with pytest.raises(ValueError, match=message):
        change(X, y, clf)


def test_cold_start_after_another_shape(data):
    X, y = data
    clf = make().fit(X, y)
    assert clf.fit(X[:, :2, :30], np.array(["a", "b"])[y]).predict(X[:2, :2, :30]).dtype.kind == "U"


class Interrupt(Callback):
    def on_batch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_ctrl_c_leaves_an_unfitted_estimator(data):
    clf = make().fit(*data)
    clf.set_params(callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*data)
    with pytest.raises(NotFittedError):
        clf.predict(data[0])


def test_normalization_modes(data):
    X, y = data
    X = X * np.array([1, 10, 100], dtype=np.float32)[:, None] + 7
    clf = make().fit(X, y)
    np.testing.assert_allclose(clf.normalizer_.mean[:, 0], X.mean((0, 2)), rtol=1e-5)
    np.testing.assert_allclose(clf.normalizer_.scale[:, 0], X.std((0, 2)), rtol=1e-5)
    scales = np.array([0.5, 3, 20], dtype=np.float32)[:, None]
    per_lead = make(normalize="record_lead").fit(X, y)
    np.testing.assert_allclose(
        per_lead.predict_proba(X * scales), per_lead.predict_proba(X), atol=1e-5
    )
    per_record = make(normalize="record").fit(X, y)
    np.testing.assert_allclose(
        per_record.predict_proba(3 * X + 2), per_record.predict_proba(X), atol=1e-5
    )
    assert not np.allclose(per_record.predict_proba(X * scales), per_record.predict_proba(X))


@pytest.mark.parametrize(
    "class_weight, sign",
    [({0: 10, 1: 1}, -1), ({0: 1, 1: 10}, 1), ({1: 10}, 1)],
)
def test_class_weight_moves_probabilities(class_weight, sign, data):
    X, y = data
    neutral = make(class_weight=None).fit(X, y).predict_proba(X)[:, 1].mean()
    weighted = make(class_weight=class_weight).fit(X, y).predict_proba(X)[:, 1].mean()
    assert sign * (weighted - neutral) > 0


def test_balanced_weights():
    """Shares of the other value for two classes and labels, else n / (n_classes * n_of_class)."""
    y = np.repeat([0, 1, 2], [6, 3, 1])
    binary = Target("binary", np.arange(2), (y > 0).astype(int))
    np.testing.assert_allclose(np.ravel(class_weights("balanced", binary)), [0.4, 0.6])
    multiclass = Target("multiclass", np.arange(3), y)
    np.testing.assert_allclose(class_weights("balanced", multiclass), [10 / 18, 10 / 9, 10 / 3])
    indicator = np.stack([y > 0, y > 1], axis=1).astype(int)
    weights = class_weights("balanced", Target("multilabel", np.arange(2), indicator))
    np.testing.assert_allclose(weights, [[0.4, 0.1], [0.6, 0.9]])


def test_label_of_records_with_weight_0_is_a_class(data):
    X, y = data
    y = y.copy()
    y[:3] = 7
    clf = make().fit(X, y, sample_weight=(y != 7).astype(float))
    assert clf.classes_.tolist() == [0, 1, 7]


def test_device_auto_is_cuda_if_it_is_available(monkeypatch):
    for available, device in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        assert resolve_device(MSAICNetClassifier().device).type == device


def test_class_weight_refusals(data):
    X, y = data
    Y = np.stack([y, 1 - y, y], axis=1)
    with pytest.raises(ValueError, match="is a list, which only a multilabel y takes"):
        make(class_weight=[{0: 1, 1: 2}]).fit(X, y)
    with pytest.raises(ValueError, match="multilabel y of 3 labels class_weight must be"):
        make(class_weight={0: 1, 1: 2}).fit(X, Y)
    with pytest.raises(ValueError, match="not in class_weight"):
        make(class_weight={"MI": 2}).fit(X, y)
    make(class_weight=3 * [{0: 1, 1: 2}]).fit(X, Y)


def test_constant_label_warns(data):
    X, y = data
    Y = np.stack([y, np.zeros_like(y)], axis=1)
    with pytest.warns(UserWarning, match=r"Label\(s\) \[1\] have the same value in all"):
        make().fit(X, Y)


def test_one_augmentation_or_several(data):
    X, y = data
    several = make(augmentation=[AmplitudeScale(0.1), GaussianNoise(0.1)]).fit(X, y)
    one = make(augmentation=AmplitudeScale(0.1)).fit(X, y)
    none = make().fit(X, y)
    outputs = [clf.decision_function(X) for clf in (several, one, none)]
    assert not np.allclose(outputs[0], outputs[1]) and not np.allclose(outputs[1], outputs[2])
    search = GridSearchCV(make(), {"augmentation": [None, GaussianNoise(0.1)]}, cv=2)
    assert len(search.fit(X, y).cv_results_["params"]) == 2


@pytest.mark.parametrize("mode", ["dataset", "record_lead"])
def test_augmentation_gets_normalized_batches_and_seeded_numbers(mode, data):
    X, y = data
    runs = []
    for seed in (1, 2):
        torch.manual_seed(seed)  # which does not matter
        batches, draws = [], []

        def augmentation(x, batches=batches, draws=draws):
            batches.append(x.clone())
            draws.append(torch.rand(3))
            return x

        make(augmentation=augmentation, normalize=mode, contrastive_weight=0).fit(50 * X + 7, y)
        runs.append(torch.stack(draws))
        assert len(batches) == 3 * 5
        signals = torch.cat(batches[:5])
        assert signals.shape == X.shape
        dims = (0, 2) if mode == "dataset" else 2
        assert signals.mean(dims).abs().max() < 1e-4
        assert (signals.std(dims, correction=0) - 1).abs().max() < 1e-4
    assert torch.equal(*runs)
    assert len(runs[0].unique()) == runs[0].numel()  # new numbers for each batch


def test_batches_are_balanced_for_the_contrastive_loss_only(data):
    X, y = data
    sizes = {}
    for weight in (0, 0.1):
        seen = []
        augmentation = lambda x, seen=seen: seen.append(len(x)) or x  # noqa: E731
        y_rare = (np.arange(40) < 2).astype(int)
        make(augmentation=augmentation, contrastive_weight=weight, max_epochs=1).fit(X, y_rare)
        sizes[weight] = seen
    assert sizes[0] == [8] * 5 and max(sizes[0.1]) > 8


@pytest.mark.parametrize(
    "params, message",
    [
        ({"class_weight": {0: -1, 1: 1}}, "class_weight must contain finite weights >= 0"),
        ({"class_weight": {0: 0, 1: 0}}, "not all of them 0"),
        ({"dropout": 1.0}, "'dropout' parameter of MSAICNetClassifier must be"),
        ({"attention": "cbam"}, "'attention' parameter"),
        ({"batch_size": 1}, "'batch_size' parameter"),
        ({"kernel_size": 4}, "kernel_size must be odd, got 4"),
        ({"dilations": ()}, "dilations must contain at least one"),
        ({"dilations": (0,)}, "dilations must contain .* integers >= 1"),
        ({"filters": (8, 2.5)}, "filters must contain .* integers >= 1"),
        ({"device": "cuda:9"}, "device='cuda:9' is not available"),
        ({"device": "gpu"}, "device='gpu' is not available"),
        ({"augmentation": [3]}, "augmentation=, must be callable, got 3"),
        ({"augmentation": lambda x: x[:, :, 1:]}, "<lambda> .* changed the shape of a batch"),
    ],
)
def test_bad_parameters_are_named(params, message, data):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(*data)


def test_precisions(data):
    X, y = data
    double = make(precision="float64").fit(X, y)
    assert double.transform(X).dtype == np.float64
    single = make().fit(X, y)
    assert single.transform(X).dtype == np.float32
    np.testing.assert_allclose(double.predict_proba(X), single.predict_proba(X), atol=1e-3)
    mixed = make(precision="mixed").fit(X, y)
    assert mixed.transform(X).dtype == np.float32
    np.testing.assert_allclose(mixed.predict_proba(X), single.predict_proba(X), atol=0.1)


def test_mixed_precision_does_not_tie_scores():
    X = np.random.RandomState(0).randn(400, 3, 40).astype(np.float32)
    clf = make(precision="mixed").fit(X, np.arange(400) % 2)
    assert len(np.unique(clf.decision_function(X))) > 390


def test_scale_of_weights_does_not_matter(data):
    X, y = data
    weight = np.random.RandomState(0).rand(40) + 0.1
    reference = make().fit(X, y, sample_weight=weight).predict_proba(X)
    for size in (1e-20, 1e20):
        scaled = make().fit(X, y, sample_weight=size * weight).predict_proba(X)
        np.testing.assert_allclose(scaled, reference, atol=1e-4)


@pytest.mark.parametrize("batch_size", [2, 8, 32])
def test_weighted_prevalence_is_learned_with_any_batch_size(batch_size):
    """For noise the best prediction is the weighted share of positives, here one half."""
    rng = np.random.RandomState(0)
    X, y = rng.randn(160, 1, 8).astype(np.float32), np.arange(160) % 8 == 0
    clf = make(
        class_weight=None,
        focal_gamma=0,
        contrastive_weight=0,
        batch_size=batch_size,
        learning_rate=1e-3,
        max_epochs=40,
        n_leads=1,
    )
    clf.fit(X, y, sample_weight=np.where(y, 7.0, 1.0))
    mean = np.average(clf.predict_proba(X)[:, 1], weights=np.where(y, 7, 1))
    assert mean == pytest.approx(0.5, abs=0.07)


def test_added_records_do_not_count_in_the_classification_loss(data):
    """With a rare class, a fifth of each batch is added, but the probabilities do not change."""
    rng = np.random.RandomState(0)
    X, y = rng.randn(200, 1, 8).astype(np.float32), np.arange(200) % 50 == 0
    plain = {"class_weight": None, "focal_gamma": 0, "learning_rate": 1e-3}
    plain |= {"dropout": 0.1, "max_epochs": 40}
    mean = {
        weight: make(contrastive_weight=weight, **plain).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (0, 1e-6)
    }
    assert mean[0] < 0.1
    assert mean[1e-6] == pytest.approx(mean[0], abs=0.03)


def test_threads_do_not_interfere(data):
    X, y = data
    expected = make().fit(X, y).predict_proba(X)
    state = torch.random.get_rng_state()
    fitted = Parallel(n_jobs=4, backend="threading")(delayed(make().fit)(X, y) for _ in range(4))
    for clf in fitted:
        np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-6)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_history_is_a_table(data):
    table = pd.DataFrame(make().fit(*data).history_)
    assert list(table["epoch"]) == [1, 2, 3]
    assert {"train_loss", "learning_rate"} <= set(table)


def test_extreme_amplitudes_raise(data):
    X, y = data
    with pytest.raises(ValueError, match="(train loss|gradient norm) became"):
        make(normalize=None, learning_rate=1e3, max_epochs=20).fit(X * 1e12, y)


@pytest.mark.parametrize(
    "code",
    [
        "import sklearn_ecg; dir(sklearn_ecg)",
        "from sklearn_ecg.datasets import load_ptbxl, make_ecg; make_ecg(2)",
        "from sklearn_ecg import to_lead_frame, STANDARD_LEADS",
        "import sklearn_ecg._validation, sklearn_ecg.metrics, sklearn_ecg.utils",
    ],
)
def test_reading_data_does_not_import_torch(code):
    code += "; import sys; assert not {'torch', 'skorch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_public_names_resolve():
    import sklearn_ecg

    for name in sklearn_ecg.__all__:
        assert getattr(sklearn_ecg, name) is not None
    assert set(sklearn_ecg.__all__) <= set(dir(sklearn_ecg))
    with pytest.raises(AttributeError, match="no attribute 'MSAICNet'"):
        getattr(sklearn_ecg, "MSAICNet")  # noqa: B009


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_log_probabilities(kind, data, monkeypatch):
    X, y = data
    target = {"binary": y, "multiclass": np.arange(40) % 3, "multilabel": np.c_[y, 1 - y, y]}[kind]
    clf = make().fit(X, target)
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(clf.predict_proba(X)), rtol=1e-9)
    # Probabilities that round to 0 have finite logarithms.
    logits = clf._apply(X, clf._logits)
    monkeypatch.setattr(clf, "_apply", lambda X, function: 1e4 * logits)
    log_probabilities = clf.predict_log_proba(X)
    assert np.isfinite(log_probabilities).all() and log_probabilities.min() < -1000


def test_number_of_epochs(data):
    X, y = data
    assert make(max_epochs=4).fit(X, y).n_iter_ == 4
    assert make(max_epochs=0).fit(X, y).n_iter_ == 0
    clf = make(early_stopping=True, validation_fraction=0.3, n_iter_no_change=1, max_epochs=50)
    clf.set_params(learning_rate=0.3).fit(X, y)
    assert clf.n_iter_ == len(clf.history_["epoch"]) < 50
