"""Averages of networks on whole records: MSAIC-Net and a pretrained encoder.

    python benchmarks/study_msaic_averages.py DATA_FOLDER            # folds 1-6 of PTB-XL
    python benchmarks/study_msaic_averages.py DATA_FOLDER --test     # folds 7-9
    python benchmarks/study_msaic_averages.py DATA_FOLDER --test --write
    python benchmarks/study_msaic_averages.py DATA_FOLDER --rates    # of fine-tuning, folds 1-6

DATA_FOLDER contains ptbxl and challenge2011. The task and the folds are those of
study_msaic_scales.py, whose fits of the default MSAIC-Net are used. The other network is
`BeatFeatureClassifier`: its encoder is pretrained without labels on the training records and the
clean records of the Challenge 2011, all band-pass filtered, and then fine-tuned. Both have their
default parameters, but for the learning rates of fine-tuning, which are the first of ``RATES``. The
probabilities of three seeds of each are averaged, and those of all six. ``--rates`` compares these
learning rates with smaller ones, with one seed.
"""

import argparse

import numpy as np
import torch
from _msaic_cohort import (
    CANDIDATES,
    DEFAULT,
    IRRELEVANT,
    METRICS,
    PAGE,
    PAIRS,
    Cohort,
    tested,
)
from _rates import format_rates
from _results import RESULTS, cached_object
from _study import hash_arrays, join_folds, list_params, load_clean_challenge, mean_over_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from sklearn_ecg import BeatFeatureClassifier, BeatFeatureEncoder
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter

MSAIC, BEATS, ALL = "MSAIC-Net", "pretrained on beat features", "both"
SEEDS = range(3)
# Learning rates of the encoder and of the linear layer. The first ones are those of the averages.
RATES = ((1e-4, 1e-3), (1e-4, 1e-4), (3e-5, 1e-4))


class Networks:
    """Fits of the networks, which are kept."""

    def __init__(self, folder, results):
        self.cohort = Cohort(f"{folder}/ptbxl", results)
        bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
        others = load_clean_challenge(f"{folder}/challenge2011")
        self.others = bandpass.fit_transform(others).astype(np.float32)
        self.key = hash_arrays(self.cohort.filtered, self.cohort.y, self.others)

    def fit(self, train, test, seed):
        """Return the results of both networks."""
        msaic = self.cohort.fit(CANDIDATES[DEFAULT], train, test, seed)
        return {MSAIC: msaic, BEATS: self.fit_on_beat_features(train, test, seed)}

    def fit_on_beat_features(self, train, test, seed, rates=RATES[0]):
        """Return the results of the pretrained network, fine-tuned at these rates."""
        shared = {"device": "cpu", "random_state": seed}
        encoder = BeatFeatureEncoder(sampling_rate=100, **shared)
        clf = BeatFeatureClassifier(
            encoder, encoder_learning_rate=rates[0], learning_rate=rates[1], **shared
        )
        relevant = [(name, value) for name, value in list_params(clf) if name not in IRRELEVANT]
        key = f"{relevant}, {hash_arrays(train, test)}, {self.key}"
        X, y = self.cohort.filtered, self.cohort.y

        def pretrain():
            return encoder.fit(np.concatenate([X[train], self.others]))

        def compute():
            torch.set_num_threads(1)
            pretrained = cached_object(
                f"{list_params(encoder)}, {hash_arrays(train)}, {self.key}",
                pretrain,
                self.cohort.kept.folder,
            )
            clf.set_params(encoder=FrozenEstimator(pretrained)).fit(X[train], y[train])
            return {"probability": clf.predict_proba(X[test])[:, 1]}

        return self.cohort.kept.arrays(key, compute)


def gather(networks, splits):
    """Return the probabilities of each network, (n_seeds, n_records), NaN where none was tested."""
    found = {MSAIC: [], BEATS: []}
    for seed in SEEDS:
        parts = {folds: networks.fit(*split, seed) for folds, split in splits.items()}
        for name, rows in found.items():
            results = {folds: part[name] for folds, part in parts.items()}
            rows.append(join_folds(networks.cohort.folds, results))
    found = {name: np.array(rows) for name, rows in found.items()}
    return {**found, ALL: (found[MSAIC] + found[BEATS]) / 2}


def choose(networks):
    """Return the scores on the pairs of folds 1-6, and their means."""
    cohort = networks.cohort
    splits = {(fold, fold + 1): cohort.pair(fold) for fold in PAIRS}
    rows = []
    for name, seeds in gather(networks, splits).items():
        cells = []
        for _, score in METRICS.values():
            single, averaged = [], []
            for pair in splits:
                part = np.isin(cohort.folds, pair)
                y = cohort.y[part]
                single.append(mean_over_seeds(score, y, seeds[:, part].T))
                averaged.append(score(y, seeds[:, part].mean(axis=0)))
            of_pairs = " ".join(f"{value:.3f}" for value in averaged)
            cells += [f"{np.mean(single):.3f}", f"{np.mean(averaged):.3f}", of_pairs]
        rows.append([name, *map(drop_zeros, cells)])
    header = [
        f"{metric}{part}"
        for metric in METRICS
        for part in (" of one seed", " of the average", " by pair of folds")
    ]
    return [Table("Folds 1-6, averages of three seeds", ("", *header), rows)]


def compare_rates(networks):
    """Return the scores of learning rates of fine-tuning on the pairs of folds 1-6."""
    cohort, rows = networks.cohort, []
    splits = {(fold, fold + 1): cohort.pair(fold) for fold in PAIRS}
    metrics = [score for _, score in METRICS.values()]
    for rates in RATES:
        cells = [format_rates(rates)]
        found = {
            pair: networks.fit_on_beat_features(*split, 0, rates) for pair, split in splits.items()
        }
        for score in (*metrics, log_loss):
            of_pairs = [
                score(cohort.y[split[1]], found[pair]["probability"])
                for pair, split in splits.items()
            ]
            each = " ".join(f"{value:.3f}" for value in of_pairs)
            cells += [drop_zeros(f"{np.mean(of_pairs):.3f}"), drop_zeros(each)]
        rows.append(cells)
    names = (*METRICS, "log loss")
    header = [f"{name}{part}" for name in names for part in ("", " by pair of folds")]
    return [Table("Folds 1-6, one seed", ("rates", *header), rows)]


def test(networks):
    """Return the scores out of fold on folds 7-9, with differences from MSAIC-Net."""
    cohort = networks.cohort
    splits = {(fold,): cohort.leave_out(fold) for fold in (7, 8, 9)}
    found = gather(networks, splits)
    y, options = tested(cohort)
    is_tested, rows = cohort.folds >= 7, []
    reference = found[MSAIC][:, is_tested].mean(axis=0)
    for name, seeds in found.items():
        seeds = seeds[:, is_tested]
        averaged = seeds.mean(axis=0)
        cells = []
        for metric, score in METRICS.values():
            cells.append(f"{mean_over_seeds(score, y, seeds.T):.3f}")
            cells.append(bootstrap_interval(metric, y, averaged, **options))
            difference = ""
            if name != MSAIC:
                difference = bootstrap_difference(metric, y, averaged, reference, **options)
            cells.append(difference)
        rows.append([name, *map(drop_zeros, cells)])
    header = [
        f"{metric}{part}"
        for metric in METRICS
        for part in (" of one seed", " of the average", f" minus {MSAIC}")
    ]
    return [Table(f"Folds 7-9, {len(y)} records, averages of three seeds", ("", *header), rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl and challenge2011")
    parser.add_argument("--results", default=RESULTS / "study_msaic_scales")
    parser.add_argument("--test", action="store_true", help="folds 7-9 instead of 1-6")
    parser.add_argument("--rates", action="store_true", help="of fine-tuning, on folds 1-6")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    networks = Networks(args.folder, args.results)
    make = compare_rates if args.rates else test if args.test else choose
    tables = make(networks)
    print(*map(make_rst, tables), sep="\n")
    if args.write:
        option = " --rates" if args.rates else " --test" if args.test else ""
        name = f"averages{option.replace(' --', '-') or '-choose'}"
        write_tables(PAGE, name, tables, f"study_msaic_averages.py DATA_FOLDER{option}")


if __name__ == "__main__":
    main()
