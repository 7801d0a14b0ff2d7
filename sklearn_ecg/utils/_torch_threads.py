"""The number of threads that torch computes with, inside a block."""

import threading
from contextlib import nullcontext
from numbers import Integral

import torch

from ._warnings import warn

#: Largest number of threads that an estimator takes.
MAX_THREADS = 1024


class ThreadCounts:
    """The numbers of threads of the blocks of `torch_threads`.

    torch has one number for each thread of Python. A thread that has not computed yet takes the
    number that was set last, in any thread; it gets the number of the program when it leaves the
    block.

    Parameters
    ----------
    single : int or None, default=None
        A thread of Python that cannot use other threads, because the process was forked.
    """

    def __init__(self, single=None):
        self._lock = threading.Lock()
        self._inside = {}
        self._of_program = None
        self._single = single

    def enter(self, number):
        """Set the number of threads, and return the number to restore."""
        me = threading.get_ident()
        if me == self._single and number > 1:
            warn(
                f"This process was forked after torch had computed, so it uses 1 thread instead of "
                f"n_threads={number}, and results may differ in the last digits. Start processes "
                "with joblib's backend 'loky', or with the method 'spawn' or 'forkserver'.",
                UserWarning,
            )
            number = 1
        with self._lock:
            found = torch.get_num_threads()
            if not self._inside:
                self._of_program = found
            elif me not in self._inside and any(found in n for n in self._inside.values()):
                found = self._of_program
            numbers = self._inside.setdefault(me, [])
            # torch reports the number of OpenMP only, and MKL has one of its own: it is only known
            # inside of a block with the same number.
            if numbers[-1:] != [number] or found != number:
                torch.set_num_threads(number)
            numbers.append(number)
        return found

    def leave(self, previous):
        """Restore the number of threads."""
        me = threading.get_ident()
        with self._lock:
            self._inside[me].pop()
            is_same = self._inside[me][-1:] == [previous] == [torch.get_num_threads()]
            if not self._inside[me]:
                del self._inside[me]
            if not is_same:
                torch.set_num_threads(previous)


_COUNTS = ThreadCounts()


def after_fork(single):
    """Forget the blocks of other threads, which a forked process does not have."""
    global _COUNTS
    _COUNTS = ThreadCounts(single)


def torch_threads(n_threads):
    """Return a context in which torch computes with this number of threads.

    Sums are added up in an order that depends on the number of threads, so that results only have
    the same bits for the same number. The number of the program is restored afterwards.

    Parameters
    ----------
    n_threads : int or None
        None keeps the number of the program.

    Raises
    ------
    ValueError
        If the number is not None and not an int from 1 to `MAX_THREADS`.
    """
    if n_threads is None:
        return nullcontext()
    # Integral alone takes several times as long.
    if not isinstance(n_threads, (int, Integral)) or not 1 <= n_threads <= MAX_THREADS:
        raise ValueError(
            f"n_threads must be None or an int from 1 to {MAX_THREADS}, got {n_threads!r}."
        )
    return _ThreadBlock(_COUNTS, int(n_threads))


class _ThreadBlock:
    """A block of code with this number of threads; see `torch_threads`."""

    def __init__(self, counts, number):
        self._counts, self._number = counts, number

    def __enter__(self):
        self._previous = self._counts.enter(self._number)

    def __exit__(self, *error):
        self._counts.leave(self._previous)
