"""Calling a function for many files, in parallel and in chunks."""

from joblib import Parallel, delayed
from tqdm import tqdm

_CALLS_PER_CHUNK = 256  # ten seconds of twelve leads at 500 Hz: about 60 MB of results


def run_parallel(function, calls, *, n_jobs, verbose, name):
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
    verbose : int
        Whether to show a progress bar.
    name : str
        Name of the progress bar.
    """
    with Parallel(n_jobs=n_jobs) as parallel:
        with tqdm(total=len(calls), desc=name, unit="record", disable=not verbose) as progress:
            for start in range(0, len(calls), _CALLS_PER_CHUNK):
                chunk = calls[start : start + _CALLS_PER_CHUNK]
                for result in parallel(delayed(function)(*call) for call in chunk):
                    progress.update()
                    yield result
