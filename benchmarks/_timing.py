"""Interleaved timing of several functions, so that a drifting machine affects all of them alike.

``bench_all.py`` sets two environment variables: results are appended to the file BENCH_RESULTS, a
line of JSON for each comparison, and there are at most BENCH_REPEATS timed rounds.
"""

import importlib
import json
import os
import statistics
import time
import warnings

RESULTS, REPEATS = "BENCH_RESULTS", "BENCH_REPEATS"
UNKNOWN = "no reason is known"


def import_peer(name):
    """Return the module of another library, or None with a message if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: torchaudio of another version of torch
        print(f"not installed: {name} ({error})")


def interleave(functions, *, repeats=7, warmup=1, clock=time.perf_counter):
    """Time functions in turn, A B C A B C, and return the seconds of each call.

    Parameters
    ----------
    functions : dict of str to callable or None
        Functions without arguments, by name. None, for a library that is not installed, has no
        times.
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
            if function is None:
                continue
            start = clock()
            function()
            elapsed = clock() - start
            if round_ >= warmup:
                seconds[name].append(elapsed)
    return seconds


def report(
    title, seconds, *, n_records, reference, goals=None, rates=None, not_slower=(), reason=None
):
    """Print median, minimum and maximum rates, the median of the paired ratios, and the targets.

    Parameters
    ----------
    title : str
    seconds : dict of str to list of float
        See `interleave`. A function without times is reported as not installed.
    n_records : int
        Number of records of each call.
    reference : str
        The function that ratios are relative to.
    goals : dict of str to float, default=None
        Smallest ratio that each of some functions should have.
    rates : dict of str to float, default=None
        The same for the rate, in records per second.
    not_slower : sequence of str, default=()
        Functions of other libraries that those of ``goals`` should not be slower than.
    reason : str or dict of str to str, default=None
        Why goals may not be met, for all functions or by function. Printed only if one of them is
        not.
    """
    reasons = reason if isinstance(reason, dict) else dict.fromkeys(seconds, reason)
    print(f"\n{title}")
    print(f"  {'':34}{'records/s':>12}{'min':>10}{'max':>10}{'ratio':>8}")
    rows = []
    for name, values in seconds.items():
        if not values:
            rows.append([name, None, None, None, None])
            print(f"  {name:34}{'not installed':>15}")
            continue
        found = sorted(n_records / value for value in values)
        ratio = paired_ratio(seconds[reference], values)
        rows.append([name, statistics.median(found), found[0], found[-1], ratio])
        print("  {:34}{:12.0f}{:10.0f}{:10.0f}{:8.2f}".format(*rows[-1]))
    required, unmet = [], []
    for name, rate, _, _, ratio in rows:
        for goal, found, unit in (
            ((goals or {}).get(name), ratio, "ratio"),
            ((rates or {}).get(name), rate, "records/s"),
        ):
            if goal is not None:
                required.append(f"{name}: {unit} >= {goal:.4g}")
            if goal is not None and found < goal:
                unmet.append((name, f"{unit} {found:.3g} instead of {goal:.4g}"))
    for name in (goals or {}) if not_slower else ():
        measured = [peer for peer in not_slower if seconds[peer]]
        listed = [peer if peer in measured else f"{peer} (not installed)" for peer in not_slower]
        required.append(f"{name}: not slower than {', '.join(listed)}")
        for peer in measured:
            ratio = paired_ratio(seconds[peer], seconds[name])
            if ratio < 1:
                unmet.append((name, f"{ratio:.3g} times as fast as {peer} instead of 1"))
    unmet = [f"{name}: {part}: {reasons.get(name) or UNKNOWN}" for name, part in unmet]
    keep(title, "records/s", rows, "; ".join(required), unmet)


def paired_ratio(others, own):
    """Return how many times as fast a function is as another, the median over the rounds."""
    return statistics.median(other / value for other, value in zip(others, own))


def keep(title, unit, rows, target=None, unmet=()):
    """Print a target, and append a comparison to the results of ``bench_all.py``.

    Parameters
    ----------
    title, unit : str
    rows : list of [str, float or None, ...]
        Name, median, minimum and maximum in the unit, and ratio. The numbers are None for a
        library that is not installed.
    target : str or None, default=None
    unmet : sequence of str, default=()
        The parts of the target that are not met, with the reasons.
    """
    if target:
        print(f"  target: {target}{'' if unmet else ' (met)'}")
    for part in unmet:
        print(f"  NOT MET: {part}")
    if RESULTS in os.environ:
        with open(os.environ[RESULTS], "a", encoding="utf-8") as file:
            line = {"title": title, "unit": unit, "rows": rows, "target": target}
            line["unmet"] = list(unmet)
            file.write(json.dumps(line) + "\n")
