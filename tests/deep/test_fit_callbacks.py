"""Tests of callbacks: those of scikit-learn 1.9 (`set_callbacks`) and those of skorch."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version
from skorch.callbacks import Checkpoint, EarlyStopping, TensorBoard

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder, MSAICNetClassifier
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn._acl_ecg import VGG1d
from sklearn_ecg.preprocessing import BeatFeatures, ECGImageRenderer, LeadScaler

needs_callbacks = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"), reason="needs scikit-learn 1.9"
)


class SmallBackbone(VGG1d):
    def __init__(self, n_leads):
        super().__init__(n_leads, filters=(4,), n_convs=(1,))


def make_network(**params):
    params = {"max_epochs": 3, **params}
    return MSAICNetClassifier(
        filters=(4,), dilations=(1,), embedding_dim=4, batch_size=16, random_state=0, **params
    )


def make_encoder(**params):
    return ACLECGEncoder(
        backbone=SmallBackbone,
        augmentation=GaussianNoise(0.1),
        projection_dim=4,
        max_epochs=2,
        random_state=0,
        **params,
    )


@pytest.fixture(scope="module")
def data():
    return make_ecg(
        40, duration=1, prevalence=0.5, return_X_y=True, class_sep=np.inf, random_state=0
    )


# Callbacks of scikit-learn


class Trace:
    """Records what is called. Passed on to inner estimators, as `ProgressBar` is."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.calls = []
        self.fitted = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.estimator_name, context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append(("end", context.estimator_name, context.task_name, context.task_id))
        return context.task_name == "epoch" and context.task_id == self.stop_after


class Keep(Trace):
    """Keeps the estimators of all epochs."""

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.fitted.append((context.task_name, fitted_estimator))


@needs_callbacks
def test_epochs_are_tasks(data):
    trace = Trace()
    clf = make_network().set_callbacks(trace).fit(*data)
    epochs = [
        (event, "MSAICNetClassifier", "epoch", epoch)
        for epoch in range(3)
        for event in ("begin", "end")
    ]
    root = ("MSAICNetClassifier", "fit", 0)
    assert trace.calls == [
        ("setup", "fit"),
        ("begin", *root),
        *epochs,
        ("end", *root),
        ("teardown", "fit"),
    ]
    assert "_callback_fit_ctx" not in vars(clf)


@needs_callbacks
def test_callback_stops_training(data):
    clf = make_network(max_epochs=9).set_callbacks(Trace(stop_after=1)).fit(*data)
    assert clf.n_iter_ == 2


@needs_callbacks
def test_scores_of_every_epoch(data):
    """The estimator of an epoch predicts as one that stopped then, and keeps predicting so."""
    from sklearn.callback import ScoringMonitor

    X, y = data
    monitor, keep = ScoringMonitor(scoring="roc_auc"), Keep()
    network = make_network(learning_rate_schedule="constant")
    clf = clone(network).set_callbacks(monitor, keep).fit(X, y)
    plain = clone(network).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))
    *epochs, (last, final) = keep.fitted
    assert [name for name, _ in epochs] == ["epoch"] * 3 and last == "fit"
    scores = []
    for n_epochs, (_, fitted) in enumerate(epochs, start=1):
        short = clone(network).set_params(max_epochs=n_epochs).fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), short.predict_proba(X))
        np.testing.assert_array_equal(fitted.transform(X), short.transform(X))
        assert fitted.n_iter_ == n_epochs
        scores.append(roc_auc_score(y, short.decision_function(X)))
    np.testing.assert_array_equal(final.predict_proba(X), plain.predict_proba(X))
    logs = monitor.get_logs().data_as_pandas
    assert logs[logs.task_name == "epoch"]["roc_auc"].tolist() == scores
    assert logs[logs.task_name == "fit"]["roc_auc"].tolist() == scores[-1:]


@needs_callbacks
def test_weights_reach_the_monitor(data):
    from sklearn.callback import ScoringMonitor

    X, y = data
    weight = np.random.RandomState(0).uniform(0.1, 2, len(y))
    monitor = ScoringMonitor(scoring="roc_auc")
    clf = make_network(max_epochs=1).set_callbacks(monitor).fit(X, y, weight)
    logs = monitor.get_logs().data_as_pandas
    expected = roc_auc_score(y, clf.decision_function(X), sample_weight=weight)
    assert expected != roc_auc_score(y, clf.decision_function(X))
    assert logs.roc_auc.tolist() == [expected, expected]


@needs_callbacks
def test_pretraining_is_a_task(data):
    X, y = data
    trace = Trace()
    clf = ACLECGClassifier(make_encoder(), max_epochs=1, sampling_rate=100, random_state=0)
    clf.set_callbacks(trace).fit(X, y)
    begun = [call[1:3] for call in trace.calls if call[0] == "begin"]
    assert begun == [
        ("ACLECGClassifier", "fit"),
        ("ACLECGEncoder", "fit"),
        ("ACLECGEncoder", "epoch"),
        ("ACLECGEncoder", "epoch"),
        ("ACLECGClassifier", "train"),
        ("ACLECGClassifier", "epoch"),
    ]
    # A fitted encoder is not pretrained.
    trace = Trace()
    frozen = FrozenEstimator(clf.encoder_)
    ACLECGClassifier(frozen, max_epochs=1, random_state=0).set_callbacks(trace).fit(X, y)
    assert [call[2] for call in trace.calls if call[0] == "begin"] == ["fit", "epoch"]


@needs_callbacks
def test_unlabeled_records_are_not_scored(data):
    from sklearn.callback import ScoringMonitor

    X, y = data
    partial = np.where(np.arange(len(y)) % 4 == 0, -1, y)
    monitor = ScoringMonitor(scoring="accuracy")
    clf = ACLECGClassifier(make_encoder(), unlabeled=-1, max_epochs=1, random_state=0)
    clf.set_callbacks(monitor).fit(X, partial)
    labeled = partial != -1
    expected = clf.score(X[labeled], y[labeled])
    assert set(monitor.get_logs().data_as_pandas.accuracy) == {expected}


@needs_callbacks
def test_pipelines_and_searches_pass_callbacks_on(data):
    """Transformers take part; otherwise, scikit-learn would warn that they do not."""
    X, y = data
    trace = Trace()
    pipeline = make_pipeline(LeadScaler(), make_network(max_epochs=1))
    search = GridSearchCV(pipeline, {"msaicnetclassifier__max_epochs": [1, 2]}, cv=2)
    search.set_callbacks(trace).fit(X, y)
    ended = [call[1:3] for call in trace.calls if call[0] == "end"]
    assert ended.count(("LeadScaler", "fit")) == 5
    n_epochs = 2 * (1 + 2) + search.best_params_["msaicnetclassifier__max_epochs"]
    assert ended.count(("MSAICNetClassifier", "epoch")) == n_epochs
    # A fitted estimator does not keep what was passed on.
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")
    assert not hasattr(search.best_estimator_[0], "_skl_callbacks")


@needs_callbacks
@pytest.mark.parametrize(
    "transformer", [LeadScaler(), BeatFeatures(100), ECGImageRenderer(100, image_size=32)]
)
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_transformers_are_one_task(transformer, method, data):
    trace = Trace()
    transformer = clone(transformer).set_callbacks(trace)
    getattr(transformer, method)(data[0])
    assert [call[0] for call in trace.calls] == ["setup", "begin", "end", "teardown"]


@needs_callbacks
def test_teardown_after_an_error(data):
    X, y = data
    for estimator in (make_network(), LeadScaler()):
        trace = Trace()
        estimator.set_callbacks(trace)
        with pytest.raises(ValueError, match="NaN"):
            estimator.fit(np.full_like(X, np.nan), y)
        assert trace.calls[-1] == ("teardown", "fit")
        assert not hasattr(estimator, "_callback_fit_ctx")


@needs_callbacks
def test_progress_bar(data, capsys):
    from sklearn.callback import ProgressBar

    pipeline = make_pipeline(LeadScaler(), make_network())
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*data)
    printed = capsys.readouterr().out
    assert "MSAICNetClassifier" in printed and "100%" in printed


def test_without_callbacks_of_sklearn():
    """As with scikit-learn before 1.9: fit works, and there is no set_callbacks."""
    code = """
import sys
# With parts of scikit-learn that need the callbacks.
import skorch, sklearn.ensemble, sklearn.linear_model, sklearn.model_selection
sys.modules["sklearn.callback"] = None
import numpy as np
from sklearn_ecg.preprocessing import LeadScaler
from sklearn_ecg import ACLECGClassifier, ACLECGEncoder
from sklearn_ecg.augmentation import GaussianNoise
X = np.random.RandomState(0).randn(8, 12, 20)
scaler = LeadScaler().fit(X)
assert not hasattr(scaler, "set_callbacks")
encoder = ACLECGEncoder(sampling_rate=100, augmentation=GaussianNoise(0.1), max_epochs=1)
clf = ACLECGClassifier(encoder, max_epochs=1).fit(X, np.arange(8) % 2)
assert clf.n_iter_ == 1 and not hasattr(clf, "set_callbacks")
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


# Callbacks of skorch


def test_checkpoint(data, tmp_path):
    X, y = data
    checkpoint = Checkpoint(dirname=tmp_path, monitor="train_loss_best")
    clf = make_network(dropout=0, kernel_size=7, callbacks=[checkpoint]).fit(X, y)
    saved = {path.name for path in tmp_path.iterdir()}
    assert saved == {"params.pt", "optimizer.pt", "criterion.pt", "history.json"}
    # The last epoch was the best one, whose parameters can be loaded into the network.
    assert clf.history_["train_loss_best"][-1]
    before = clf.predict_proba(X)
    for parameter in clf.net_.module_.parameters():
        parameter.data.zero_()
    clf.net_.load_params(f_params=tmp_path / "params.pt")
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_early_stopping_on_the_training_loss(data):
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=100)
    clf = make_network(max_epochs=9, callbacks=[("stopping", stopping)]).fit(*data)
    assert clf.n_iter_ == 3
    assert not hasattr(stopping, "misses_") or stopping.misses_ == 0


@pytest.mark.parametrize("callback", [EarlyStopping(), Checkpoint()])
def test_validation_loss_without_validation_records(callback, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = type(callback).__name__
    with pytest.raises(ValueError, match=f"callbacks contains {name}.*early_stopping=True"):
        make_network(callbacks=[callback]).fit(*data)
    clf = make_network(callbacks=[callback], early_stopping=True, validation_fraction=0.3)
    assert clf.fit(*data).n_iter_ >= 1


class Writer:
    """Like the `SummaryWriter` of torch, whose threads cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()
        self.scalars = []

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))

    def close(self):
        pass


def test_tensorboard(data):
    writer = Writer()
    clf = make_network(callbacks=[TensorBoard(writer)]).fit(*data)
    losses = [value for tag, value, _ in writer.scalars if tag == "Loss/train_loss"]
    np.testing.assert_allclose(losses, clf.history_["train_loss"])
    assert clf.callbacks_[0] is not clf.callbacks[0]
