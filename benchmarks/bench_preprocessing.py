"""Signal transformers compared with a call of SciPy or NumPy per record.

    OMP_NUM_THREADS=1 python benchmarks/bench_preprocessing.py [--records 300]

The loops work on float64 and give the same numbers. SciPy's two-dimensional median filter is slow,
and the transformer uses the one-dimensional filter; both are measured on 20 records.
"""

import argparse

import numpy as np
from _timing import interleave, report
from scipy import signal
from scipy.ndimage import median_filter
from sklearn.base import clone

from sklearn_ecg import duplicate_groups, to_lead_frame
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineRemover,
    LeadScaler,
    NotchFilter,
    Resampler,
    SignalQuality,
)


def per_record(function):
    """Return a function of an array of records that calls another one for each record."""

    def loop(X):
        return np.stack([function(x) for x in X]).astype(np.float32)

    return loop


def remove_median_baseline(x, rate):
    baseline = x
    for seconds in (0.2, 0.6):
        size = 1 + 2 * round(seconds * rate / 2)
        baseline = median_filter(baseline, size=(1, size), mode="nearest")
    return x - baseline


def pairs(rate):
    """Return transformers with the equivalent loops, by name."""
    sos = signal.butter(2, (0.5, 45), "bandpass", fs=rate, output="sos")
    functions = {
        "BandpassFilter": (
            BandpassFilter(sampling_rate=rate),
            per_record(lambda x: signal.sosfiltfilt(sos, x)),
        ),
        "BaselineRemover, median": (
            BaselineRemover("median", sampling_rate=rate),
            per_record(lambda x: remove_median_baseline(x, rate)),
        ),
        "LeadScaler, record": (
            LeadScaler("record"),
            per_record(lambda x: (x - x.mean()) / x.std()),
        ),
    }
    if rate > 100:
        b, a = signal.iirnotch(50, 30, fs=rate)
        functions["NotchFilter"] = (
            NotchFilter(sampling_rate=rate),
            per_record(lambda x: signal.filtfilt(b, a, x)),
        )
        functions[f"Resampler, {rate} to 100"] = (
            Resampler(100, sampling_rate=rate),
            per_record(lambda x: signal.resample_poly(x, 100, rate, axis=-1, padtype="edge")),
        )
    return functions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=300)
    args = parser.parse_args()
    for rate in (100, 500):
        X = make_ecg(args.records, sampling_rate=rate, random_state=0).data
        # SciPy filters float32 in float32, which is too inaccurate at 0.5 Hz.
        exact = X.astype(np.float64)
        frame = to_lead_frame(X)
        for name, (transformer, loop) in pairs(rate).items():
            part = slice(0, 20 if "median" in name else None)
            on_array, on_frame = clone(transformer).fit(X), clone(transformer).fit(frame)
            np.testing.assert_allclose(on_array.transform(X[part]), loop(exact[part]), atol=1e-4)
            functions = {
                "loop over records": lambda: loop(exact[part]),
                "transformer, array": lambda: on_array.transform(X[part]),
                "transformer, lead frame": lambda: on_frame.transform(frame[part]),
            }
            seconds = interleave(functions, repeats=5)
            title = f"{name}, {X.shape[1]} leads of {X.shape[2]} time points"
            report(
                title,
                seconds,
                n_records=len(X[part]),
                reference="loop over records",
                goals={"transformer, array": 0.9},
                reason="X is checked for NaN, its unit and its leads, which the loop does not do",
            )
        quality = SignalQuality(sampling_rate=rate).fit(X)
        functions = {
            "SignalQuality": lambda: quality.transform(X),
            "duplicate_groups, exact": lambda: duplicate_groups(X),
            "duplicate_groups, to 5 microvolts": lambda: duplicate_groups(X, tolerance=0.005),
        }
        report(
            f"No equivalent loop, {X.shape[2]} time points",
            interleave(functions, repeats=5),
            n_records=len(X),
            reference="SignalQuality",
            rates={"SignalQuality": 500 if rate == 100 else 100},
            reason="it measures the spectra and the R-peaks of twelve leads",
        )


if __name__ == "__main__":
    main()
