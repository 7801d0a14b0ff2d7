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
            Parts of the loss by name: scalars, or objects of a class that reads several of them,
            see `EffectiveRank`.
        """
        scalars = [part for part in parts.values() if not hasattr(part, "read")]
        self._unread.append((row, key, (loss, norm, *scalars), dict(parts)))
        self._sizes.append(size)
        if len(self._unread) == _MOST_UNREAD:
            self.read()

    def read(self):
        """Read the numbers of all steps that are not read yet, and check them."""
        if not self._unread:
            return
        rows, keys, numbers, parts = zip(*self._unread)
        self._unread.clear()
        numbers = self._to_floats(numbers)
        for row, key, (loss, norm, *_) in zip(rows, keys, numbers):
            self._check(loss, norm, len(self.norms) + 1)
            row[key] = loss
            self.norms.append(norm)
        position = 2
        for name, part in parts[0].items():
            if not hasattr(part, "read"):
                values = [of_step[position] for of_step in numbers]
                position += 1
            else:
                values = part.read([of_step[name] for of_step in parts])
            self._parts.setdefault(name, []).extend(values)

    def _to_floats(self, numbers):
        """Return the numbers of several steps as lists of floats."""
        like = numbers[0][0]
        if self._processes is None and like.device.type == "cpu":
            return [list(map(float, of_step)) for of_step in numbers]
        # One copy for all of them, because each copy waits for the GPU.
        table = torch.stack(
            [
                torch.stack([torch.as_tensor(number).reshape(()).to(like) for number in of_step])
                for of_step in numbers
            ]
        )
        if self._processes is not None:
            # Equal up to rounding, which must not make one of the processes stop earlier.
            table = self._processes.sum(table) / self._processes.size
        return table.tolist()

    def part_means(self):
        """Return the mean over the records of each part of the loss, by name."""
        return {
            name: float(np.average(values, weights=self._sizes))
            for name, values in self._parts.items()
        }
