"""A skorch net that trains on our batches."""

import signal
import threading
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from skorch import History, NeuralNet
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochTimer,
    Freezer,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    Unfreezer,
)

from ...utils._module_arrays import (
    arrays_to_module,
    copy_module,
    module_attributes,
    module_to_arrays,
)
from ...utils._warnings import warn
from .callbacks import check_callbacks, copy_callback, warmup_cosine, writes_output
from .divided import run_divided
from .net_state import get_state, set_state
from .numerics import check_step, clip_gradients, named_memory_errors
from .step_numbers import StepNumbers


class _Net(NeuralNet):
    """A `skorch.NeuralNet` that trains on `Batches` instead of data sets and data loaders.

    In `partial_fit`, ``X`` are the training batches and ``y`` the validation batches or None.
    Ctrl-C raises `KeyboardInterrupt`, whereas skorch would return a partly trained net. A callback
    can still stop the training as in skorch, by raising `KeyboardInterrupt` at the end of an epoch.
    Whether a signal was received distinguishes the two.
    """

    def __init__(self, *args, mixed_precision=False, gradient_clip=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.mixed_precision = mixed_precision
        self.gradient_clip = gradient_clip

    @property
    def _processes(self):
        """The `TrainingProcesses` during a training by several processes, otherwise None."""
        return vars(self).get("_together_with")

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
        # skorch's own pickles differ between nets of equal content.
        state = {**vars(self), "module": None}
        state.pop("_together_with", None)
        state["module_"] = module_to_arrays(self.module_, state.pop("_attributes", None))
        return state

    def __setstate__(self, state):
        vars(self).update(state)
        self.device = available_device(self.device)
        self.module = self.module_ = arrays_to_module(state["module_"], self.device)
        self.remember_attributes()

    def remember_attributes(self):
        """Remember the attributes of the module, which predictions may change, for pickling."""
        vars(self)["_attributes"] = module_attributes(self.module_)

    def copy_for_prediction(self):
        """Return a copy that predicts as this net does now, while this one can train on."""
        copied = object.__new__(type(self))
        state = {**vars(self), "module": None, "callbacks": [], "callbacks_": []}
        state.update(dict.fromkeys(["criterion_", "optimizer_"]), _trimmed_for_prediction=True)
        vars(copied).update(state)
        vars(copied).pop("_together_with", None)
        copied.module = copied.module_ = copy_module(self.module_).eval()
        copied.history = History()
        copied.remember_attributes()
        return copied

    def autocast(self):
        """Return the context for the network: bfloat16 where it is safe, with mixed precision."""
        if not self.mixed_precision:
            return nullcontext()  # the settings of the calling program are turned off already
        # The cache of converted weights is only emptied when the outermost block ends. Within
        # another block, all steps would use the weights of the first step.
        return torch.autocast(
            torch.device(self.device).type, dtype=torch.bfloat16, cache_enabled=False
        )

    def infer(self, x, **fit_params):
        with self.autocast():
            if self._processes is not None:
                return run_divided(self.module_, x, self._processes)
            return self.module_(x)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        return self.criterion_(y_pred, *y_true)

    def train_step_single(self, batch, **fit_params):
        step = super().train_step_single(batch, **fit_params)
        if self._processes is not None and self._processes.share(len(batch[0])) is not None:
            self._processes.sum_gradients(self.module_, self.criterion_)
        parameters = (parameter for _, parameter in self.get_all_learnable_params())
        return {**step, "gradient_norm": clip_gradients(parameters, self.gradient_clip)}

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        self.notify("on_train_begin", X=None, y=None)
        self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=None, y=None)
        return self

    def fit_loop(
        self, X, y=None, epochs=None, *, tasks=None, checkpoint=None, processes=None, **fit_params
    ):
        vars(self)["_together_with"] = processes
        try:
            with _recorded_interrupts() as interrupts:
                is_complete, checkpoint = self._restore(checkpoint)
                if not is_complete:
                    self._fit_epochs(X, y, interrupts, tasks, checkpoint)
        finally:
            del vars(self)["_together_with"]
        return self

    def _restore(self, checkpoint):
        """Return whether the training is complete, and the checkpoint to write.

        With several processes, the first one reads and writes the files.
        """
        if self._processes is None:
            return checkpoint is not None and checkpoint.restore(self), checkpoint

        def restore():
            if checkpoint is None:
                return None
            arrays, is_complete = [], checkpoint.restore(self)
            return is_complete, get_state(self, arrays), arrays

        restored = self._processes.run_on_first(restore)
        if restored is None:
            return False, None
        if not self._processes.is_first:
            set_state(self, *restored[1:])
        return restored[0], _CheckpointOfFirst(checkpoint, self._processes)

    def _fit_epochs(self, X, y, interrupts, tasks, checkpoint):
        if tasks is not None:
            tasks.skip_epochs(len(self.history))
        for epoch in range(len(self.history) + 1, self.max_epochs + 1):
            if tasks is not None:
                tasks.begin_epoch()
            self.notify("on_epoch_begin", dataset_train=None, dataset_valid=None)
            for group in self.optimizer_.param_groups:
                is_trained = any(p.requires_grad for p in group["params"])
                rate = group["lr"] if is_trained else 0.0
                self.history.record(group.get("name", "learning_rate"), rate)
            self.run_single_epoch(X, training=True, prefix="train", step_fn=self.train_step)
            self.run_single_epoch(y, training=False, prefix="valid", step_fn=self.validation_step)
            stops = False
            try:
                self.notify("on_epoch_end", dataset_train=None, dataset_valid=None)
            except KeyboardInterrupt:
                if interrupts:
                    raise
                stops = True
            if tasks is not None:
                stops |= tasks.end_epoch(self._fitted_attributes)
            if self._processes is not None:
                stops = self._processes.any(stops)
            if checkpoint is not None:
                checkpoint.end_epoch(self, is_last=stops or epoch == self.max_epochs)
            if stops:
                break

    def _fitted_attributes(self):
        """Return the attributes of the estimator that would result if training stopped now."""
        history = _history(self)
        return {
            "net_": self.copy_for_prediction(),
            "history_": history,
            "n_iter_": len(history["epoch"]),
            "_n_features_out": self.module_.embedding_dim,
        }

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is None:
            return
        n_steps, waits = 0, self._waits_for_each_loss()

        def where(number):
            return f"in epoch {len(self.history)}, batch {number} of {len(iterator)}"

        def check(loss, norm, number):
            check_step(loss, norm, prefix, where(number), self.lr, self.mixed_precision)

        numbers = StepNumbers(check, self._processes)
        with named_memory_errors(lambda: where(n_steps + 1), self._memory_advice(iterator)):
            for batch in iterator:
                self.notify("on_batch_begin", batch=batch, training=training)
                step = step_fn(batch)
                loss = step["loss"].detach().reshape(())
                norm = step.pop("gradient_norm", torch.zeros_like(loss))
                self.history.record_batch(f"{prefix}_batch_size", len(batch[0]))
                numbers.add(
                    self.history[-1]["batches"][-1],
                    f"{prefix}_loss",
                    len(batch[0]),
                    loss,
                    norm,
                    getattr(self.criterion_, "parts", {}),
                )
                if waits:
                    numbers.read()
                self.notify("on_batch_end", batch=batch, training=training, **step)
                n_steps += 1
            numbers.read()
        for name, mean in numbers.part_means().items():
            self.history.record(f"{prefix}_{name}", mean)
        if training and self.gradient_clip is not None:
            self.history.record("gradient_norm", float(np.mean(numbers.norms)))

    def _waits_for_each_loss(self):
        """Return whether losses are read after each batch, rather than after each epoch.

        A GPU computes the next batch meanwhile, unless its last result is read. Callbacks may need
        the loss of a batch when it ends, except those that set learning rates.
        """
        if torch.device(self.device).type == "cpu":
            return True
        return any(
            type(callback).on_batch_end is not Callback.on_batch_end
            for _, callback in self.callbacks_
            if not isinstance(callback, LRScheduler) and hasattr(callback, "on_batch_end")
        )

    def _memory_advice(self, batches):
        others = "a smaller network" if self.mixed_precision else "precision='mixed'"
        return f"Pass a smaller batch_size ({batches.batch_size} was given), or {others}."


class _CheckpointOfFirst:
    """The checkpoint of the first of several processes, whose errors all of them raise."""

    def __init__(self, checkpoint, processes):
        self._checkpoint, self._processes = checkpoint, processes

    def end_epoch(self, net, *, is_last):
        """Save the state after an epoch if it is due."""
        self._processes.run_on_first(lambda: self._checkpoint.end_epoch(net, is_last=is_last))


@contextmanager
def _recorded_interrupts():
    """Yield a list to which Ctrl-C appends; only the main thread receives signals."""
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


class ParameterGroup(NamedTuple):
    """A part of a network that has its own learning rate.

    Parameters
    ----------
    part : str
        Prefix of the names of its parameters: "encoder" for ``network.encoder``.
    name : str
        The history has the rate as ``{name}_learning_rate``, 0 while the part is frozen.
    learning_rate : float
        Maximum learning rate.
    first_epoch : int or None
        First epoch in which the part is trained, counted from 1. None freezes it throughout.
    """

    part: str
    name: str
    learning_rate: float
    first_epoch: int | None = 1


def train_network(
    network,
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
    checkpoint=None,
    processes=None,
    verbose,
    tasks=None,
    n_iter_no_change=None,
    parameter_groups=(),
    gradient_clip=None,
):
    """Train a network and return its net, the history and the callbacks.

    Parameters
    ----------
    network : torch.nn.Module
        Maps the inputs of a batch to the first argument of ``loss``.
    loss : torch.nn.Module
        ``loss(output, *rest)`` returns a scalar tensor, where ``rest`` is what the batches yield
        after the inputs. If it has a dict ``parts`` of scalars, the history contains their means
        over the batches of each epoch. See `StepNumbers`.
    batches, valid_batches : Batches
        With validation batches, training stops after ``n_iter_no_change`` epochs without a
        lower validation loss, and the weights of the best epoch are restored.
    callbacks : list of skorch callbacks or None
        Copied, so that the parameter of the estimator does not change. Attributes that cannot be
        copied are shared.
    checkpoint : FitCheckpoint or None, default=None
        Saves the state of the training, and restores that of an interrupted training.
    processes : TrainingProcesses or None, default=None
        Those that train the network together. Only the first of them has a checkpoint.
    tasks : FitTasks or None, default=None
        Calls the callbacks of scikit-learn before and after each epoch.
    parameter_groups : sequence of ParameterGroup, default=()
        Parts of the network that have their own learning rate or are frozen for some epochs.
    gradient_clip : float or None, default=None
        Largest total norm of the gradient.

    Returns
    -------
    net : skorch.NeuralNet
        Trimmed for prediction.
    history : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``train_loss``, ``learning_rate``, whatever callbacks record per epoch and,
        with validation batches, ``valid_loss`` and ``valid_loss_best``.
    callbacks : list of skorch callbacks
        The trained copies.
    """
    callbacks = [copy_callback(callback) for callback in callbacks or []]
    check_callbacks(callbacks, has_validation=valid_batches is not None)
    is_first = processes is None or processes.is_first
    steps = [callback for callback in callbacks if is_first or not writes_output(callback)]
    if learning_rate_schedule == "cosine":
        factor = warmup_cosine(max_epochs * len(batches))
        steps.append(
            LRScheduler(
                torch.optim.lr_scheduler.LambdaLR,
                lr_lambda=factor,
                step_every="batch",
                event_name=None,
            )
        )
    if valid_batches is not None and max_epochs:
        # By default, skorch does not count improvements of less than 0.01 %.
        best = {"threshold": 0.0, "threshold_mode": "abs", "load_best": True}
        steps.append(EarlyStopping(patience=n_iter_no_change, **best))
    optimizer_groups = []
    for part, name, rate, first_epoch in parameter_groups:
        optimizer_groups.append((f"{part}.*", {"lr": rate, "name": f"{name}_learning_rate"}))
        if first_epoch != 1:
            steps.append(Freezer(f"{part}.*"))
        if first_epoch not in (1, None):
            steps.append(Unfreezer(f"{part}.*", at=first_epoch))
    net = _Net(
        network.to(memory_format=torch.channels_last),
        criterion=loss,
        optimizer=torch.optim.AdamW,
        # A single fused kernel is faster than a loop over the parameters, but not for complex ones.
        optimizer__fused=not any(p.is_complex() for p in network.parameters()),
        optimizer__weight_decay=weight_decay,
        optimizer__param_groups=optimizer_groups,
        lr=learning_rate,
        max_epochs=max_epochs,
        train_split=None,
        callbacks=steps,
        device=device,
        verbose=verbose if is_first else 0,
        mixed_precision=mixed_precision,
        gradient_clip=gradient_clip,
    )
    net.initialize()
    if processes is not None:
        processes.copy_from_first(net.module_, net.criterion_)
    options = {"tasks": tasks, "checkpoint": checkpoint, "processes": processes}
    net.partial_fit(batches, valid_batches, **options)
    if processes is not None:
        # A callback of the first one may have loaded weights. Otherwise, they are equal.
        processes.copy_from_first(net.module_, net.criterion_)
    history = _history(net)
    net.trim_for_prediction()
    net.remember_attributes()
    return net, history, callbacks


def restored_net(network, *, device, mixed_precision):
    """Return a net for prediction, of a network that is trained already.

    Parameters
    ----------
    network : torch.nn.Module
    device : torch.device
        A GPU that is not available is replaced by the CPU, with a warning.
    mixed_precision : bool

    Returns
    -------
    net : skorch.NeuralNet
    """
    net = _Net(
        network,
        criterion=torch.nn.MSELoss,
        train_split=None,
        device=available_device(device),
        mixed_precision=mixed_precision,
    )
    net.initialize()
    net.trim_for_prediction()
    net.remember_attributes()
    return net


def available_device(device):
    """Return a device, or the CPU, with a warning, in place of a GPU that is not available."""
    if torch.device(device).type != "cuda" or torch.cuda.is_available():
        return device
    warn(
        f"This network was trained on {device}, which is not available here. It predicts on the "
        "CPU.",
        UserWarning,
    )
    return "cpu"


def _history(net):
    """Return what was recorded per epoch, as arrays.

    Wall-clock times are left out: fits with equal results then have equal content, which matters
    for caches that hash estimators.
    """
    rows = [{k: v for k, v in row.items() if k not in ("batches", "dur")} for row in net.history]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return {key: np.array([row.get(key, np.nan) for row in rows]) for key in keys}
