"""Calling a function many times, in several processes."""

import sys

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

# Results of calls are kept until all calls of a chunk are finished. Of files with ten seconds of
# twelve leads at 500 Hz: about 60 MB.
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
        Number of processes. Tasks of a dask cluster compute all parts themselves.

    Returns
    -------
    results : list
    """
    n_processes = effective_n_jobs(n_jobs)
    calls = [(function, records[part]) for part in parts]
    # The dask backend ignores n_jobs=1.
    if n_jobs == 1 or n_processes == 1 or len(calls) == 1 or _is_in_dask_task():
        return [_compute(*call) for call in calls]
    return list(run_parallel(_compute, calls, n_jobs=n_jobs))


def _is_in_dask_task():
    """Return whether this is a task of a dask cluster.

    While a task waits for tasks of its own, its process starts another one, whose random numbers
    would be mixed with those of the first.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def _compute(function, records):
    return function(np.asarray(records))
