"""Interleaved timing of several functions, so that a drifting machine affects all of them alike."""

import statistics
import time


def interleave(functions, *, repeats=7, warmup=1, clock=time.perf_counter):
    """Time functions in turn, A B C A B C, and return the seconds of each call.

    Parameters
    ----------
    functions : dict of str to callable
        Functions without arguments, by name.
    repeats, warmup : int
        Numbers of timed and of untimed rounds.
    clock : callable
        Returns seconds. ``time.process_time`` is affected less by other processes.

    Returns
    -------
    seconds : dict of str to list of float
    """
    seconds = {name: [] for name in functions}
    for round_ in range(warmup + repeats):
        for name, function in functions.items():
            start = clock()
            function()
            elapsed = clock() - start
            if round_ >= warmup:
                seconds[name].append(elapsed)
    return seconds


def report(title, seconds, *, n_records, reference, target=None):
    """Print median, minimum and maximum rates, and the median of the paired ratios."""
    print(f"\n{title}")
    print(f"  {'':34}{'records/s':>12}{'min':>10}{'max':>10}{'ratio':>8}")
    for name, values in seconds.items():
        rates = sorted(n_records / value for value in values)
        ratios = [other / own for own, other in zip(values, seconds[reference])]
        print(
            f"  {name:34}{statistics.median(rates):12.0f}{rates[0]:10.0f}{rates[-1]:10.0f}"
            f"{statistics.median(ratios):8.2f}"
        )
    if target is not None:
        print(f"  target: {target}")
