"""Calling a function many times, in several processes."""

import numpy as np
from joblib import Parallel, delayed

# Results of calls are kept until all calls of a chunk are finished. Ten seconds of twelve leads at
# 500 Hz: about 60 MB.
_CALLS_PER_CHUNK = 256


def run_parallel(function, calls, *, n_jobs):
    """Yield the result of a function for each tuple of arguments, in their order.

    A chunk of calls is finished before its results are yielded. If the caller leaves the loop
    early, after an error, no worker process is then still busy.

    Parameters
    ----------
    function : callable
    calls : list of tuple
        The arguments of each call.
    n_jobs : int or None
        Number of processes.
    """
    # Arrays are sent to the processes. joblib would write large ones to files, which remain until
    # all calls are finished.
    with Parallel(n_jobs=n_jobs, max_nbytes=None) as parallel:
        for start in range(0, len(calls), _CALLS_PER_CHUNK):
            chunk = calls[start : start + _CALLS_PER_CHUNK]
            yield from parallel(delayed(function)(*call) for call in chunk)


def compute_parts(function, records, parts, *, n_jobs):
    """Return the result of a function for each part of records.

    Parameters
    ----------
    function : callable
        ``function(signals)`` of an array of records. It can be pickled, and issues no warnings,
        which other processes would only print.
    records : ndarray or LazyRecords
        Parts of lazy records are read by the process that computes with them.
    parts : list of slice
    n_jobs : int or None
        Number of processes.

    Returns
    -------
    results : list
    """
    calls = [(function, records[part]) for part in parts]
    return list(run_parallel(_compute, calls, n_jobs=n_jobs if len(calls) > 1 else 1))


def _compute(function, records):
    return function(np.asarray(records))
