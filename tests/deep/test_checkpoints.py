"""Tests of fits that are interrupted and continue from their checkpoint."""

import copy
import errno
import os
import pickle
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpointed_fits import FITS, IMAGES, X, Y, difference, msaic_net, results, simcardionet
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, EpochTimer, LRScheduler

from sklearn_ecg import ECGNetClassifier, MSAICNetClassifier, SimCardioNetClassifier
from sklearn_ecg.augmentation import GaussianNoise
from sklearn_ecg.deep import _checkpoints, _descriptions
from sklearn_ecg.deep._training import checkpoints
from sklearn_ecg.persistence import PersistenceError, load, read_info, save
from sklearn_ecg.utils import _container


class Epochs(Callback):
    """Counts the epochs of all fits in a process, and interrupts at a given number."""

    begun = 0
    interrupt_at = None

    def on_batch_end(self, net, training, **kwargs):
        if training and len(net.history[-1, "batches"]) == 1:
            Epochs.begun += 1
            if Epochs.begun == Epochs.interrupt_at:
                raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _no_epochs(monkeypatch):
    monkeypatch.setattr(Epochs, "begun", 0)
    monkeypatch.setattr(Epochs, "interrupt_at", None)


def interrupt(estimator, *data, at):
    """Fit an estimator that is interrupted in an epoch, counted over all parts of the fit."""
    Epochs.begun, Epochs.interrupt_at = 0, at
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(*data)
    Epochs.begun, Epochs.interrupt_at = 0, None
    assert not hasattr(estimator, "net_")


def names(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


# --------------------------------------------------------------------------------------------------
# The same result
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FITS)
def test_continued_fits_are_bit_equal(name, tmp_path):
    """In all phases: pretraining, stages that are unfrozen, early stopping, a probe as start."""
    estimator, data = FITS[name](callbacks=[Epochs()])
    expected = results(estimator.fit(*data), data[0])
    n_epochs = Epochs.begun
    estimator, _ = FITS[name](callbacks=[Epochs()], checkpoint=tmp_path)
    done = 0
    for at in (1, 2, 2, 1, 3):
        if done + at <= n_epochs:
            interrupt(clone(estimator), *data, at=at)
            done += at - 1
    estimator.fit(*data)
    assert Epochs.begun == n_epochs - done
    assert difference(results(estimator, data[0]), expected) is None
    encoder = getattr(estimator, "encoder", None)
    n_parts = 1 if encoder is None or isinstance(encoder, FrozenEstimator) else 2
    assert len(names(tmp_path, "*.ckpt")) == n_parts == len(names(tmp_path))


@pytest.mark.parametrize("name", ["MSAICNetClassifier", "ACLECGClassifier"])
def test_complete_fit_is_loaded(name, tmp_path):
    estimator, data = FITS[name](callbacks=[Epochs()], checkpoint=tmp_path)
    expected = results(estimator.fit(*data), data[0])
    n_epochs = Epochs.begun
    again = clone(estimator).fit(*data)
    assert Epochs.begun == n_epochs
    assert difference(results(again, data[0]), expected) is None


def test_every_few_epochs(tmp_path):
    expected = results(msaic_net().fit(X, Y), X)
    clf = msaic_net(checkpoint=tmp_path, checkpoint_every=2, callbacks=[Epochs()])
    interrupt(clf, X, Y, at=4)
    # The third epoch is trained again. The interval may change meanwhile.
    clf.set_params(checkpoint_every=100).fit(X, Y)
    assert Epochs.begun == 3
    assert difference(results(clf, X), expected) is None
    assert len(names(tmp_path)) == 1


def test_no_epochs(tmp_path):
    clf = msaic_net(max_epochs=0, checkpoint=tmp_path)
    first = results(clf.fit(X, Y), X)
    assert difference(results(clf.fit(X, Y), X), first) is None
    assert names(tmp_path) == names(tmp_path, "*.ckpt") and not names(tmp_path, "*.partial.*")


def test_warm_start_continues(tmp_path):
    plain = msaic_net(max_epochs=2, warm_start=True).fit(X, Y)
    first = pickle.dumps(plain)
    expected = results(plain.fit(X, Y), X)
    clf = pickle.loads(first).set_params(checkpoint=tmp_path, callbacks=[Epochs()])
    interrupt(clf, X, Y, at=2)
    clf = pickle.loads(first).set_params(checkpoint=tmp_path, callbacks=[Epochs()]).fit(X, Y)
    assert Epochs.begun == 1
    assert difference(results(clf, X), expected) is None


def test_other_number_of_pretraining_epochs_shares_nothing(tmp_path):
    """A classifier whose encoder differs is another fit, also with the same parameters."""
    for epochs in (1, 2):
        encoder = FrozenEstimator(simcardionet(max_epochs=epochs).fit(IMAGES))
        clf = SimCardioNetClassifier(encoder, unfreeze=0, max_epochs=2, random_state=0)
        expected = results(clone(clf).fit(IMAGES, Y), IMAGES)
        clf.set_params(checkpoint=tmp_path).fit(IMAGES, Y)
        assert difference(results(clf, IMAGES), expected) is None
    assert len(names(tmp_path)) == 2


# --------------------------------------------------------------------------------------------------
# Callbacks
# --------------------------------------------------------------------------------------------------


class Decay(Callback):
    """Changes the training by a state of its own, of values that are stored."""

    def on_train_begin(self, net, **kwargs):
        self.factors, self.tensor = [1.0], torch.ones(1)

    def on_epoch_begin(self, net, **kwargs):
        self.factors.append(self.factors[-1] * 0.7)
        self.tensor = self.tensor * 0.9
        for group in net.optimizer_.param_groups:
            group["lr"] = 0.01 * self.factors[-1] * float(self.tensor)


class OwnState(Decay):
    """Has the state in an object that is not stored, and methods for it."""

    def on_train_begin(self, net, **kwargs):
        self.inner = Decay()
        self.inner.on_train_begin(net)

    def on_epoch_begin(self, net, **kwargs):
        self.inner.on_epoch_begin(net)

    def state_dict(self):
        return {"factors": self.inner.factors, "tensor": self.inner.tensor}

    def load_state_dict(self, state):
        vars(self.inner).update(state)


@pytest.mark.parametrize(
    "callback",
    [
        Decay(),
        OwnState(),
        EarlyStopping(monitor="train_loss", patience=4, threshold=0.9, load_best=True),
        LRScheduler("StepLR", step_size=2, gamma=0.3),
        ("rates", LRScheduler("ReduceLROnPlateau", patience=0, threshold=0.5)),
    ],
    ids=["attributes", "state_dict", "EarlyStopping", "StepLR", "ReduceLROnPlateau"],
)
def test_callbacks_that_change_the_training(callback, tmp_path):
    params = {"max_epochs": 6, "learning_rate_schedule": "constant", "learning_rate": 0.01}
    expected = results(msaic_net(callbacks=[callback], **params).fit(X, Y), X)
    assert difference(results(msaic_net(**params).fit(X, Y), X), expected) is not None
    clf = msaic_net(callbacks=[callback, Epochs()], checkpoint=tmp_path, **params)
    for at in (2, 3):
        interrupt(clone(clf), X, Y, at=at)
    assert difference(results(clf.fit(X, Y), X), expected) is None


def test_callbacks_are_compared_unless_they_only_report(tmp_path):
    clf = msaic_net(checkpoint=tmp_path, callbacks=[EpochTimer()], device="cpu").fit(X, Y)
    clf.set_params(callbacks=None, verbose=0, device=torch.device("cpu")).fit(X, Y)
    assert len(names(tmp_path)) == 1
    clf.set_params(callbacks=[EarlyStopping("train_loss", patience=2)]).fit(X, Y)
    clf.set_params(callbacks=[EarlyStopping("train_loss", patience=3)]).fit(X, Y)
    assert len(names(tmp_path)) == 3


def test_callbacks_of_sklearn_get_the_numbers_of_the_epochs(tmp_path):
    pytest.importorskip("sklearn.callback")

    class Record:
        def __init__(self, seen):
            self.seen = seen

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "epoch":
                self.seen.append(context.task_id)

        def on_fit_task_end(self, estimator, context):
            return False

    seen = []
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()])
    interrupt(clf.set_callbacks(Record(seen)), X, Y, at=3)
    clf.fit(X, Y)
    assert seen == [0, 1, 2, 2, 3, 4]


# --------------------------------------------------------------------------------------------------
# Other fits
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, match",
    [
        ({"learning_rate": 0.02}, r"differs from this one in learning_rate \(0.003 there, 0.02"),
        ({"augmentation": GaussianNoise(0.2)}, "in augmentation. It is not continued"),
        ({"random_state": 1}, r"random_state \(0 there, 1 here\) and the initial weights"),
        ({"X": X + 1}, r"in the records \(X\) and the normalization"),
        ({"y": 1 - Y}, r"in the labels \(y\)"),
        ({"y": np.where(Y, "b", "a")}, r"in the labels \(y\) and the classes of X"),
        ({"sample_weight": np.arange(24.0)}, "sample_weight"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_other_fit_is_neither_continued_nor_ignored(change, match, tmp_path):
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()], max_epochs=3)
    interrupt(clf, X, Y, at=2)
    (partial,) = names(tmp_path, "*.partial.ckpt")
    data = {"X": X, "y": Y} | {k: v for k, v in change.items() if k in ("X", "y", "sample_weight")}
    changed = clone(clf).set_params(**{k: v for k, v in change.items() if k not in data})
    expected = results(clone(changed).set_params(checkpoint=None).fit(**data), X)
    Epochs.begun = 0
    with pytest.warns(UserWarning, match=match) as record:
        changed.fit(**data)
    assert len(record) == 1 and partial in str(record[0].message)
    assert record[0].filename == __file__
    assert Epochs.begun == 3
    assert difference(results(changed, X), expected) is None
    # The interrupted fit is still there.
    Epochs.begun = 0
    clf.fit(X, Y)
    assert Epochs.begun == 2


def test_other_versions(tmp_path, monkeypatch):
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()])
    interrupt(clf, X, Y, at=2)
    monkeypatch.setattr(torch, "__version__", "99.0")
    with pytest.warns(UserWarning, match=r"in the version of torch \(2\..* there, 99.0 here\)"):
        clf.fit(X, Y)


def test_number_of_threads_of_the_process(tmp_path):
    """With n_threads=None, the number is that of torch when fit is called."""
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()], n_threads=None)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        interrupt(clf, X, Y, at=2)
        torch.set_num_threads(3)
        with pytest.warns(UserWarning, match=r"in n_threads \(2 there, 3 here\). It is not"):
            interrupt(clf, X, Y, at=2)
        Epochs.begun = 0
        clf.set_params(n_threads=2).fit(X, Y)
        assert Epochs.begun == 4
    finally:
        torch.set_num_threads(before)


def test_other_type_of_device(tmp_path, monkeypatch):
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()], device="cpu")
    interrupt(clf, X, Y, at=2)
    identity = _checkpoints._identity

    def on_gpu(estimator, network, data, **options):
        data = copy.copy(data)
        data.device = torch.device("cuda:1")
        return identity(estimator, network, data, **options)

    monkeypatch.setattr(_checkpoints, "_identity", on_gpu)
    with pytest.warns(UserWarning, match=r"in device \(cpu there, cuda here\). It is not"):
        clf.fit(X, Y)


def test_fit_that_diverged_leaves_nothing(tmp_path):
    class Diverge(Callback):
        def on_batch_begin(self, net, batch, training, **kwargs):
            if len(net.history) == 3:
                next(net.module_.parameters()).data.fill_(np.nan)

    clf = msaic_net(checkpoint=tmp_path, callbacks=[Diverge()])
    with pytest.raises(ValueError, match="train loss became nan in epoch 3"):
        clf.fit(X, Y)
    assert not names(tmp_path)
    # No warning of an interrupted fit.
    clf.set_params(learning_rate=1e-4, callbacks=None).fit(X, Y)


@pytest.mark.skipif(checkpoints.fcntl is None, reason="needs locks of files")
@pytest.mark.parametrize("end", ["complete", "interrupted"])
def test_equal_fits_keep_the_files_of_each_other(end, tmp_path):
    """The second of three equal fits writes while the first one ends and the third one begins."""
    first, second, third = (
        checkpoints.FitCheckpoint(tmp_path, "Net", {"a": "1"}, every=1) for _ in range(3)
    )
    first.__enter__()
    second.__enter__()
    temporary = Path(checkpoints.reserve_file(second._stem))
    Path(second._stem + (".ckpt" if end == "complete" else ".partial.ckpt")).touch()
    first.__exit__(None, None, None)
    third.__enter__()
    assert temporary.exists()
    third.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert (len(names(tmp_path, ".*.lock")) == 0) == (end == "complete")
    with checkpoints.FitCheckpoint(tmp_path, "Net", {"a": "1"}, every=1):
        assert not temporary.exists()


def test_running_fits_are_no_interrupted_fits(tmp_path):
    """A fit in the middle of another one, as in other processes of a search."""

    class FitOther(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                other.fit(X, Y)

    other = msaic_net(checkpoint=tmp_path, max_epochs=1)
    msaic_net(checkpoint=tmp_path, callbacks=[FitOther()]).fit(X, Y)
    assert len(names(tmp_path)) == 2


def test_same_fit_in_another_container(tmp_path):
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()]).fit(X, Y)
    clf.set_params(n_leads=12)
    clf.fit(X.reshape(24, -1), Y)
    assert len(names(tmp_path)) == 2  # the parameter n_leads differs
    clf.set_params(n_leads=None, checkpoint=str(tmp_path)).fit(X.tolist(), list(Y))
    assert Epochs.begun == 10


def test_random_state_must_be_an_int(tmp_path):
    for random_state in (None, np.random.RandomState(0)):
        clf = msaic_net(checkpoint=tmp_path, random_state=random_state)
        with pytest.raises(ValueError, match="requires random_state to be an int, so that"):
            clf.fit(X, Y)
    msaic_net(checkpoint=tmp_path, random_state=np.int64(3), max_epochs=0).fit(X, Y)


def test_parameters_are_validated(tmp_path):
    with pytest.raises(ValueError, match="The 'checkpoint' parameter .* must be"):
        msaic_net(checkpoint=3).fit(X, Y)
    with pytest.raises(ValueError, match="The 'checkpoint_every' parameter .* must be an int"):
        msaic_net(checkpoint=tmp_path, checkpoint_every=0).fit(X, Y)
    with pytest.raises(ValueError, match="checkpoint is an empty path"):
        msaic_net(checkpoint="").fit(X, Y)


# --------------------------------------------------------------------------------------------------
# Files
# --------------------------------------------------------------------------------------------------


def interrupted(folder, **params):
    """Return an unfitted estimator, and the path of its checkpoint after two epochs."""
    clf = msaic_net(checkpoint=folder, callbacks=[Epochs()], **params)
    interrupt(clone(clf), X, Y, at=3)
    (path,) = folder.glob("*.partial.ckpt")
    return clf, path


@pytest.mark.parametrize("damage", ["truncated", "altered", "pickle", "empty", "model"])
def test_damaged_checkpoint(damage, tmp_path):
    clf, path = interrupted(tmp_path)
    content = path.read_bytes()
    if damage == "model":
        save(msaic_net(max_epochs=0).fit(X, Y), path)
    else:
        middle = len(content) // 2
        path.write_bytes(
            {
                "truncated": content[:-9],
                "altered": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
                "pickle": pickle.dumps("a checkpoint"),
                "empty": b"",
            }[damage]
        )
    match = f"{re.escape(str(path))} cannot be continued: .* Delete it, and fit again"
    with pytest.raises(PersistenceError, match=match):
        clf.fit(X, Y)
    path.unlink()
    assert clf.fit(X, Y).n_iter_ == 5


def test_renamed_checkpoint(tmp_path):
    _, path = interrupted(tmp_path)
    _, other = interrupted(tmp_path / "other", learning_rate=0.5)
    path.replace(other)
    clf = msaic_net(checkpoint=other.parent, callbacks=[Epochs()], learning_rate=0.5)
    match = (
        r"was renamed: it belongs to another fit, which differs in learning_rate \(0.003 there, 0.5"
    )
    with pytest.raises(PersistenceError, match=match):
        clf.fit(X, Y)


def test_checkpoint_is_no_model(tmp_path):
    _, path = interrupted(tmp_path)
    for function in (load, read_info):
        with pytest.raises(PersistenceError, match="it is the checkpoint of an interrupted or co"):
            function(path)


def test_checkpoints_are_read_without_pickle(tmp_path, monkeypatch):
    clf, _ = interrupted(tmp_path)
    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, lambda *args, **kwargs: pytest.fail("pickle"))
    assert clf.fit(X, Y).n_iter_ == 5


def test_hostile_values_are_named_errors(tmp_path):
    """A checkpoint with a valid digest that does not fit the network."""
    clf, path = interrupted(tmp_path)
    header, arrays = _container.unpack(path.read_bytes(), "file")
    for change in (
        lambda state: state["network"]["dict"].pop(),
        lambda state: state["optimizer"].pop(),
        lambda state: state.pop("generator"),
        lambda state: state["generator"].update(tensor=[10**6, "uint8", [1], False]),
        lambda state: state["network"]["dict"][0][1].update(tensor=[0, "__dict__", [1], False]),
    ):
        changed, _ = _container.unpack(path.read_bytes(), "file")
        change(changed["state"])
        (tmp_path / "changed").mkdir(exist_ok=True)
        (tmp_path / "changed" / path.name).write_bytes(_container.pack(changed, arrays))
        with pytest.raises(PersistenceError, match="cannot be continued"):
            clone(clf).set_params(checkpoint=tmp_path / "changed").fit(X, Y)


def test_folder_is_checked_first(tmp_path, monkeypatch):
    monkeypatch.setattr(MSAICNetClassifier, "_validate", lambda *args: pytest.fail("too late"))
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="is not a folder in which files can be written") as error:
        msaic_net(checkpoint=tmp_path / "file").fit(X, Y)
    assert str(error.value).count(str(tmp_path)) == 1

    opened = os.open

    def deny(path, flags, *args, **kwargs):
        # Permissions do not stop an administrator.
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr("os.open", deny)
    with pytest.raises(PermissionError, match=r"files can be written \(No file .*Pass a writable"):
        msaic_net(checkpoint=tmp_path).fit(X, Y)


def test_full_disk_before_the_training(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()])
    with pytest.raises(OSError, match=r"after epoch 0 could not be written \(No space left"):
        clf.fit(X, Y)
    assert Epochs.begun == 0 and not names(tmp_path, "*.ckpt") and not names(tmp_path, "*.tmp")


@pytest.mark.parametrize("function", ["os.fsync", "os.replace"])
def test_full_disk_keeps_the_last_state(function, tmp_path, monkeypatch):
    expected = results(msaic_net().fit(X, Y), X)
    works, calls = {"os.fsync": os.fsync, "os.replace": os.replace}[function], []

    def fail(*args):
        calls.append(args)
        # Files are flushed twice, they and their folder.
        if len(calls) > (6 if function == "os.fsync" else 3):
            raise OSError(errno.ENOSPC, "No space left on device")
        works(*args)

    clf = msaic_net(checkpoint=tmp_path, callbacks=[Epochs()])
    with monkeypatch.context() as context:
        context.setattr(function, fail)
        with pytest.raises(OSError, match=r"after epoch 3 .* is intact. Free space") as error:
            clf.fit(X, Y)
    assert error.value.errno == errno.ENOSPC
    assert len(names(tmp_path, "*.ckpt")) == 1 and not names(tmp_path, ".*.tmp")
    Epochs.begun = 0
    assert difference(results(clf.fit(X, Y), X), expected) is None
    assert Epochs.begun == 3


def test_what_killed_processes_left_is_removed(tmp_path):
    clf, path = interrupted(tmp_path)
    left = tmp_path / f".{path.name.removesuffix('.partial.ckpt')}.0123.tmp"
    left.write_bytes(b"half of a checkpoint")
    clf.fit(X, Y)
    assert not left.exists()


# --------------------------------------------------------------------------------------------------
# As a parameter of scikit-learn
# --------------------------------------------------------------------------------------------------


def test_searches_share_a_folder(tmp_path):
    grid = {"learning_rate": [1e-3, 1e-2]}
    plain = GridSearchCV(msaic_net(max_epochs=3), grid, cv=2).fit(X, Y)
    clf = msaic_net(max_epochs=3, checkpoint=tmp_path, callbacks=[Epochs()])
    search = GridSearchCV(clf, grid, cv=2)
    Epochs.interrupt_at = 8
    with pytest.raises(KeyboardInterrupt):
        clone(search).fit(X, Y)
    assert len(names(tmp_path, "*.ckpt")) == 3
    Epochs.begun, Epochs.interrupt_at = 0, None
    search.fit(X, Y)
    assert Epochs.begun == 2 * 3 - 1 + 3  # the rest of two fits, and the best one on all records
    for key, values in plain.cv_results_.items():
        if "time" not in key:
            assert np.array_equal(values, search.cv_results_[key]), key
    assert difference(results(search.best_estimator_, X), results(plain.best_estimator_, X)) is None
    assert len(names(tmp_path)) == 5


def test_searches_in_two_processes(tmp_path):
    grid = {"learning_rate": [1e-3, 1e-2]}
    clf = msaic_net(max_epochs=2, checkpoint=tmp_path)
    search = GridSearchCV(clf, grid, cv=2, n_jobs=2).fit(X, Y)
    plain = GridSearchCV(clf.set_params(checkpoint=None), grid, cv=2).fit(X, Y)
    assert difference(results(search.best_estimator_, X), results(plain.best_estimator_, X)) is None
    assert len(names(tmp_path)) == 5 == len(names(tmp_path, "*.ckpt"))


def test_pretraining_is_shared_by_the_candidates(tmp_path):
    """They have the same encoder on the same records."""
    encoder = simcardionet(random_state=None, max_epochs=3, callbacks=[Epochs()])
    for learning_rate in (0.01, 0.02):
        clf = SimCardioNetClassifier(
            encoder, max_epochs=1, unfreeze=0, learning_rate=learning_rate, random_state=0
        )
        clf.set_params(checkpoint=tmp_path).fit(IMAGES, Y)
    assert Epochs.begun == 3
    assert encoder.checkpoint is None and clf.encoder_.checkpoint == tmp_path
    assert len(names(tmp_path, "SimCardioNetEncoder-*")) == 1


def test_clone_pickle_and_save(tmp_path):
    clf = msaic_net(max_epochs=1, checkpoint=tmp_path / "checkpoints", checkpoint_every=2)
    assert clone(clf).get_params()["checkpoint"] == tmp_path / "checkpoints"
    clf.fit(X, Y)
    expected = clf.predict_proba(X)
    copy = pickle.loads(pickle.dumps(clf))
    assert copy.checkpoint == clf.checkpoint
    save(clf, tmp_path / "model.ecg")
    loaded = load(tmp_path / "model.ecg")
    assert loaded.checkpoint is None and loaded.checkpoint_every == 2
    assert clf.checkpoint == tmp_path / "checkpoints"
    assert np.array_equal(loaded.predict_proba(X), expected)
    assert str(tmp_path).encode() not in (tmp_path / "model.ecg").read_bytes()


def test_global_random_states_are_left_alone(tmp_path):
    clf, _ = interrupted(tmp_path)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    clf.fit(X, Y)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


# --------------------------------------------------------------------------------------------------
# Descriptions of values
# --------------------------------------------------------------------------------------------------


def make_module(factor, text="x"):
    """Return a class of which the code depends on the arguments."""
    source = f"class Net(Base):\n  scale = {factor}\n  def forward(self, x): return x, {text!r}\n"
    space = {"Base": torch.nn.Module, "__name__": "my_modules"}
    exec(source, space)
    return space["Net"]


def describe(value):
    return _descriptions.description(value, "value")


class Plain:
    def __init__(self, **attributes):
        vars(self).update(attributes)


def closure(value):
    return lambda x: x + value


DIFFERENT = [
    (1, 2),
    (1, 1.5),
    ("a", "b"),
    ((1, 2), (2, 1)),
    (float("nan"), float("inf")),
    (np.arange(3), np.arange(3.0)),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (np.array(["a", "b"]), np.array(["a", "c"])),
    (np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object)),
    (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
    ({"a": 1}, {"a": 2}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1, 2}, {1, 3}),
    (Plain(a=1), Plain(a=2)),
    (closure(1), closure(2)),
    (make_module(1), make_module(2)),
    (make_module(1, "x"), make_module(1, "y")),
    (GaussianNoise(0.1), GaussianNoise(0.2)),
    (np.mean, np.median),
    (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)),
    (np.random.RandomState(0), np.random.RandomState(1)),
    (torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)),
    (slice(1), slice(2)),
    (Path("a"), Path("b")),
]


@pytest.mark.parametrize("first, second", DIFFERENT, ids=lambda value: type(value).__name__)
def test_different_values_have_different_descriptions(first, second):
    assert describe(first) != describe(second)
    for value in (first, second):
        copied = value
        if not callable(value) or isinstance(value, torch.nn.Module):
            copied = pickle.loads(pickle.dumps(value)) if not hasattr(value, "get_state") else value
        assert describe(value) == describe(copied)


def test_equal_values_have_equal_descriptions():
    assert describe(np.float64(0.1)) == describe(0.1)
    assert describe(np.int32(3)) == describe(3)
    assert describe(np.bool_(True)) == describe(True)
    assert describe([1, (2,)]) == describe((1, [2]))
    assert describe(closure(3)) == describe(closure(3))
    assert describe(make_module(1)) == describe(make_module(1))
    assert describe(np.arange(6).reshape(2, 3).T) == describe(np.arange(6).reshape(2, 3).T.copy())
    assert len(describe(np.arange(100).tolist())) < 130
    cycle = []
    cycle.append(cycle)
    assert describe(cycle) == describe(cycle)
    with pytest.raises(ValueError, match="value contains a .*object, .* which cannot be compared"):
        describe(object())


def test_descriptions_are_those_of_other_processes():
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_checkpoints import DIFFERENT, describe, torch
for pair in DIFFERENT:
    if not isinstance(pair[0], torch.nn.Module):
        print(*map(describe, pair))
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] and outputs[0].count(b"\n") == len(DIFFERENT) - 1


def test_changed_module_is_another_fit(tmp_path):
    """Networks of the user with the same name and the same weights, but other code."""

    def make(factor):
        class Net(torch.nn.Module):
            def __init__(self, n_leads, n_outputs):
                super().__init__()
                self.linear = torch.nn.Linear(n_leads, n_outputs)

            def forward(self, x):
                return self.linear(x.square().mean(2) * factor)

        return Net

    for factor, n_files in ((1, 1), (2, 2), (1, 2)):
        clf = ECGNetClassifier(make(factor), max_epochs=1, random_state=0, checkpoint=tmp_path)
        expected = results(clone(clf).set_params(checkpoint=None).fit(X, Y), X)
        assert difference(results(clf.fit(X, Y), X), expected) is None
        assert len(names(tmp_path)) == n_files


# --------------------------------------------------------------------------------------------------
# Killed processes
# --------------------------------------------------------------------------------------------------


def run_and_kill(folder, n_kills, fits):
    """Run the program `checkpointed_fits`, and return how many kills there were."""
    program = Path(__file__).with_name("checkpointed_fits.py")
    process = subprocess.run(
        [sys.executable, program, folder, "0", str(n_kills), *fits],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert all(line.startswith("killed") for line in lines) and len(lines) == len(fits), lines
    return sum(int(re.match(r"killed (\d+)", line)[1]) for line in lines)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_fits(tmp_path):
    assert run_and_kill(tmp_path, 2, ["MSAICNetClassifier", "ACLECGEncoder"]) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fits_killed_50_times(tmp_path):
    assert run_and_kill(tmp_path, 6, FITS) >= 50
