"""Tests of linear probes, and of fine-tuning that starts from them."""

import copy
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import VGG1d


def small_backbone(n_leads):
    return VGG1d(n_leads, filters=(4, 8), n_convs=(1, 1))


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(60, duration=1, prevalence=0.4, class_sep=np.inf, random_state=0)


@pytest.fixture(scope="module")
def encoder(ecg):
    encoder = ACLECGEncoder(
        backbone=small_backbone,
        projection_dim=4,
        sampling_rate=100,
        max_epochs=1,
        precision="float64",
        random_state=0,
    )
    return FrozenEstimator(encoder.fit(ecg.data))


def probe(encoder, **params):
    params = {"frozen": True, "precision": "float64", "random_state": 0, **params}
    return ACLECGClassifier(encoder, **params)


def standardized(encoder, X):
    """Return the embedding, standardized with the records that the encoder was pretrained on."""
    return StandardScaler().fit_transform(encoder.transform(X))


def reference(z, y, C, weights=None, class_weight=None):
    model = LogisticRegression(C=C, tol=1e-9, max_iter=5000, class_weight=class_weight)
    return model.fit(z, y, sample_weight=weights)


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_equals_logistic_regression(ecg, encoder, C):
    train = np.arange(40)
    clf = probe(encoder, probe_C=C).fit(ecg.data[train], ecg.target[train])
    z = standardized(encoder, ecg.data)
    expected = reference(z[train], ecg.target[train], C)
    np.testing.assert_allclose(
        clf.predict_proba(ecg.data), expected.predict_proba(z), rtol=0, atol=1e-5
    )
    assert clf.n_iter_ > 0 and len(clf.history_.get("epoch", ())) == 0


def test_warm_start_keeps_the_standardization(ecg, encoder):
    train = slice(0, 20)
    clf = probe(encoder, warm_start=True).fit(ecg.data[train], ecg.target[train])
    first = clf.predict_proba(ecg.data)
    clf.fit(ecg.data[train], ecg.target[train])
    np.testing.assert_allclose(clf.predict_proba(ecg.data), first, rtol=0, atol=1e-12)


def test_multiclass_and_multilabel(ecg, encoder):
    rng = np.random.default_rng(0)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]
    z = standardized(encoder, ecg.data)
    clf = probe(encoder, probe_C=0.1).fit(ecg.data, y)
    np.testing.assert_allclose(
        clf.predict_proba(ecg.data), reference(z, y, 0.1).predict_proba(z), rtol=0, atol=1e-5
    )
    Y = np.c_[ecg.target, y == "a"].astype(int)
    clf.fit(ecg.data, Y)
    expected = [reference(z, column, 0.1).predict_proba(z)[:, 1] for column in Y.T]
    np.testing.assert_allclose(clf.predict_proba(ecg.data), np.transpose(expected), atol=1e-5)


def test_class_weights_are_those_of_scikit_learn(ecg, encoder):
    z = standardized(encoder, ecg.data)
    y = np.array([0, 1, 2])[(np.arange(60) % 5) // 2]
    for target in (ecg.target, y):
        for class_weight in ("balanced", {0: 1, 1: 5, 2: 2}):
            if isinstance(class_weight, dict):
                class_weight = {label: class_weight[label] for label in np.unique(target)}
            clf = probe(encoder, probe_C=0.1, class_weight=class_weight).fit(ecg.data, target)
            expected = reference(z, target, 0.1, class_weight=class_weight).predict_proba(z)
            np.testing.assert_allclose(clf.predict_proba(ecg.data), expected, rtol=0, atol=1e-5)
    Y = np.c_[ecg.target, y == 1].astype(int)
    clf = probe(encoder, probe_C=0.1, class_weight="balanced").fit(ecg.data, Y)
    expected = [
        reference(z, column, 0.1, class_weight="balanced").predict_proba(z)[:, 1] for column in Y.T
    ]
    np.testing.assert_allclose(clf.predict_proba(ecg.data), np.transpose(expected), atol=1e-5)


def test_weights_repeat_and_remove_records(ecg, encoder):
    """Weights are scaled to a mean of 1, so that C is divided by the mean of those given."""
    weights = np.arange(60) % 3
    repeated = np.repeat(np.arange(60), weights)
    clf = probe(encoder, probe_C=0.1).fit(ecg.data, ecg.target, sample_weight=weights)
    mean = weights[weights > 0].mean()
    other = probe(encoder, probe_C=0.1 / mean).fit(ecg.data[repeated], ecg.target[repeated])
    np.testing.assert_allclose(
        clf.predict_proba(ecg.data), other.predict_proba(ecg.data), rtol=0, atol=1e-5
    )
    used = weights > 0
    z = standardized(encoder, ecg.data)
    expected = reference(z[used], ecg.target[used], 0.1, weights[used] / mean)
    np.testing.assert_allclose(
        clf.predict_proba(ecg.data), expected.predict_proba(z), rtol=0, atol=1e-5
    )


def test_classes_without_training_records_have_finite_probabilities(ecg, encoder):
    y = np.array(["a", "b", "c"])[(np.arange(60) % 5) // 2]
    weights = (y != "c").astype(float)
    probability = probe(encoder).fit(ecg.data, y, sample_weight=weights).predict_proba(ecg.data)
    assert 0 < probability[:, 2].min() and probability[:, 2].mean() < 1 / weights.sum()
    Y = np.c_[ecg.target, np.zeros(60, dtype=int), np.ones(60, dtype=int)]
    probability = probe(encoder).fit(ecg.data, Y).predict_proba(ecg.data)
    np.testing.assert_allclose(probability[:, 1], 0.5 / 61)
    np.testing.assert_allclose(probability[:, 2], 60.5 / 61)


def test_log_loss_with_few_labels_is_better_than_that_of_the_prior():
    ecg = make_ecg(240, duration=2, prevalence=0.3, severity=1.5, class_sep=np.inf, random_state=1)
    encoder = ACLECGEncoder(backbone=small_backbone, sampling_rate=100, max_epochs=2)
    encoder.set_params(random_state=0).fit(ecg.data)
    clf = ACLECGClassifier(FrozenEstimator(encoder), frozen=True, random_state=0)
    clf.fit(ecg.data[:40], ecg.target[:40])
    y = ecg.target[40:]
    prior = np.full(len(y), ecg.target[:40].mean())
    assert log_loss(y, clf.predict_proba(ecg.data[40:])) < log_loss(y, prior) - 0.02


def test_without_statistics_of_pretraining(ecg, encoder):
    """Encoders of earlier versions have none. Those of the training records are used, weighted."""
    old = FrozenEstimator(copy.deepcopy(encoder.estimator))
    del old.estimator.embedding_mean_, old.estimator.embedding_scale_
    weights = np.arange(60) % 3
    clf = probe(old, probe_C=0.1).fit(ecg.data, ecg.target, sample_weight=weights)
    used = weights > 0
    z = encoder.transform(ecg.data)
    z = StandardScaler().fit(z[used], sample_weight=weights[used]).transform(z)
    scaled = weights[used] / weights[used].mean()
    expected = reference(z[used], ecg.target[used], 0.1, scaled)
    np.testing.assert_allclose(
        clf.predict_proba(ecg.data), expected.predict_proba(z), rtol=0, atol=1e-5
    )


def test_does_not_depend_on_parameters_of_the_training(ecg, encoder):
    first = probe(encoder).fit(ecg.data, ecg.target).predict_proba(ecg.data)
    clf = probe(encoder, max_epochs=0, learning_rate=1.0, batch_size=2, min_steps=5, random_state=3)
    np.testing.assert_array_equal(clf.fit(ecg.data, ecg.target).predict_proba(ecg.data), first)
    clf = probe(encoder, early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping=True has no effect with frozen=True"):
        clf.fit(ecg.data, ecg.target)
    with pytest.raises(ValueError, match="The 'probe_C' parameter of ACLECGClassifier"):
        probe(encoder, probe_C=0).fit(ecg.data, ecg.target)


def test_warns_without_convergence(ecg, encoder, monkeypatch):
    monkeypatch.setattr("sklearn_ecg.deep._linear_probe._MAX_ITER", 2)
    with pytest.warns(ConvergenceWarning, match="after 2 iterations of L-BFGS. Pass a smaller pro"):
        probe(encoder, probe_C=10).fit(ecg.data, ecg.target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe(encoder, probe_C=10).fit(ecg.data, ecg.target)


# --------------------------------------------------------------------------------------------------
# Fine-tuning
# --------------------------------------------------------------------------------------------------


class Start(Callback):
    """Store the probabilities before the first step, and the number of steps."""

    def on_train_begin(self, net, **kwargs):
        self.n_steps = 0
        self.head = [p.detach().clone() for p in net.module_.classifier[1].parameters()]
        self.statistics = statistics(net.module_.encoder)

    def on_batch_end(self, net, training, **kwargs):
        self.n_steps += training


def statistics(module):
    return torch.cat([b.detach().clone().double().flatten() for b in module.buffers()])


def test_fine_tuning_starts_from_the_probe(ecg, encoder):
    tuned = ACLECGClassifier(
        encoder, callbacks=[Start()], max_epochs=1, precision="float64", random_state=0
    ).fit(ecg.data, ecg.target)
    linear = probe(encoder).fit(ecg.data, ecg.target).net_.module_.classifier[1]
    for start, expected in zip(tuned.callbacks_[0].head, linear.parameters()):
        np.testing.assert_array_equal(start, expected.detach())
    tuned.set_params(max_epochs=0).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(
        tuned.predict_proba(ecg.data),
        probe(encoder).fit(ecg.data, ecg.target).predict_proba(ecg.data),
    )
    tuned.set_params(head_init="random", max_epochs=1).fit(ecg.data, ecg.target)
    assert not np.allclose(tuned.callbacks_[0].head[0], linear.weight.detach())


@pytest.mark.parametrize("freeze_batch_norm", [True, False])
def test_batch_norm_keeps_its_statistics(ecg, encoder, freeze_batch_norm):
    clf = ACLECGClassifier(
        encoder,
        freeze_batch_norm=freeze_batch_norm,
        encoder_learning_rate=1e-2,
        callbacks=[Start()],
        max_epochs=1,
        random_state=0,
    ).fit(ecg.data, ecg.target)
    before, after = clf.callbacks_[0].statistics, statistics(clf.net_.module_.encoder)
    assert torch.equal(before, after) == freeze_batch_norm
    before = [p.detach() for p in encoder.net_.module_.encoders.parameters()]
    after = list(clf.net_.module_.encoder.encoders.parameters())
    # The weights of all layers are trained, those of BatchNorm as well.
    assert not any(torch.equal(a.float(), b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("min_steps, n_epochs", [(0, 2), (6, 2), (7, 3), (30, 10)])
def test_min_steps_increases_the_epochs(ecg, encoder, min_steps, n_epochs):
    clf = ACLECGClassifier(
        encoder, min_steps=min_steps, callbacks=[Start()], max_epochs=2, batch_size=20
    ).fit(ecg.data, ecg.target)
    assert clf.n_iter_ == len(clf.history_["train_loss"]) == n_epochs
    assert clf.callbacks_[0].n_steps == 3 * n_epochs
    # The schedule is that of all epochs.
    rates = clf.history_["learning_rate"]
    assert rates.argmax() < n_epochs / 2 + 1 and rates[-1] < 0.7 * rates.max()
