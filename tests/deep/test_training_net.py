"""Tests of training: schedule, early stopping, callbacks, interrupts, non-finite losses."""

import signal

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg._validation import Target
from sklearn_ecg.deep._training import Batches, train_network
from sklearn_ecg.deep._training import net as training_net
from sklearn_ecg.deep._training_data import TrainingData


def make_batches(n_records=24, seed=0, **options):
    rng = np.random.RandomState(seed)
    y = np.arange(n_records) % 2
    signals = rng.randn(n_records, 30, 2).astype(np.float32)
    signals[:, 10:15, 0] += 2 * y[:, None]
    return Batches(torch.from_numpy(signals), torch.from_numpy(y).float(), batch_size=8, **options)


TINY = MSAICNetClassifier(
    filters=(4,), dilations=(1,), embedding_dim=4, contrastive_weight=0, dropout=0.2
)
DATA = TrainingData(None, Target("binary", np.arange(2), np.arange(24) % 2), n_channels=2)


def make_net():
    return TINY._make_network(DATA)


def make_loss():
    return TINY._make_loss(DATA)


def train(batches, valid=None, *, loss=None, **options):
    torch.manual_seed(0)
    defaults = {
        "max_epochs": 5,
        "learning_rate": 1e-2,
        "learning_rate_schedule": "cosine",
        "weight_decay": 0.0,
        "n_iter_no_change": 3,
        "mixed_precision": False,
        "device": torch.device("cpu"),
        "callbacks": None,
        "verbose": 0,
    }
    loss = make_loss() if loss is None else loss
    return train_network(make_net(), loss, batches, valid, **{**defaults, **options})


def test_history_and_schedule():
    net, history, _ = train(make_batches(), max_epochs=20)
    assert set(history) == {"epoch", "learning_rate", "train_loss", "train_loss_best"}
    assert history["epoch"].tolist() == list(range(1, 21))
    rates = history["learning_rate"]
    assert rates[0] < rates.max() <= 1e-2 and rates[-1] < 1e-3
    assert history["train_loss"][-1] < 0.7 * history["train_loss"][0]
    _, constant, _ = train(make_batches(), learning_rate_schedule="constant")
    assert set(constant["learning_rate"]) == {1e-2}


def test_no_epochs_keep_the_random_initialization():
    net, history, _ = train(make_batches(), max_epochs=0)
    assert all(len(values) == 0 for values in history.values())
    torch.manual_seed(0)
    start = make_net()
    for a, b in zip(net.module_.parameters(), start.parameters()):
        assert torch.equal(a, b)


def test_early_stopping_restores_the_best_epoch():
    """Validation labels are flipped, so that longer training predicts them worse."""
    valid = make_batches(seed=1)
    valid.targets = 1 - valid.targets
    net, history, _ = train(make_batches(), valid, max_epochs=50, learning_rate_schedule="constant")
    best = int(np.argmin(history["valid_loss"]))
    assert len(history["epoch"]) == best + 1 + 3
    _, shorter, _ = train(
        make_batches(), valid, max_epochs=best + 1, learning_rate_schedule="constant"
    )
    np.testing.assert_array_equal(shorter["valid_loss"], history["valid_loss"][: best + 1])
    net.module_.eval()
    losses = []
    with torch.no_grad():
        for x, (y, *_) in valid:
            losses.append(make_loss()(net.module_(x), y).item())
    assert np.mean(losses) == pytest.approx(history["valid_loss"].min(), rel=1e-6)


class SlowlyImprovingLoss(torch.nn.Module):
    """Loss of the training, and a validation loss that decreases by 0.001 % in each epoch."""

    def __init__(self, n_batches):
        super().__init__()
        self.n_batches, self.n_calls = n_batches, 0

    def forward(self, output, *targets):
        if self.training:
            return make_loss()(output, *targets)
        self.n_calls += 1
        return 1 - 1e-5 * ((self.n_calls - 1) // self.n_batches) + 0 * output[0].sum()


def test_small_improvements_are_improvements():
    batches = make_batches()
    options = {"max_epochs": 8, "n_iter_no_change": 3, "learning_rate_schedule": "constant"}
    loss = SlowlyImprovingLoss(len(batches))
    net, history, _ = train(batches, batches, loss=loss, **options)
    assert history["valid_loss_best"].all() and len(history["epoch"]) == 8
    last, _, _ = train(batches, **options)
    for a, b in zip(net.module_.parameters(), last.module_.parameters()):
        assert torch.equal(a, b)


class Recorder(Callback):
    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1
        net.history.record("twice", 2 * self.epochs)


def test_callbacks_are_copied_and_recorded():
    recorder = Recorder()
    _, history, (copied,) = train(make_batches(), callbacks=[recorder])
    assert recorder.epochs == 0 and copied.epochs == 5
    assert history["twice"].tolist() == [2, 4, 6, 8, 10]


class Interrupt(Callback):
    def on_batch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_interrupt_is_raised():
    with pytest.raises(KeyboardInterrupt):
        train(make_batches(), callbacks=[Interrupt()])


def test_callback_stops_training_as_in_skorch():
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    _, history, _ = train(make_batches(), callbacks=[Stop()])
    assert len(history["epoch"]) == 1


def test_ctrl_c_at_the_end_of_an_epoch_is_not_mistaken_for_a_callback():
    class Press(Callback):
        def on_epoch_end(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(make_batches(), callbacks=[Press()])
    assert signal.getsignal(signal.SIGINT) is handler


def test_non_finite_loss_names_epoch_and_cause():
    batches = make_batches()
    batches.records[3] = torch.inf
    with pytest.raises(ValueError, match="train loss became nan in epoch 1.*learning_rate"):
        train(batches)


def test_verbose_prints_one_line_per_epoch(capsys):
    train(make_batches(), make_batches(seed=1), verbose=1, max_epochs=2)
    printed = capsys.readouterr().out
    assert "train_loss" in printed and "valid_loss" in printed
    train(make_batches())
    assert capsys.readouterr().out == ""


def test_mixed_precision_trains_in_bfloat16_and_keeps_float32_weights():
    seen = []
    net, history, _ = train(
        make_batches(augmentation=lambda x: seen.append(torch.is_autocast_enabled("cpu")) or x),
        mixed_precision=True,
    )
    assert np.isfinite(history["train_loss"]).all()
    assert next(net.module_.parameters()).dtype == torch.float32
    with net.autocast():
        assert net.infer(torch.zeros(2, 2, 30))[0].dtype == torch.bfloat16


# --------------------------------------------------------------------------------------------------
# Losses that are read once per epoch, as on a GPU
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient_clip", [None, 0.5])
def test_losses_read_once_per_epoch_are_the_same(gradient_clip, monkeypatch):
    class Recorder(Callback):
        def on_epoch_end(self, net, **kwargs):
            self.batches = [
                {key: batch[key] for key in sorted(batch)} for batch in net.history[-1]["batches"]
            ]

    def run():
        _, history, (recorder,) = train(
            make_batches(shuffle=True),
            make_batches(seed=1),
            gradient_clip=gradient_clip,
            callbacks=[Recorder()],
        )
        return {**history, "batches": recorder.batches}

    expected = run()
    assert expected["batches"][0].keys() == {"train_loss", "train_batch_size"}
    assert expected["batches"][-1].keys() == {"valid_loss", "valid_batch_size"}
    monkeypatch.setattr(training_net._Net, "_waits_for_each_loss", lambda self: False)
    found = run()
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_the_first_batch_that_diverged_is_named(monkeypatch):
    monkeypatch.setattr(training_net._Net, "_waits_for_each_loss", lambda self: False)
    batches = make_batches()
    batches.records[9] = torch.nan
    with pytest.raises(ValueError, match="train loss became nan in epoch 1, batch 2 of 3"):
        train(batches)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_callbacks_of_batches_wait_for_losses(device, monkeypatch):
    class OfBatches(Callback):
        def on_batch_end(self, net, **kwargs):
            pass

    found = []

    def record(self):
        with monkeypatch.context() as patch:
            patch.setattr(self, "device", device)
            found.append(waits(self))
        return True

    waits = training_net._Net._waits_for_each_loss
    monkeypatch.setattr(training_net._Net, "_waits_for_each_loss", record)
    train(make_batches(), max_epochs=1, callbacks=[Callback()])
    train(make_batches(), max_epochs=1, callbacks=[OfBatches()])
    assert found == [device == "cpu", True]
