"""Calling a function for many files, in parallel, with a progress bar."""

from tqdm import tqdm

from ...utils import _parallel


def run_parallel(function, calls, *, n_jobs, verbose, name):
    """Yield the result of a function for each tuple of arguments, in their order.

    Parameters
    ----------
    function, calls, n_jobs
        See `sklearn_ecg.utils._parallel.run_parallel`.
    verbose : int
        Whether to show a progress bar.
    name : str
        Name of the progress bar.
    """
    with tqdm(total=len(calls), desc=name, unit="record", disable=not verbose) as progress:
        for result in _parallel.run_parallel(function, calls, n_jobs=n_jobs):
            progress.update()
            yield result
