"""A skorch net that trains on our batches."""

import copy
import math
import signal
import threading
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import (
    EarlyStopping,
    EpochTimer,
    Freezer,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    Unfreezer,
)

from ...utils._torch import restore_module, store_module
from ...utils._warnings import warn


class _Net(NeuralNet):
    """skorch's net with `Batches` in place of data sets and data loaders.

    ``X`` of `fit` are the training batches, ``y`` the validation batches or None. Ctrl-C
    ends the training with `KeyboardInterrupt` and not, as in skorch, with a half-trained net;
    a callback stops it in skorch's way, by raising `KeyboardInterrupt` at the end of an epoch.
    The two are told apart by whether a signal came.
    """

    def __init__(self, *args, mixed_precision=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.mixed_precision = mixed_precision

    @property
    def _default_callbacks(self):
        callbacks = [
            ("train_loss", PassthroughScoring(name="train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring(name="valid_loss")),
        ]
        if self.verbose:
            callbacks = [("epoch_timer", EpochTimer()), *callbacks, ("print_log", PrintLog())]
        return callbacks

    def __getstate__(self):
        # A trained net; skorch's own way depends on more than content.
        state = {**vars(self), "module": None}
        state["module_"] = store_module(self.module_)
        return state

    def __setstate__(self, state):
        vars(self).update(state)
        if torch.device(self.device).type == "cuda" and not torch.cuda.is_available():
            warn(
                f"This network was trained on {self.device}, which this machine lacks: it predicts "
                "on the CPU.",
                UserWarning,
            )
            self.device = "cpu"
        self.module = self.module_ = restore_module(*state["module_"], self.device)

    def autocast(self):
        """Context in which the network runs: bfloat16 where it is safe, with mixed precision."""
        device_type = torch.device(self.device).type
        return torch.autocast(device_type, dtype=torch.bfloat16, enabled=self.mixed_precision)

    def infer(self, x, **fit_params):
        with self.autocast():
            return self.module_(x)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        return self.criterion_(y_pred, *y_true)

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        self.notify("on_train_begin", X=None, y=None)
        self.fit_loop(X, y)
        self.notify("on_train_end", X=None, y=None)
        return self

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        with _recorded_interrupts() as interrupts:
            self._fit_epochs(X, y, interrupts)
        return self

    def _fit_epochs(self, X, y, interrupts):
        for _ in range(self.max_epochs):
            self.notify("on_epoch_begin", dataset_train=None, dataset_valid=None)
            for group in self.optimizer_.param_groups:
                is_open = any(p.requires_grad for p in group["params"])
                rate = group["lr"] if is_open else 0.0
                self.history.record(group.get("name", "learning_rate"), rate)
            self.run_single_epoch(X, training=True, prefix="train", step_fn=self.train_step)
            self.run_single_epoch(y, training=False, prefix="valid", step_fn=self.validation_step)
            try:
                self.notify("on_epoch_end", dataset_train=None, dataset_valid=None)
            except KeyboardInterrupt:
                if interrupts:
                    raise
                break

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is None:
            return
        parts, sizes = [], []
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            loss = step["loss"].item()
            if not math.isfinite(loss):
                raise ValueError(
                    f"The {prefix} loss became {loss} in epoch {len(self.history)}. The likely "
                    f"cause is a learning_rate too large ({self.lr:g} was given) or records of "
                    "extreme values: lower learning_rate, or check the units of X and "
                    "normalize."
                )
            self.history.record_batch(f"{prefix}_loss", loss)
            self.history.record_batch(f"{prefix}_batch_size", len(batch[0]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
            parts.append({**getattr(self.criterion_, "parts", {})})
            sizes.append(len(batch[0]))
        for name in parts[0]:
            mean = np.average([float(part[name]) for part in parts], weights=sizes)
            self.history.record(f"{prefix}_{name}", float(mean))


@contextmanager
def _recorded_interrupts():
    """Yield a list that Ctrl-C makes non-empty; signals reach the main thread only."""
    interrupts = []
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield interrupts
        return

    def record(signum, frame):
        interrupts.append(signum)
        previous(signum, frame)

    signal.signal(signal.SIGINT, record)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous)


def _warmup_cosine(n_steps):
    """Factor of the learning rate: linear warm-up over a tenth of the steps, cosine to 0."""
    n_steps = max(1, n_steps)
    n_warmup = max(1, n_steps // 10)

    def factor(step):
        warmup = min(1.0, (step + 1) / n_warmup)
        return warmup * 0.5 * (1 + math.cos(math.pi * min(step / n_steps, 1.0)))

    return factor


class ParameterGroup(NamedTuple):
    """A part of a module that learns at a rate of its own.

    Parameters
    ----------
    part : str
        The part, as in the names of its parameters: "encoder" for ``module.encoder``.
    name : str
        In the history its rate is ``{name}_learning_rate``, 0 while the part is closed.
    learning_rate : float
    opens_at : int or None
        First epoch in which it learns; None is never.
    """

    part: str
    name: str
    learning_rate: float
    opens_at: int | None = 1


def train_network(
    module,
    loss,
    batches,
    valid_batches=None,
    *,
    max_epochs,
    learning_rate,
    learning_rate_schedule,
    weight_decay,
    mixed_precision,
    device,
    callbacks,
    verbose,
    n_iter_no_change=None,
    groups=(),
):
    """Train a module and return its net, the history and the callbacks.

    Parameters
    ----------
    module : torch.nn.Module
        Maps a batch (batch, leads, time) to the first argument of ``loss``.
    loss : torch.nn.Module
        ``loss(output, *rest)`` is a scalar tensor, ``rest`` what the batches hold beside the
        signals. If it has a dict ``parts`` of scalars, their means over the batches of an epoch
        are recorded in the history as well.
    batches, valid_batches : Batches
        With validation batches, training stops after ``n_iter_no_change`` epochs without a
        lower validation loss, and the weights of the best epoch are restored.
    callbacks : list of skorch callbacks or None
        Copied, so that a fit leaves the estimator's parameter as it was.
    groups : sequence of ParameterGroup, default=()
        Parts of the module that learn at rates of their own, or later than the rest.

    Returns
    -------
    net : skorch.NeuralNet
        Trimmed for prediction.
    history : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``train_loss``, ``learning_rate``, whatever callbacks record per epoch and,
        with validation batches, ``valid_loss`` and ``valid_loss_best``.
    callbacks : list of skorch callbacks
        The copies, as training left them.
    """
    callbacks = copy.deepcopy(list(callbacks or []))
    steps = list(callbacks)
    if learning_rate_schedule == "cosine":
        factor = _warmup_cosine(max_epochs * len(batches))
        steps.append(
            LRScheduler(
                torch.optim.lr_scheduler.LambdaLR,
                lr_lambda=factor,
                step_every="batch",
                event_name=None,
            )
        )
    if valid_batches is not None:
        steps.append(EarlyStopping(patience=n_iter_no_change, load_best=True))
    param_groups = []
    for part, name, rate, opens_at in groups:
        param_groups.append((f"{part}.*", {"lr": rate, "name": f"{name}_learning_rate"}))
        if opens_at != 1:
            steps.append(Freezer(f"{part}.*"))
        if opens_at not in (1, None):
            steps.append(Unfreezer(f"{part}.*", at=opens_at))
    net = _Net(
        module.to(memory_format=torch.channels_last),
        criterion=loss,
        optimizer=torch.optim.AdamW,
        # One fused kernel instead of a loop over the parameters.
        optimizer__fused=True,
        optimizer__weight_decay=weight_decay,
        optimizer__param_groups=param_groups,
        lr=learning_rate,
        max_epochs=max_epochs,
        train_split=None,
        callbacks=steps,
        device=device,
        verbose=verbose,
        mixed_precision=mixed_precision,
    )
    net.initialize()
    net.partial_fit(batches, valid_batches)
    history = _history(net)
    net.trim_for_prediction()
    return net, history, callbacks


def _history(net):
    """What was recorded per epoch, as arrays; wall-clock time is left out on purpose.

    Two fits with equal results then have equal content, for caches that hash estimators.
    """
    rows = [{k: v for k, v in row.items() if k not in ("batches", "dur")} for row in net.history]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return {key: np.array([row.get(key, np.nan) for row in rows]) for key in keys}
