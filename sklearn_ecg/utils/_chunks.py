"""How many records are processed at once.

A cohort is processed in chunks of records: large enough that calls cost little, small enough that
intermediate arrays fit a cache or bound the memory. The budgets of all subpackages are here.
"""

import math
from typing import NamedTuple

import numpy as np


class ChunkBudget(NamedTuple):
    """Size of a chunk of records.

    Parameters
    ----------
    max_values : int
        Values in a chunk, over all its records.
    min_records, max_records : int or None
        Bounds on the number of records, whatever their size. None is no bound.
    stretch : bool
        Whether a chunk may exceed the budget by up to one half where this saves a chunk.
    """

    max_values: int
    min_records: int = 1
    max_records: int | None = None
    stretch: bool = False


# Float64 copies of a chunk stay small.
TRANSFORM = ChunkBudget(2**20)
# Passes of a network without gradients. Fewer small records waste time on calls, more large ones
# on memory: 256 images of 224 x 224 took 1.7 times as long at once as 32 at a time.
NETWORK = ChunkBudget(2_000_000, min_records=16, max_records=512, stretch=True)
# Records that are read from a file at once: 16 MB in float32.
LAZY = ChunkBudget(2**22)
# Training records that are read at once, or resized: 50 MB in float32.
NORMALIZE_SIGNALS = ChunkBudget(12 * 2**20, max_records=1024)
NORMALIZE_IMAGES = ChunkBudget(12 * 2**20, max_records=64)
# Those of which float64 copies are made at once, which fit the processor's cache.
STATISTICS = ChunkBudget(2**18)
# Windows of records that are predicted at once: 64 MB in float32.
WINDOWS = ChunkBudget(2**24)
# Values of long records that are searched for gaps.
GAPS = ChunkBudget(2**22)
# Pixels of rendered pages. Calls for a single large page take longer than its pixels.
RENDER = ChunkBudget(2**22, min_records=4)
# R-peak detection, in lead-seconds rather than values.
R_PEAKS = ChunkBudget(20_000)
# Curves of the detector and windows of beats that fit the processor's cache.
BEAT_CURVE = ChunkBudget(250_000)
SPIKES = ChunkBudget(50_000)
BEAT_AVERAGE = ChunkBudget(400_000)
BEAT_FEATURES = ChunkBudget(1, min_records=48, max_records=48)
# Values of one lead, of which a handful of arrays fit the processor's cache.
CONVOLUTIONS = ChunkBudget(65_536)
# Time points of synthetic records, for all leads. Fitting the processor's cache doubles the speed.
SYNTHESIS = ChunkBudget(16_000)


def chunk_size(values_per_record, budget):
    """Return the number of records in a chunk, at least 1.

    Parameters
    ----------
    values_per_record : float
        Values that a record takes, such as ``n_leads * n_times``.
    budget : ChunkBudget
    """
    size = max(int(budget.max_values / max(1, values_per_record)), budget.min_records)
    return size if budget.max_records is None else min(size, budget.max_records)


def record_chunks(n_records, values_per_record, budget):
    """Return slices of nearly equal length that cover all records.

    Parameters
    ----------
    n_records : int
    values_per_record : float
        Values that a record takes, such as ``n_leads * n_times``.
    budget : ChunkBudget

    Returns
    -------
    slices : list of slice
        Empty for no records.
    """
    if n_records == 0:
        return []
    size = chunk_size(values_per_record, budget)
    if n_records <= size:
        return [slice(0, n_records)]
    if budget.stretch:
        bounds = np.linspace(0, n_records, max(1, round(n_records / size)) + 1).astype(int).tolist()
    else:
        step = math.ceil(n_records / math.ceil(n_records / size))
        bounds = [*range(0, n_records, step), n_records]
    return [slice(start, stop) for start, stop in zip(bounds, bounds[1:])]


def array_chunks(records, budget):
    """Return the `record_chunks` of an array or tensor of shape (n_records, ...)."""
    return record_chunks(len(records), math.prod(records.shape[1:]), budget)


def apply_in_chunks(function, signals, dtype=None):
    """Apply a function to signals, chunk after chunk of the records.

    Parameters
    ----------
    function : callable
        Takes records (n_chunk, n_leads, n_times) and returns an array of the same length, of any
        float dtype.
    signals : ndarray of shape (n_records, n_leads, n_times)
    dtype : dtype, default=None
        Of the result; None is that of the signals.

    Returns
    -------
    out : ndarray of shape (n_records, ...)
    """
    out = None
    for chunk in array_chunks(signals, TRANSFORM):
        part = function(signals[chunk])
        if out is None:
            out = np.empty((len(signals), *part.shape[1:]), dtype=dtype or signals.dtype)
        out[chunk] = part
    return out
