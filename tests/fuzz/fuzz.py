"""Fuzzing of the loaders and of `load`: damaged files, fixed seeds, bounded memory and time.

Run all targets for five minutes, or one seed of one target again::

    python tests/fuzz/fuzz.py --seconds 300
    python tests/fuzz/fuzz.py headers --first 1234 --count 1
"""

import argparse
import faulthandler
import os
import subprocess
import sys
import tempfile
import time
import traceback

_MEMORY = 2**30  # bytes that loading may take
_SECONDS_PER_INPUT = 60  # on a busy machine; usual is less than a tenth of a second
_MAX_FAULTS = 5  # of a target, after which it ends


def limit_memory():
    """Limit the memory of this process to what it has now, and `_MEMORY` more."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))


def run_here(name, first, count, seconds):
    """Run a target in this process, and return the number of inputs and the faults."""
    from targets import run_target

    start, n_inputs, faults = time.monotonic(), 0, []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(first, first + count):
            if time.monotonic() - start > seconds or len(faults) == _MAX_FAULTS:
                break
            print(f"{name} {seed}", file=sys.stderr)
            # Ends the process if it hangs, also in C.
            faulthandler.dump_traceback_later(_SECONDS_PER_INPUT, exit=True)
            try:
                run_target(name, seed, os.path.join(scratch, "input"))
            except Exception:
                faults.append(f"{name}, seed {seed}: {traceback.format_exc()}")
            finally:
                faulthandler.cancel_dump_traceback_later()
            n_inputs += 1
    return n_inputs, faults


def run_target_in_process(name, first, count, seconds):
    """Run a target in another process, and return its report and whether it found no fault."""
    command = [sys.executable, __file__, name, "--here"]
    command += ["--first", str(first), "--count", str(count), "--seconds", str(seconds)]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + 3 * _SECONDS_PER_INPUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    report = run.stdout
    if run.returncode not in (0, 1):
        # A hang or a crash: the last lines name the input.
        report += f"{name} ended with {run.returncode}\n{run.stderr[-2000:]}"
    return report, run.returncode == 0


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=10**9, help="the number of seeds")
    parser.add_argument("--seconds", type=float, default=300, help="for all targets together")
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if options.here:
        import targets  # noqa: F401

        limit_memory()
        n_inputs, faults = run_here(
            options.targets[0], options.first, options.count, options.seconds
        )
        print(f"{options.targets[0]}: {n_inputs} inputs, {len(faults)} faults")
        print("\n".join(faults))
        return int(bool(faults))
    # Not imported from `targets`, which imports the library.
    names = options.targets or list_targets()
    succeeded = True
    for name in names:
        report, is_good = run_target_in_process(
            name, options.first, options.count, options.seconds / len(names)
        )
        print(report, flush=True)
        succeeded = succeeded and is_good
    return int(not succeeded)


def list_targets():
    """Return the names of all targets."""
    return [
        "headers",
        "signals",
        "annotations",
        "tables",
        "images",
        "parquet",
        "cache",
        "models",
        "hostile_models",
    ]


if __name__ == "__main__":
    sys.exit(main())
