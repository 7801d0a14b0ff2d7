"""MSAIC-Net with its losses for imbalanced classes."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.augmentation import GaussianNoise

TINY = {
    "filters": (4,),
    "kernel_size": 7,
    "dilations": (1,),
    "embedding_dim": 8,
    "projection_dim": 4,
    "batch_size": 16,
    "max_epochs": 3,
    "random_state": 0,
}
LOSSES = ("focal_supcon", "balanced", "class_supcon", "prototype")
OPTIONS = {
    **{name: {"contrastive_loss": name} for name in LOSSES},
    "logit adjustment": {"logit_adjustment": 1.0, "class_weight": None},
    "all": {"contrastive_loss": "balanced", "logit_adjustment": 0.5, "class_weight": None},
}


def make(**params):
    return MSAICNetClassifier(**{**TINY, **params})


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [60, 12])
    X = rng.randn(72, 3, 40).astype(np.float32)
    X[y == 1, 1, 10:20] += 2
    order = rng.permutation(72)
    return X[order], y[order]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("precision", ["float32", "float64", "mixed"])
def test_each_option_learns(option, precision, data):
    X, y = data
    clf = make(precision=precision, max_epochs=12, **OPTIONS[option]).fit(X, y)
    assert roc_auc_score(y, clf.predict_proba(X)[:, 1]) > 0.9
    assert clf.transform(X).shape == (72, 8)
    again = clone(clf).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_the_losses_differ(data):
    X, y = data
    logits = [make(**params).fit(X, y).decision_function(X) for params in OPTIONS.values()]
    for i in range(len(logits)):
        for j in range(i):
            assert not np.allclose(logits[i], logits[j])


def test_the_paper_is_the_default():
    params = MSAICNetClassifier().get_params()
    assert params["contrastive_loss"] == "focal_supcon" and params["logit_adjustment"] == 0


def test_search_over_the_losses(data):
    grid = {"contrastive_loss": list(LOSSES), "contrastive_class": [None, "MI"]}
    X, y = data
    search = GridSearchCV(make(max_epochs=1), grid, cv=2).fit(X, np.array(["MI", "NORM"])[y])
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("option", OPTIONS)
def test_records_of_weight_0_are_ignored(option, data):
    X, y = data
    weight = np.where(np.arange(72) % 3 == 0, 0.0, 1.0)
    changed = np.where(weight[:, None, None] == 0, -5 * X, X)
    # With other labels of these records, the other class would be the rarer one.
    labels = np.where(weight == 0, 1, y)
    expected = make(**OPTIONS[option]).fit(X, y, sample_weight=weight)
    clf = make(**OPTIONS[option]).fit(changed, labels, sample_weight=weight)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    np.testing.assert_array_equal(clf.class_prior_, expected.class_prior_)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_class_with_one_record(option):
    rng = np.random.RandomState(0)
    X, y = rng.randn(40, 2, 32).astype(np.float32), np.arange(40) == 3
    params = {"balanced_batches": False, "early_stopping": False, **OPTIONS[option]}
    assert np.isfinite(make(**params).fit(X, y).decision_function(X)).all()


@pytest.mark.parametrize("option", OPTIONS)
def test_early_stopping_and_warm_start(option, data):
    X, y = data
    clf = make(early_stopping=True, validation_fraction=0.3, warm_start=True, **OPTIONS[option])
    clf.fit(X, y, sample_weight=np.linspace(0.5, 1, 72))
    assert np.isfinite(clf.history_["valid_loss"]).all()
    before = clf.decision_function(X)
    np.testing.assert_array_equal(
        clf.set_params(max_epochs=0).fit(X, y).decision_function(X), before
    )
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.decision_function(X), before)


@pytest.mark.parametrize(
    "counts, contrastive_class, expected",
    [
        ((30, 10), None, "b"),
        ((10, 30), None, "a"),
        ((20, 20), None, "b"),
        ((30, 10), "a", "a"),
        ((10, 30), "b", "b"),
    ],
)
def test_the_supervised_class(counts, contrastive_class, expected):
    y = np.repeat(["a", "b"], counts)
    X = np.random.RandomState(0).randn(40, 2, 32).astype(np.float32)
    clf = make(contrastive_loss="class_supcon", contrastive_class=contrastive_class)
    clf.fit(X, y)
    assert clf.contrastive_class_ == expected
    assert clf.contrastive_class is contrastive_class
    assert clf.set_params(contrastive_loss="prototype").fit(X, y).contrastive_class_ is None


def test_the_supervised_class_changes_the_network(data):
    X, y = data
    logits = {
        label: make(contrastive_loss="class_supcon", contrastive_class=label)
        .fit(X, y)
        .decision_function(X)
        for label in (None, 0, 1)
    }
    np.testing.assert_array_equal(logits[None], logits[1])
    assert not np.allclose(logits[0], logits[1])


class Views:
    """An augmentation that remembers the batches that it returns."""

    def __init__(self):
        self.returned = []

    def __call__(self, x):
        self.returned.append(x + torch.randn_like(x))
        return self.returned[-1]


@pytest.mark.parametrize("weights", [None, np.r_[np.ones(30), np.full(10, 2.0)]])
@pytest.mark.parametrize("loss, n_views", [("focal_supcon", 1), ("class_supcon", 2)])
def test_batches_contain_two_views(loss, n_views, weights, monkeypatch):
    """The network gets the first views of all records of a batch, then the second views."""
    views, seen = Views(), []
    clf = make(contrastive_loss=loss, augmentation=views, normalize=None, max_epochs=1)
    make_loss = MSAICNetClassifier._make_loss

    def spy(self, data):
        module = make_loss(self, data)
        module.register_forward_pre_hook(lambda _, arguments: seen.append(arguments))
        return module

    monkeypatch.setattr(MSAICNetClassifier, "_make_loss", spy)
    X, y = np.random.RandomState(0).randn(40, 2, 32), np.arange(40) % 10 == 0
    inputs = []
    network = MSAICNetClassifier._make_network

    def spy_network(self, data):
        module = network(self, data)
        module.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
        return module

    monkeypatch.setattr(MSAICNetClassifier, "_make_network", spy_network)
    clf.fit(X, y, sample_weight=weights)
    assert len(views.returned) == n_views * len(seen)
    n_classified = 0
    for i, (output, targets, weight, n_own, *rest) in enumerate(seen):
        parts = views.returned[n_views * i : n_views * (i + 1)]
        torch.testing.assert_close(inputs[i], torch.cat(parts))
        assert len(output[0]) == len(targets) == n_views * len(parts[0])
        assert rest == ([2] if n_views == 2 else [])
        if n_views == 2:
            assert not torch.allclose(parts[0], parts[1])
            assert torch.equal(*targets.chunk(2))
            assert weights is None or torch.equal(*weight.chunk(2))
        n_classified += n_own
    assert n_classified == 40


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_class_prior(kind, data):
    X, y = data
    y3 = np.arange(72) % 6 // 2 + (np.arange(72) < 10)
    target = {"binary": y, "multiclass": y3, "multilabel": np.c_[y, 1 - y, y3 > 1]}[kind]
    weight = np.random.RandomState(0).rand(72)
    clf = make().fit(X, target, sample_weight=weight)
    if kind == "multilabel":
        expected = [sum(weight[target[:, k] == 1]) / sum(weight) for k in range(3)]
    else:
        expected = [sum(weight[target == c]) / sum(weight) for c in clf.classes_]
    np.testing.assert_allclose(clf.class_prior_, expected)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_logit_adjustment_removes_the_prior(kind):
    """For noise, the adjusted probabilities are those of equal classes, as documented."""
    rng = np.random.RandomState(0)
    X, number = rng.randn(120, 1, 8).astype(np.float32), np.arange(120) % 12
    target = {
        "binary": number < 2,
        "multiclass": (number < 2).astype(int) + (number < 5),
        "multilabel": np.c_[number < 2, number < 9],
    }[kind].astype(int)
    params = {
        "class_weight": None,
        "focal_gamma": 0,
        "contrastive_weight": 0,
        "learning_rate": 1e-2,
        "max_epochs": 20,
        "batch_size": 30,
        "dropout": 0,
        "weight_decay": 0,
        "n_leads": 1,
    }
    plain = make(**params).fit(X, target)
    clf = make(logit_adjustment=1.0, **params).fit(X, target)
    share = target.mean(axis=0) if kind == "multilabel" else plain.class_prior_
    np.testing.assert_allclose(clf.class_prior_, share)
    np.testing.assert_allclose(plain.predict_proba(X).mean(axis=0), share, atol=0.1)
    equal = 1 / 3 if kind == "multiclass" else 0.5
    np.testing.assert_allclose(clf.predict_proba(X).mean(axis=0), equal, atol=0.1)
    # The closed form of the docstring returns to the prevalence of the training records.
    if kind == "multilabel":
        logits = clf.decision_function(X) + np.log(share / (1 - share))
        restored = 1 / (1 + np.exp(-logits))
    else:
        restored = np.exp(clf.predict_log_proba(X) + np.log(share))
        restored /= restored.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(restored.mean(axis=0), share, atol=0.05)


@pytest.mark.parametrize(
    "params, target, message",
    [
        ({"contrastive_loss": "supcon"}, "binary", "'contrastive_loss' parameter of MSAICNet"),
        ({"logit_adjustment": -1}, "binary", "'logit_adjustment' parameter of MSAICNet"),
        (
            {"logit_adjustment": 1.0},
            "binary",
            "logit_adjustment=1 and class_weight='balanced' both correct",
        ),
        (
            {"contrastive_loss": "class_supcon", "contrastive_class": "MI"},
            "binary",
            r"contrastive_class='MI' is not a class of y. Pass one of \[0, 1\]",
        ),
        ({"contrastive_loss": "balanced"}, "multilabel", "'balanced' is not defined for multilab"),
        ({"contrastive_loss": "class_supcon"}, "multilabel", "'class_supcon' is not defined for"),
        ({"contrastive_loss": "prototype"}, "multiclass", "'prototype' is not defined for multic"),
    ],
)
def test_refusals(params, target, message, data):
    X, y = data
    target = {"binary": y, "multiclass": np.arange(72) % 3, "multilabel": np.c_[y, 1 - y]}[target]
    with pytest.raises(ValueError, match=message):
        make(**params).fit(X, target)


def test_losses_of_other_targets(data):
    X, y = data
    three = make(contrastive_loss="balanced").fit(X, np.arange(72) % 3)
    assert three.net_.module_(torch.zeros(2, 3, 40))[2].shape == (3, 4)
    labels = make(logit_adjustment=1.0, class_weight=None).fit(X, np.c_[y, 1 - y, y])
    assert labels.predict_proba(X).shape == (72, 3)
    make(contrastive_loss="prototype", contrastive_weight=0).fit(X, np.c_[y, 1 - y, y])


def test_two_views_with_augmentation(data):
    X, y = data
    for loss in ("class_supcon", "prototype"):
        clf = make(contrastive_loss=loss, augmentation=GaussianNoise(0.1), batch_size=2)
        assert np.isfinite(clf.fit(X[:21], y[:21]).history_["train_loss"]).all()
