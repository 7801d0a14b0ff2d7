"""How often the outputs of many kernels exceed their thresholds.

All kernels with a dilation share the sum of nine shifted copies of a signal, and differ in the
three copies that are added to it three times. Kernels that start with the same copies share these
sums as well. Signals have the time points in the first axis and the records in the last, so that a
shifted copy of many short records is one contiguous part of the memory.
"""

import math

import numpy as np

from ._convolution_kernels import KERNEL_LENGTH, KERNELS, sum_shifted

_CENTER = KERNEL_LENGTH // 2
# Bytes that are added up at once.
_MIN_WIDTH = 1024


class PaddedSignals:
    """Signals of some records with zeros before and after them, and their shifted copies.

    Parameters
    ----------
    n_signals, n_times, n_records : int
        Each signal consists of ``n_times`` time points of ``n_records`` records.
    max_dilation : int
    """

    def __init__(self, n_signals, n_times, n_records, max_dilation):
        self.n_records = n_records
        self.margin = _CENTER * max_dilation
        self._values = np.zeros((n_signals, n_times + 2 * self.margin, n_records), np.float32)
        #: The signals themselves, of shape (n_signals, n_times, n_records).
        self.inner = self._values[:, self.margin : self.margin + n_times]

    def shifted(self, signal, dilation):
        """Return the nine shifted copies of a signal as a view.

        Returns
        -------
        shifted : ndarray of shape (9, n_times * n_records)
        """
        start = self.margin - _CENTER * dilation
        values = self._values[signal, start:].reshape(-1)
        length = self.inner.shape[1] * self.n_records
        step = dilation * self.n_records
        return np.lib.stride_tricks.as_strided(
            values,
            (KERNEL_LENGTH, length),
            (step * values.itemsize, values.itemsize),
            writeable=False,
        )


class ExceedanceCounter:
    """Count for how many time points values exceed thresholds.

    Parameters
    ----------
    shape : tuple (n_kernels, n_thresholds)
        Of all counts.
    n_times, n_records : int
        Time points that are counted, and records.
    max_rows : int
        Maximum number of kernels that are counted at once.
    """

    def __init__(self, shape, n_times, n_records, max_rows):
        # Bytes are added up to at most 255 over parts of the time first, then the parts.
        n_parts = 1
        while n_parts * n_records < _MIN_WIDTH or n_times > 255 * n_parts:
            n_parts *= 2
        depth = math.ceil(n_times / n_parts)
        self._n_values = n_times * n_records
        self._flags = np.zeros((max_rows, shape[1], depth * n_parts * n_records), dtype=bool)
        self._bytes = self._flags.view(np.uint8).reshape(max_rows, shape[1], depth, -1)
        self._sums = np.empty((*shape, n_parts * n_records), dtype=np.uint8)
        self._dtype = np.uint16 if n_times < 2**16 else np.uint32
        self._n_records = n_records

    def count(self, values, thresholds, rows):
        """Count the values of some kernels.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_times * n_records)
        thresholds : ndarray of shape (n_rows, n_thresholds)
        rows : slice
            Where the counts of these kernels belong.
        """
        n_rows = len(values)
        flags = self._flags[:n_rows, :, : self._n_values]
        np.greater(values[:, None, :], thresholds[:, :, None], out=flags)
        np.add.reduce(self._bytes[:n_rows], axis=2, out=self._sums[rows])

    def totals(self):
        """Return the counts, of shape (n_kernels, n_thresholds, n_records)."""
        sums = self._sums
        while sums.shape[2] > self._n_records:
            half = sums.shape[2] // 2
            sums = np.add(sums[:, :, :half], sums[:, :, half:], dtype=self._dtype)
        return sums


class _DilationCounters:
    """Counters of the kernels with one dilation: those that are padded, and those that are not.

    Padding alternates between kernels. Without padding, only time points at which the kernel is
    inside the record are counted.
    """

    def __init__(self, index, dilation, n_thresholds, n_times, n_records, max_rows):
        margin = _CENTER * dilation
        # For padded kernels first, then the others.
        self._first_kernels = (index % 2, 1 - index % 2)
        self.regions = (
            slice(0, n_times * n_records),
            slice(margin * n_records, (n_times - margin) * n_records),
        )
        self._n_times = (n_times, n_times - 2 * margin)
        shape = (len(KERNELS) // 2, n_thresholds)
        self._counters = [ExceedanceCounter(shape, n, n_records, max_rows) for n in self._n_times]

    def is_padded(self, kernel):
        return kernel % 2 == self._first_kernels[0]

    def count(self, padded, values, thresholds, first_kernel):
        """Count every second kernel from the first."""
        row = first_kernel // 2
        self._counters[not padded].count(values, thresholds, slice(row, row + len(values)))

    def write_proportions(self, out):
        """Write the proportions to an array of shape (n_records, 84, n_thresholds)."""
        for first, counter, n_times in zip(self._first_kernels, self._counters, self._n_times):
            np.divide(
                counter.totals().transpose(2, 0, 1),
                np.float32(n_times),
                out=out[:, first::2],
                dtype=np.float32,
                casting="unsafe",
            )


def proportions_per_lead(signals, dilations, thresholds, out):
    """Compute the features of kernels of single leads.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), float32
    dilations : ndarray of shape (n_dilations,)
    thresholds : list of n_leads lists of n_dilations ndarrays of shape (84, n_thresholds)
    out : ndarray of shape (n_records, n_features), float32
        By lead, dilation, kernel and threshold.
    """
    n_records, n_leads, n_times = signals.shape
    simple, tripled = (PaddedSignals(1, n_times, n_records, dilations[-1]) for _ in range(2))
    negative, first, second = np.empty((3, n_times * n_records), dtype=np.float32)
    third = np.empty((KERNEL_LENGTH // 2, n_times * n_records), dtype=np.float32)
    start = 0
    for lead in range(n_leads):
        simple.inner[0] = signals[:, lead].T
        np.multiply(simple.inner[0], np.float32(3), out=tripled.inner[0])
        for d, dilation in enumerate(dilations):
            limits = thresholds[lead][d]
            counters = _DilationCounters(d, dilation, limits.shape[1], n_times, n_records, 4)
            copies = tripled.shifted(0, dilation)
            np.negative(sum_shifted(simple.shifted(0, dilation), negative), out=negative)
            kernel = 0
            for i in range(KERNEL_LENGTH - 2):
                np.add(negative, copies[i], out=first)
                for j in range(i + 1, KERNEL_LENGTH - 1):
                    np.add(first, copies[j], out=second)
                    # The kernels that differ in their last position; every second is padded.
                    n_last = KERNEL_LENGTH - 1 - j
                    for offset in range(min(2, n_last)):
                        padded = counters.is_padded(kernel + offset)
                        region = counters.regions[not padded]
                        last = copies[j + 1 + offset :: 2, region]
                        values = third[: len(last), region]
                        np.add(second[region], last, out=values)
                        chosen = limits[kernel + offset : kernel + n_last : 2]
                        counters.count(padded, values, chosen, kernel + offset)
                    kernel += n_last
            stop = start + limits.size
            counters.write_proportions(out[:, start:stop].reshape(n_records, *limits.shape))
            start = stop


def proportions_across_leads(signals, dilations, thresholds, leads, out):
    """Compute the features of kernels of several leads, whose outputs are added.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), float32
    dilations : ndarray of shape (n_dilations,)
    thresholds : list of n_dilations ndarrays of shape (84, n_thresholds)
    leads : sequence of n_dilations ndarrays of shape (84, n_leads), bool
    out : ndarray of shape (n_records, n_features), float32
        By dilation, kernel and threshold.
    """
    n_records, n_leads, n_times = signals.shape
    simple, tripled = (PaddedSignals(n_leads, n_times, n_records, dilations[-1]) for _ in range(2))
    total = PaddedSignals(1, n_times, n_records, dilations[-1])
    simple.inner[:] = signals.transpose(1, 2, 0)
    np.multiply(simple.inner, np.float32(3), out=tripled.inner)
    negative = np.empty((n_leads, n_times * n_records), dtype=np.float32)
    values = np.empty(n_times * n_records, dtype=np.float32)
    start = 0
    for d, dilation in enumerate(dilations):
        limits = thresholds[d]
        counters = _DilationCounters(d, dilation, limits.shape[1], n_times, n_records, 1)
        for lead in range(n_leads):
            sum_shifted(simple.shifted(lead, dilation), negative[lead])
        np.negative(negative, out=negative)
        copies_of_lead = [tripled.shifted(lead, dilation) for lead in range(n_leads)]
        copies_of_total = total.shifted(0, dilation)
        for kernel, positions in enumerate(KERNELS):
            chosen = np.flatnonzero(leads[d][kernel])
            copies, base = copies_of_lead[chosen[0]], negative[chosen[0]]
            if len(chosen) > 1:
                _sum_leads(negative, chosen, out=values)
                _sum_leads(tripled.inner, chosen, out=total.inner[0])
                copies, base = copies_of_total, values
            padded = counters.is_padded(kernel)
            region = counters.regions[not padded]
            for position in positions:
                np.add(base[region], copies[position, region], out=values[region])
                base = values
            counters.count(padded, values[None, region], limits[None, kernel], kernel)
        stop = start + limits.size
        counters.write_proportions(out[:, start:stop].reshape(n_records, *limits.shape))
        start = stop


def _sum_leads(signals, leads, out):
    """Add the signals of two or more leads in their order."""
    np.add(signals[leads[0]], signals[leads[1]], out=out)
    for lead in leads[2:]:
        np.add(out, signals[lead], out=out)
