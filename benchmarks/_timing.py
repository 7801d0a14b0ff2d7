"""Interleaved timing of several functions, so that a drifting machine affects all of them alike.

``bench_all.py`` sets two environment variables: results are appended to the file BENCH_RESULTS, a
line of JSON for each comparison, and there are at most BENCH_REPEATS timed rounds.
"""

import json
import os
import statistics
import time

RESULTS, REPEATS = "BENCH_RESULTS", "BENCH_REPEATS"


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
    if REPEATS in os.environ:
        repeats, warmup = min(repeats, int(os.environ[REPEATS])), min(warmup, 1)
    seconds = {name: [] for name in functions}
    for round_ in range(warmup + repeats):
        for name, function in functions.items():
            start = clock()
            function()
            elapsed = clock() - start
            if round_ >= warmup:
                seconds[name].append(elapsed)
    return seconds


def report(title, seconds, *, n_records, reference, goals=None, rates=None, reason=None):
    """Print median, minimum and maximum rates, the median of the paired ratios, and the targets.

    Parameters
    ----------
    title : str
    seconds : dict of str to list of float
        See `interleave`.
    n_records : int
        Number of records of each call.
    reference : str
        The function that ratios are relative to.
    goals : dict of str to float, default=None
        Smallest ratio that each of some functions should have.
    rates : dict of str to float, default=None
        The same for the rate, in records per second.
    reason : str, default=None
        Why goals may not be met. Printed only if one of them is not.
    """
    print(f"\n{title}")
    print(f"  {'':34}{'records/s':>12}{'min':>10}{'max':>10}{'ratio':>8}")
    rows = []
    for name, values in seconds.items():
        found = sorted(n_records / value for value in values)
        ratios = [other / own for own, other in zip(values, seconds[reference])]
        rows.append(
            [name, statistics.median(found), found[0], found[-1], statistics.median(ratios)]
        )
        print("  {:34}{:12.0f}{:10.0f}{:10.0f}{:8.2f}".format(*rows[-1]))
    required, unmet = [], []
    for row in rows:
        for goal, found, unit in (
            ((goals or {}).get(row[0]), row[-1], "ratio"),
            ((rates or {}).get(row[0]), row[1], "records/s"),
        ):
            if goal is not None:
                required.append(f"{row[0]}: {unit} >= {goal:g}")
            if goal is not None and found < goal:
                unmet.append(f"{row[0]}: {unit} {found:.3g} instead of {goal:g}")
    keep(title, "records/s", rows, "; ".join(required), unmet, reason)


def keep(title, unit, rows, target=None, unmet=(), reason=None):
    """Print a target, and append a comparison to the results of ``bench_all.py``.

    Parameters
    ----------
    title, unit : str
    rows : list of [str, float, float, float, float]
        Name, median, minimum and maximum in the unit, and ratio.
    target : str or None, default=None
    unmet : sequence of str, default=()
        The parts of the target that are not met.
    reason : str or None, default=None
        Why they are not met.
    """
    if target:
        print(f"  target: {target}{'' if unmet else ' (met)'}")
    reason = reason or "no reason is known"
    for part in unmet:
        print(f"  NOT MET: {part}: {reason}")
    if RESULTS in os.environ:
        with open(os.environ[RESULTS], "a", encoding="utf-8") as file:
            line = {"title": title, "unit": unit, "rows": rows, "target": target}
            line["unmet"] = [f"{part}: {reason}" for part in unmet]
            file.write(json.dumps(line) + "\n")
