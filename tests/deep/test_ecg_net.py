"""Tests of ECGNetClassifier: what a module may be, take and return, and networks by name."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from sklearn_ecg import ECGNetClassifier
from sklearn_ecg.deep._ecg_net_module import NETWORKS
from sklearn_ecg.inspection import grad_cam, lead_importance
from sklearn_ecg.nn import SignalNetwork
from sklearn_ecg.preprocessing import Cropper

SMALL = {
    "cnn_lstm": {"filters": (4, 6), "hidden_size": 5, "embedding_dim": 7},
    "inception_time": {"filters": 3, "depth": 3, "kernel_sizes": (5, 3)},
    "lstm": {"hidden_size": 4, "embedding_dim": 7},
    "resnet1d_wang": {"width": 6, "embedding_dim": 7},
    "transformer": {"filters": (4, 8), "n_layers": 1, "n_heads": 2, "feedforward_size": 8},
    "xresnet1d101": {"layers": (1, 2), "width": 4, "embedding_dim": 7},
}


class Net(nn.Module):
    """Logits of the means and maxima of filtered signals."""

    def __init__(self, in_channels, num_classes, width=4, kernel_size=5):
        super().__init__()
        self.conv = nn.Conv1d(in_channels, width, kernel_size, padding="same")
        self.linear = nn.Linear(2 * width, num_classes)

    def embed_(self, x):
        x = self.conv(x).relu()
        return torch.cat([x.mean(2), x.amax(2)], dim=1)

    def forward(self, x):
        return self.linear(self.embed_(x))


class EmbeddingNet(Net):
    def forward(self, x):
        embedding = self.embed_(x)
        return self.linear(embedding), embedding


class MappedNet(SignalNetwork):
    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.embedding_dim = 4
        self.conv = nn.Conv1d(n_leads, 4, 5, padding="same")
        self.classifier = nn.Linear(4, n_outputs)

    def feature_map(self, x):
        return self.conv(x).relu().unsqueeze(2)

    def pool(self, features):
        return features.mean((2, 3))


def make(module=Net, **params):
    params = {"max_epochs": 3, "batch_size": 8, "random_state": 0, **params}
    return ECGNetClassifier(module, **params)


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [30, 10])
    X = rng.randn(40, 3, 40).astype(np.float32)
    X[y == 1, 1, 10:20] += 2
    order = rng.permutation(40)
    return X[order], y[order]


# Networks by name


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_learns(name, data):
    X, y = data
    clf = make(name, module_params=SMALL[name], max_epochs=40, learning_rate=1e-2)
    clf.fit(X, y)
    assert roc_auc_score(y, clf.decision_function(X)) > 0.9
    assert clf.transform(X).shape == (40, clf.net_.module_.embedding_dim)
    again = clone(clf).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X)
    )


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["float64", "mixed"])
def test_each_network_has_each_precision(name, precision, data):
    X, y = data
    params = {"module_params": SMALL[name], "max_epochs": 1}
    single = make(name, **params).fit(X, y)
    other = make(name, precision=precision, **params).fit(X, y)
    assert other.transform(X).dtype == (np.float64 if precision == "float64" else np.float32)
    np.testing.assert_allclose(other.predict_proba(X), single.predict_proba(X), atol=0.1)
    if precision == "mixed":
        assert len(np.unique(other.decision_function(X))) == len(X)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_heat_maps_and_lead_importance(name, data):
    X, y = data
    clf = make(name, module_params=SMALL[name]).fit(X, y)
    heat = grad_cam(clf, X, target=1)
    assert heat.shape == (40, 40) and np.isfinite(heat).all()
    result = lead_importance(clf, X, y, n_repeats=2, random_state=0)
    assert len(result.importances_mean) == 3


def test_default_is_the_network_of_the_benchmark():
    assert ECGNetClassifier().module == "resnet1d_wang"
    assert ECGNetClassifier().class_weight is None


def test_module_is_tried_out_and_predicts_in_float32(data):
    """Before training, with two records; ``precision="mixed"`` is for training only."""
    X, y = data
    calls = []

    class Spy(Net):
        def forward(self, x):
            calls.append((self.training, len(x), torch.is_autocast_enabled("cpu")))
            assert x.is_contiguous()
            return super().forward(x)

    clf = make(Spy, precision="mixed", max_epochs=1).fit(X, y)
    assert calls[0][:2] == (False, 2)
    assert {autocast for training, _, autocast in calls if training} == {True}
    calls.clear()
    clf.predict_proba(X)
    assert set(calls) == {(False, 40, False)}


# What a module may be


def load_weights(n_leads, n_outputs, value):
    net = Net(n_leads, n_outputs)
    nn.init.constant_(net.conv.weight, value)
    return net


class Maker:
    def __call__(self, n_leads, n_outputs):
        return Net(n_leads, n_outputs)


@pytest.mark.parametrize(
    "module, params",
    [
        (Net, None),
        (EmbeddingNet, {"width": 8}),
        (partial(Net, width=2), None),
        (load_weights, {"value": 0.25}),
        (Maker(), None),
        (lambda n_leads, n_outputs: Net(n_leads, n_outputs), None),
    ],
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_module_is_a_class_or_a_function(module, params, n_classes, data):
    X, _ = data
    y = np.array(["NORM", "MI", "STTC"])[np.arange(40) % n_classes]
    clf = clone(make(module, module_params=params)).fit(X, y)
    assert clf.predict_proba(X).shape == (40, n_classes)
    assert set(clf.predict(X)) <= set(y)


def test_training_starts_from_the_weights_that_a_function_loads(data):
    clf = make(load_weights, module_params={"value": 0.25}, max_epochs=0).fit(*data)
    assert (clf.net_.module_.module.conv.weight == 0.25).all()


def test_multilabel(data):
    X, y = data
    Y = np.stack([y, 1 - y, y], axis=1)
    clf = make(class_weight="balanced").fit(X, Y)
    assert clf.predict_proba(X).shape == (40, 3) and clf.predict(X).shape == (40, 3)
    assert clf.transform(X).shape == (40, 3)


def test_embedding_is_the_second_output_or_the_logits(data):
    X, y = data
    clf = make(EmbeddingNet).fit(X, y)
    net, x = clf.net_.module_.module, clf._validate_input(X).batch(slice(None))
    with torch.no_grad():
        logits, embedding = net(x)
    np.testing.assert_allclose(clf.transform(X), embedding, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(clf.decision_function(X), logits[:, 0], rtol=1e-5, atol=1e-6)
    assert clf.get_feature_names_out()[-1] == "ecgnetclassifier7"
    bare = make(Net).fit(X, y)
    np.testing.assert_allclose(bare.transform(X)[:, 0], bare.decision_function(X))


def test_loss_is_the_cross_entropy(data):
    """The loss of the first batch is that of torch for the initial network."""
    X, y = data
    for labels, cross_entropy in [
        (y, lambda z, t: F.binary_cross_entropy_with_logits(z[:, 0], t.float())),
        (np.arange(40) % 3, F.cross_entropy),
        (np.stack([y, 1 - y], 1), lambda z, t: F.binary_cross_entropy_with_logits(z, t.float())),
    ]:
        start = make(max_epochs=0).fit(X, labels)
        logits = torch.as_tensor(start.decision_function(X)).reshape(40, -1)
        fitted = make(max_epochs=1, batch_size=40).fit(X, labels)
        expected = cross_entropy(logits, torch.as_tensor(labels))
        assert fitted.history_["train_loss"][0] == pytest.approx(float(expected), abs=1e-5)


class InPlaceNet(Net):
    def forward(self, x):
        x -= 100
        flat = x.view(len(x), -1)  # refuses another memory order than (batch, leads, time)
        return super().forward(flat.view(x.shape))


def test_module_may_work_in_place_and_reshape(data):
    X, y = data
    before = X.copy()
    clf = make(InPlaceNet, normalize=None, early_stopping=True, validation_fraction=0.3)
    clf.fit(X, y)
    first = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), first)
    np.testing.assert_array_equal(X, before)


class LazyNet(nn.Module):
    def __init__(self, n_leads, n_outputs):
        super().__init__()
        self.linear = nn.LazyLinear(n_outputs)

    def forward(self, x):
        return self.linear(x.flatten(1))


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_lazy_layers_depend_on_the_length_of_the_records(data):
    X, y = data
    clf = make(LazyNet, warm_start=True).fit(X, y)
    assert clf.net_.module_.module.linear.in_features == 3 * 40
    clf.set_params(max_epochs=0)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.fit(X, y).predict_proba(X))
    assert clone(clf).fit(X[:, :, :7], y).predict(X[:, :, :7]).shape == (40,)


# Arguments of the module


def test_module_arguments_are_parameters(data):
    X, y = data
    clf = make(module_params={"width": 2, "kernel_size": 3})
    assert clf.get_params()["module__width"] == 2
    assert "module__width" not in clf.get_params(deep=False)
    shared = clf.module_params
    clf.set_params(module__width=6)
    assert clf.module_params == {"width": 6, "kernel_size": 3} and shared["width"] == 2
    clf.set_params(module_params={"width": 3}, module__kernel_size=7)
    assert clf.module_params == {"width": 3, "kernel_size": 7}
    assert clone(clf).get_params() == clf.get_params()
    net = clf.fit(X, y).net_.module_.module
    assert net.conv.weight.shape == (3, 3, 7)
    assert make().set_params(module__width=5).module_params == {"width": 5}
    with pytest.raises(ValueError, match="Invalid parameter 'width'"):
        clf.set_params(width=2)


@pytest.mark.parametrize(
    "grid",
    [
        {"module__width": [2, 3]},
        {"module_params": [{"width": 2}, {"width": 3}]},
        {"module": [Net, "resnet1d_wang"]},
        [{"module": ["lstm"], "module__hidden_size": [2, 3]}],
    ],
)
def test_grids(grid, data):
    search = GridSearchCV(make(max_epochs=1), grid, cv=2).fit(*data)
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_grid_within_a_pipeline(data):
    pipeline = make_pipeline(Cropper(20), make(max_epochs=1))
    search = GridSearchCV(pipeline, {"ecgnetclassifier__module__width": [2, 3]}, cv=2).fit(*data)
    assert search.best_params_["ecgnetclassifier__module__width"] in (2, 3)
    calibrated = CalibratedClassifierCV(search.best_estimator_, cv=2).fit(*data)
    assert calibrated.predict_proba(data[0]).shape == (40, 2)


class GreedyNet(Net):
    def __init__(self, n_leads, n_outputs, widths):
        super().__init__(n_leads, n_outputs, width=widths.pop())


def test_fit_never_changes_arguments(data):
    clf = make(GreedyNet, module_params={"widths": [2, 3]})
    assert clf.fit(*data).module_params == {"widths": [2, 3]}
    clf.fit(*data)


# Errors


class Returns(Net):
    """A network that returns something else than its logits."""

    def __init__(self, n_leads, n_outputs, make_output):
        super().__init__(n_leads, n_outputs)
        self.make_output = make_output

    def forward(self, x):
        return self.make_output(super().forward(x))


class NoParameters(nn.Module):
    def __init__(self, n_leads, n_outputs):
        super().__init__()

    def forward(self, x):
        return x.mean(2)[:, :1]


class TooShort(Net):
    def forward(self, x):
        return super().forward(x[:, :2])


@pytest.mark.parametrize(
    "module, params, message",
    [
        ("resnet", None, "'module' parameter of ECGNetClassifier must be a str among"),
        (3, None, "'module' parameter of ECGNetClassifier must be a str among .* or a callable"),
        (Net, [2], "'module_params' parameter of ECGNetClassifier must be"),
        (Net(3, 1), None, "a class or a function .* got an instance of Net. Pass module=Net"),
        (
            Net,
            {"depth": 2},
            r"Net\(n_leads, n_outputs, depth\): got an unexpected keyword argument 'depth'. "
            r"Its signature is Net\(in_channels, num_classes, width=4, kernel_size=5\)",
        ),
        (Net, {"num_classes": 2}, "multiple values for argument 'num_classes'"),
        ("lstm", {"width": 2}, r"LSTM cannot be called as .*Its signature is LSTM\(n_leads, n_out"),
        (nn.ReLU, None, r"ReLU cannot be called as .*too many positional arguments"),
        (Net, {"width": -1}, r"Net could not be created by Net\(3, 1, width=-1\): RuntimeError"),
        (
            "resnet1d_wang",
            {"kernel_size": 4},
            r"created by ResNet1dWang\(3, 1, kernel_size=4\): ValueError: kernel_size must be odd",
        ),
        (lambda a, b: [a, b], None, "must return a torch.nn.Module, got list"),
        (NoParameters, None, "module NoParameters has no parameters to train"),
        (
            TooShort,
            None,
            r"TooShort failed on a batch of shape \(2, 3, 40\), that is \(batch, leads, time\), of "
            "torch.float32: RuntimeError",
        ),
        (Returns, {"make_output": lambda z: {"logits": z}}, "got dict for the logits"),
        (Returns, {"make_output": lambda z: z.argmax(1)}, "got torch.int64 for the logits"),
        (Returns, {"make_output": lambda z: (z, None)}, "got NoneType for the embedding"),
        (Returns, {"make_output": lambda z: (z, z, z)}, "got a tuple of length 3"),
        (
            Returns,
            {"make_output": lambda z: torch.cat([z, z], 1)},
            r"logits of shape \(2, 2\) for a batch of 2; .* here \(2, 1\). For two classes, return",
        ),
        (Returns, {"make_output": lambda z: z[:, 0]}, r"returned logits of shape \(2,\)"),
        (Returns, {"make_output": lambda z: (z, z[:, :, None])}, r"embedding of shape \(2, 1, 1\)"),
        (Returns, {"make_output": lambda z: z / 0}, "NaN or infinity for a batch of finite"),
    ],
)
def test_unsuitable_modules_raise(module, params, message, data):
    with pytest.raises(ValueError, match=message):
        make(module, module_params=params).fit(*data)


def test_number_of_outputs_is_that_of_the_classes(data):
    clf = make(Returns, module_params={"make_output": lambda z: F.pad(z, (0, 1))})
    with pytest.raises(ValueError, match=r"logits of shape \(2, 4\).* here \(2, 3\)\.$"):
        clf.fit(data[0], np.arange(40) % 3)


class TwoLogitsNet(MappedNet):
    def __init__(self, n_leads, n_outputs):
        super().__init__(n_leads, 2)


def test_outputs_of_networks_with_a_map_are_checked(data):
    with pytest.raises(ValueError, match=r"TwoLogitsNet returned logits of shape \(2, 2\)"):
        make(TwoLogitsNet).fit(*data)


class SqueezingNet(Net):
    def forward(self, x):
        return super().forward(x).squeeze(0)


class DividingNet(Net):
    def forward(self, x):
        return super().forward(x / x.std(2, keepdim=True))


def test_errors_at_prediction_only(data):
    X, y = data
    clf = make(SqueezingNet).fit(X, y)
    clf.predict(X)
    with pytest.raises(ValueError, match=r"logits of shape \(1,\) for a batch of 1"):
        clf.predict(X[:1])
    clf = make(DividingNet).fit(X, y)
    flat = X.copy()
    flat[3, 1] = 0
    with pytest.raises(ValueError, match="DividingNet returned NaN .*constant"):
        clf.predict_proba(flat)


def test_warm_start_needs_the_same_module(data):
    clf = make(warm_start=True).fit(*data)
    with pytest.raises(ValueError, match="requires the same network"):
        clf.set_params(module__width=7).fit(*data)


# Inspection


def test_lead_importance_finds_the_lead(data):
    X, y = data
    clf = make(max_epochs=30, learning_rate=1e-2).fit(X, y)
    result = lead_importance(clf, X, y, scoring="roc_auc", n_repeats=3, random_state=0)
    assert result.importances_mean.argmax() == 1


def test_heat_maps_need_a_map(data):
    X, y = data
    with pytest.raises(TypeError, match="The network of ECGNetClassifier has no feature_map"):
        grad_cam(make().fit(X, y), X)
    assert grad_cam(make(MappedNet).fit(X, y), X).shape == (40, 40)
