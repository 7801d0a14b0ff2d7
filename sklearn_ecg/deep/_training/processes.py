"""Processes that were launched together, and train one network on their shares of each batch."""

import multiprocessing
import os
import threading
from contextlib import contextmanager
from numbers import Integral

import torch
from torch import distributed

from .numerics import DivergenceError

_found = None


def training_processes():
    """Return the processes that train together with this one, or None if it trains alone.

    Processes train together if they were launched together, by ``accelerate launch`` or
    ``torchrun``. The workers of joblib that a launched process starts train alone.

    Returns
    -------
    processes : TrainingProcesses or None

    Raises
    ------
    ImportError
        If several processes were launched, but accelerate is not installed.
    RuntimeError
        If the program has connected no processes, although several were launched, or if an earlier
        error in one of them has ended their connection.
    """
    global _found
    if _found is not None:
        if _found.pid != os.getpid():  # forked by a launched process
            return None
        _found.check_open()
        return _found
    if not (_is_launched() or _is_initialized()):
        return None
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise ImportError(
            f"{os.environ.get('WORLD_SIZE', 'Several')} processes were launched to train together, "
            'which requires accelerate. Install it with pip install "sklearn_ecg[distributed]".'
        ) from error
    uses_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes", "y", "on")
    state = PartialState(cpu=uses_cpu or not torch.cuda.is_available())
    if state.num_processes == 1:
        raise RuntimeError(
            f"{os.environ.get('WORLD_SIZE', 'Several')} processes were launched to train together, "
            "but the program has made a PartialState or an Accelerator for a single process. On "
            "CPUs, pass cpu=True to it."
        )
    _found = TrainingProcesses(state.process_index, state.num_processes, state.device)
    return _found


def _is_launched():
    """Return whether a launcher started this process together with others."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR")
    size = os.environ.get("WORLD_SIZE", "")
    return (
        all(name in os.environ for name in names)
        and size.isdecimal()
        and int(size) > 1
        # A worker process inherits the variables of the process that started it.
        and multiprocessing.parent_process() is None
    )


def _is_initialized():
    """Return whether the program itself has connected several processes."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


class TrainingProcesses:
    """The processes that train one network, seen from one of them.

    All of them run the same program, call the methods in the same order, and have the same
    parameters, records and random state. They differ in the rows of each batch that pass through
    their copy of the network.

    Parameters
    ----------
    number : int
        Number of this process, from 0.
    size : int
        Number of processes.
    device : torch.device
        Device on which this process trains.
    """

    def __init__(self, number, size, device):
        self.number, self.size = number, size
        self.pid = os.getpid()
        self._device = device
        self._is_open = True
        self._common_error = None

    @property
    def is_first(self):
        """Whether this process writes files and prints."""
        return self.number == 0

    def check_open(self):
        """Raise if an earlier error has ended the connection."""
        if not self._is_open:
            raise RuntimeError(
                "An earlier fit failed in one of the processes that train together, which ended "
                "the connection between them. Start the program again."
            )

    def check_parameters(self, estimator):
        """Raise if an estimator cannot be fitted by several processes.

        Raises
        ------
        ValueError
        """
        if threading.current_thread() is not threading.main_thread():
            raise ValueError(
                f"{self.size} processes that train together must call fit one after another, but "
                "fit was called in a thread, as by n_jobs with the threading backend of joblib. "
                "Pass n_jobs=1."
            )
        if not isinstance(estimator.random_state, Integral):
            raise ValueError(
                f"random_state must be an int if {self.size} processes train together, so that "
                f"all of them draw the same batches, got {estimator.random_state!r}. Pass an int, "
                "such as random_state=0."
            )
        if estimator.batch_size < self.size:
            raise ValueError(
                f"batch_size={estimator.batch_size} is smaller than the number of processes that "
                f"train together, {self.size}: each of them trains on a share of every batch. Pass "
                "a larger batch_size, or launch fewer processes."
            )

    def resolve_device(self, device):
        """Return the device of this process.

        Parameters
        ----------
        device : torch.device
            What ``device`` of the estimator resolves to in a single process.
        """
        if device.type != self._device.type or device.index not in (None, self._device.index):
            raise ValueError(
                f"device={str(device)!r} is not the device of process {self.number}, which was "
                f"launched for {str(self._device)!r}. Pass device='auto'. To train on CPUs of a "
                "machine that has GPUs, set the environment variable ACCELERATE_USE_CPU=true."
            )
        return self._device

    def share(self, n_rows):
        """Return the rows of a batch that belong to this process, as a slice.

        None if there are fewer rows than processes. Each of them then trains on all rows.
        """
        if n_rows < self.size:
            return None
        return slice(n_rows * self.number // self.size, n_rows * (self.number + 1) // self.size)

    def sum(self, tensor):
        """Replace a real, contiguous tensor by its sum over the processes, and return it."""
        with self._named_errors():
            distributed.all_reduce(tensor)
        return tensor

    def sum_gradients(self, network, loss):
        """Replace the gradients of each process, of its share of a batch, by those of the batch.

        Parameters
        ----------
        network : torch.nn.Module
            Its gradients are those of the rows of this process.
        loss : torch.nn.Module
            Its gradients are those of all rows in every process.
        """
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        of_loss = [p.grad for p in loss.parameters() if p.grad is not None]
        for gradient in of_loss:
            gradient /= self.size
        gradients += of_loss
        for dtype in {gradient.dtype for gradient in gradients}:
            same = [gradient for gradient in gradients if gradient.dtype == dtype]
            flat = torch.cat([gradient.reshape(-1) for gradient in same])
            self.sum(torch.view_as_real(flat) if dtype.is_complex else flat)
            for gradient, values in zip(same, flat.split([g.numel() for g in same])):
                gradient.copy_(values.view_as(gradient))

    def any(self, flag):
        """Return whether a flag is set in one of the processes."""
        return bool(self.sum(torch.tensor(float(flag), device=self._device)))

    @torch.no_grad()
    def copy_from_first(self, *modules):
        """Copy the parameters and buffers of modules from the first process to the others."""
        for module in modules:
            for tensor in [*module.parameters(), *module.buffers()]:
                values = tensor.detach()
                values = torch.view_as_real(values) if values.is_complex() else values
                copied = values.to(self._device, copy=True).contiguous()
                with self._named_errors():
                    distributed.broadcast(copied, src=0)
                values.copy_(copied)

    def run_on_first(self, function):
        """Call a function in the first process, and return its result, or raise its error, in all.

        Parameters
        ----------
        function : callable
            Its result and errors can be pickled.
        """
        outcome = [None, None]
        if self.is_first:
            try:
                outcome[0] = function()
            except Exception as error:
                outcome[1] = error
        with self._named_errors():
            distributed.broadcast_object_list(outcome, src=0, device=self._device)
        result, error = outcome
        if error is not None:
            self._common_error = error
            raise error
        return result

    def check_same(self, values, differences):
        """Raise in all processes if one of them has other values than the first.

        Parameters
        ----------
        values : dict
        differences : callable
            ``differences(there, here)`` describes what differs between two dicts.
        """
        all_values = [None] * self.size
        with self._named_errors():
            distributed.all_gather_object(all_values, values)
        for number, others in enumerate(all_values):
            if others != all_values[0]:
                self._common_error = ValueError(
                    f"Process {number} fits something else than process 0: they differ in "
                    f"{differences(others, all_values[0])}. Processes that train together must "
                    "call fit with the same parameters and data, in the same order. Pass an int as "
                    "random_state wherever records are drawn, as in train_test_split."
                )
                raise self._common_error

    @contextmanager
    def closed_on_error(self):
        """End the connection if this process raises an error that others do not have.

        They would wait for it otherwise.
        """
        try:
            yield
        except BaseException as error:
            if error is not self._common_error and not isinstance(error, DivergenceError):
                self._close()
            raise

    def _close(self):
        self._is_open = False
        # NCCL waits for the other processes when it is destroyed.
        if self._device.type == "cpu" and distributed.is_initialized():
            distributed.destroy_process_group()

    @contextmanager
    def _named_errors(self):
        try:
            yield
        except RuntimeError as error:
            raise RuntimeError(
                f"Process {self.number} could not exchange data with the {self.size - 1} other(s) "
                "that train together. One of them has ended, has raised an error or took longer "
                f"than the timeout: see what it has printed. torch reports: {error}"
            ) from error
