"""Losses and other numbers of training steps, which are read for many steps at once.

A program waits for the GPU when it reads a number, and the GPU then waits for its next batch.
"""

import numpy as np
import torch

# The memory of numbers that are not read, such as the products of `EffectiveRank`, is bounded.
_MOST_UNREAD = 128


class StepNumbers:
    """The numbers of the steps of an epoch.

    Parameters
    ----------
    check : callable
        ``check(loss, norm, number)`` raises if the loss or the norm of the gradient of a step is
        not finite. Steps are counted from 1.
    processes : TrainingProcesses or None
        Those that train together.
    """

    def __init__(self, check, processes):
        self._check = check
        self._processes = processes
        self._unread, self._sizes, self._parts = [], [], {}
        self.norms = []

    def add(self, row, key, size, loss, norm, parts):
        """Add the numbers of a step, on the device.

        Parameters
        ----------
        row : dict
        key : str
            The row gets the loss under this key when it is read.
        size : int
            Number of records.
        loss, norm : tensor of shape ()
        parts : dict
            Parts of the loss by name: tensors of shape (), or objects of a class that reads several
            of them, see `EffectiveRank`.
        """
        scalars = [part for part in parts.values() if isinstance(part, torch.Tensor)]
        numbers = torch.stack([loss, *(number.reshape(()).to(loss) for number in (norm, *scalars))])
        self._unread.append((row, key, numbers, dict(parts)))
        self._sizes.append(size)
        if len(self._unread) == _MOST_UNREAD:
            self.read()

    def read(self):
        """Read the numbers of all steps that are not read yet, and check them."""
        if not self._unread:
            return
        rows, keys, numbers, parts = zip(*self._unread)
        self._unread.clear()
        numbers = torch.stack(numbers)
        if self._processes is not None:
            # Equal up to rounding, which must not make one of the processes stop earlier.
            numbers = self._processes.sum(numbers) / self._processes.size
        numbers = numbers.tolist()
        for row, key, (loss, norm, *_) in zip(rows, keys, numbers):
            self._check(loss, norm, len(self.norms) + 1)
            row[key] = loss
            self.norms.append(norm)
        position = 2
        for name, part in parts[0].items():
            if isinstance(part, torch.Tensor):
                values = [of_step[position] for of_step in numbers]
                position += 1
            else:
                values = part.read([of_step[name] for of_step in parts])
            self._parts.setdefault(name, []).extend(values)

    def part_means(self):
        """Return the mean over the records of each part of the loss, by name."""
        return {
            name: float(np.average(values, weights=self._sizes))
            for name, values in self._parts.items()
        }
