"""ACL-ECG compared with its ablations and baselines, by linear probes and fine-tuning.

    python benchmarks/study_acl.py DATA_FOLDER --write    # the tables, also of the page
    python benchmarks/study_acl.py DATA_FOLDER --quick    # ten minutes, to check that it runs
    python benchmarks/study_acl.py DATA_FOLDER --epochs 200 --workers 1    # in full, on a GPU
    python benchmarks/study_acl.py DATA_FOLDER --separate --data raw --write    # regions apart
    python benchmarks/study_acl.py DATA_FOLDER --fine-tuning --data raw --write    # its rates

DATA_FOLDER contains ptbxl, challenge2011 and ptbxl_z100. There are two data sets to pretrain on:
"raw" consists of folds 1-8 of PTB-XL and the clean records of the Challenge 2011; "standardized" of
these and folds 1-8 of ptbxl_z100, all band-pass filtered and standardized per lead. The features
are computed from the same records in mV, in "standardized" before they are standardized. Linear
probes and fine-tuning of at least 100 steps follow, on 1, 10 and 100 % of the labels of PTB-XL's
folds 1-8 (five superclasses, multilabel; whole patients, each label at least twice). What a probe
is fitted on, features or an embedding, is imputed and standardized with the records to pretrain on,
without labels.
Scores are macro AUROC and AUPRC on fold 9, as means over seeds, which also draw the labeled
records. Their percentile bootstrap intervals over patients show the variation between test sets,
but not between draws. An arm with one seed is compared with the same seed of the others. Nothing
was chosen on fold 9. Each finished fit is cached in benchmarks/results, so that an interrupted
study continues where it stopped. After ``--max-seconds`` no fit is started; the tables have the
arms and seeds that are finished, and ``--report`` makes them without another fit. ``--separate``
compares, by linear probes of encoders with
``backbone="strided"``, regions that attract each other with regions that repel each other.
``--fine-tuning`` chooses the learning rates of fine-tuning by labels of folds 1-4, tested on folds
5-6, and compares the choice with the probe on fold 9. Encoders are those of the first two seeds of
the arm ACL-ECG, which have seen folds 1-8 without labels.
"""

import argparse
import hashlib
import inspect
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _arms import gradient_boosting
from _rates import HEADER, rows_of_rates
from _results import RESULTS, Kept, code_hash
from _study import (
    draw_patients,
    gather_finished,
    hash_arrays,
    list_params,
    load_clean_challenge,
    stack_seeds,
)
from _tables import Table, drop_zeros, make_rst, write_tables
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder
from sklearn_ecg.beats._weighted_one_vs_rest import WeightedOneVsRestClassifier
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter, BeatFeatures

FRACTIONS = (0.01, 0.1, 1.0)
FULL = "ACL-ECG"
RANDOM = "random start"
PAGE = "reproduction/acl_ecg.rst"
FEATURES = "BeatFeatures"
# How records are prepared, one step more each.
DATA = ("raw", "filtered", "filtered leads", "standardized")

# Parameters of the encoder, and number of seeds.
ENCODERS = {
    FULL: ({}, 3),
    "intra only": ({"gamma": 1.0}, 1),
    "inter only": ({"gamma": 0.0}, 1),
    "inter='separate'": ({"inter": "separate"}, 1),
    "random regions": ({"regions": "random"}, 3),
    "SimCLR": ({"objective": "simclr"}, 1),
    RANDOM: ({"max_epochs": 0}, 3),
}
# Regions that attract and that repel each other.
SEPARATE = "inter='separate'"
FAST = {"backbone": "strided"}
OF_REGIONS = {
    FULL: (FAST, 3),
    SEPARATE: ({**FAST, "inter": "separate"}, 3),
    f"{SEPARATE}, random regions": ({**FAST, "inter": "separate", "regions": "random"}, 3),
    "random regions": ({**FAST, "regions": "random"}, 3),
    RANDOM: ({**FAST, "max_epochs": 0}, 3),
}
# Learning rates of the encoder and of the linear layer. The tables of all arms have the first ones.
RATES = ((1e-4, 1e-3), (1e-4, 1e-4), (3e-5, 1e-4))
CHOSEN, FROM_SCRATCH = RATES[2], (1e-3, 1e-3)
# Shares of the labels of folds 1-4 that are as many records as 1 and 10 % of those of folds 1-8.
TUNED_FRACTIONS, N_DRAWS, N_ENCODERS = {0.02: 3, 0.2: 3, 1.0: 1}, 3, 2
# Arms of the standardized records.
STANDARDIZED_ARMS = (FULL, "random regions", "SimCLR", RANDOM)


class Data(NamedTuple):
    """Records to pretrain on, and PTB-XL with the labels of its superclasses."""

    unlabeled: np.ndarray
    millivolts: np.ndarray
    X: np.ndarray
    y: np.ndarray
    folds: np.ndarray
    patients: np.ndarray
    labels: list
    normalize: str


def load(folder, which):
    """Return the records to pretrain on, and PTB-XL.

    Parameters
    ----------
    folder : str or Path
    which : {"raw", "filtered", "filtered leads", "standardized"}
        How records are prepared. "filtered" are band-pass filtered, "filtered leads" are filtered
        and standardized per lead, and "standardized" are such records and more of them, which exist
        only in this form.
    """
    if which not in DATA:
        raise ValueError(f"The data must be one of {DATA}, got {which!r}.")
    folder = Path(folder)
    ecg = load_ptbxl(folder / "ptbxl", task="superclass", folds=list(range(1, 10)), n_jobs=2)
    X, other = np.asarray(ecg.data), load_clean_challenge(folder / "challenge2011")
    own = ecg.folds <= 8
    if which != "raw":
        bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
        X, other = (bandpass.fit_transform(signals) for signals in (X, other))
    millivolts = unlabeled = np.concatenate([X[own], other]).astype(np.float32)
    if which == "standardized":
        table = pd.read_csv(folder / "ptbxl_z100/labels_split.csv")
        stored = np.load(folder / "ptbxl_z100/X_z100_int16.npz")["X"]
        stored = stored[table["strat_fold"].to_numpy() <= 8].transpose(0, 2, 1)
        other = np.concatenate([other, stored * np.float32(0.005)])
        unlabeled = np.concatenate([X[own], other]).astype(np.float32)
    return Data(
        unlabeled,
        millivolts,
        X,
        np.asarray(ecg.target),
        ecg.folds,
        ecg.groups,
        ecg.target_names,
        "record_lead" if which in DATA[2:] else "record",
    )


def draw(data, fraction, seed, last=8):
    """Draw training records of the first folds by patient."""
    train = np.flatnonzero(data.folds <= last)
    return draw_patients(train, data.y, data.patients, fraction, seed)


def pretrain(params, seed, data, args, key, kind=ACLECGEncoder):
    """Return an encoder and the key of its fits. The encoder is None if there is no time."""
    torch.set_num_threads(args.threads)
    encoder = kind(sampling_rate=100, normalize=data.normalize, n_threads=None, random_state=seed)
    encoder.set_params(**{"max_epochs": args.epochs, **params})
    key = f"{key}, {encoder.get_params()}, {args.threads} thread(s)"
    if kind is ACLECGEncoder:
        encoder.set_params(checkpoint=RESULTS / "checkpoints")
    else:
        # The code of the library does not contain that of the encoder.
        source = Path(inspect.getsourcefile(kind)).read_bytes()
        key += f", {kind.__name__} {hashlib.sha256(source).hexdigest()[:12]}"
    return args.kept.object(f"encoder {key}", lambda: encoder.fit(data.unlabeled)), key


def study_encoder(name, seed, data, args, key):
    """Return probabilities for fold 9 of a linear probe and of fine-tuning, for each fraction.

    None if there is no time.
    """
    fitted, key = pretrain(args.encoders[name][0], seed, data, args, key)
    if fitted is None:
        return None
    frozen = FrozenEstimator(fitted)
    standardized = FrozenEstimator(make_pipeline(frozen, StandardScaler()).fit(data.unlabeled))
    makers = {
        "probe": partial(linear_probe, standardized, seed),
    }
    if not args.separate:
        makers["tuned"] = partial(fine_tuned, frozen, seed)
    if name == RANDOM and not args.separate:
        makers["scratch"] = partial(fine_tuned, frozen, seed, rates=FROM_SCRATCH)
    results = evaluate(makers, data, seed, key, args)
    if results is None:
        return None
    results["regions"] = list(fitted.regions_.values())
    for loss in ("intra", "inter"):
        results[loss] = fitted.history_.get(f"train_{loss}", [np.nan])[-1:]
    results["rank"] = fitted.history_.get("train_effective_rank", [np.nan])[-1:]
    return results


def study_features(seed, data, args, key):
    """Return probabilities for fold 9 of classifiers on BeatFeatures, for each fraction.

    None if there is no time.
    """
    measure = BeatFeatures(sampling_rate=100).fit(data.millivolts)
    prepare = make_pipeline(measure, SimpleImputer(keep_empty_features=True), StandardScaler())
    prepare.fit(data.millivolts)
    # Unlike that of scikit-learn, it accepts measurements that no record has.
    boosting = WeightedOneVsRestClassifier(gradient_boosting().set_params(random_state=seed))
    logistic = OneVsRestClassifier(LogisticRegression(C=1e-3, max_iter=2000))
    makers = {
        "boosting": lambda n_records: make_pipeline(FrozenEstimator(measure), boosting),
        "logistic": lambda n_records: make_pipeline(FrozenEstimator(prepare), logistic),
    }
    return evaluate(makers, data, seed, key, args)


def linear_probe(standardized, seed, n_records):
    probe = LogisticRegression(C=0.01, max_iter=2000, random_state=seed)
    return make_pipeline(standardized, OneVsRestClassifier(probe))


def fine_tuned(frozen, seed, n_records, rates=RATES[0]):
    return ACLECGClassifier(
        frozen,
        encoder_learning_rate=rates[0],
        learning_rate=rates[1],
        max_epochs=max(15, -(-100 * 16 // n_records)),
        batch_size=16,
        n_threads=None,
        random_state=seed,
    )


def evaluate(makers, data, seed, key, args):
    """Return probabilities for fold 9 by kind of model and fraction of the labels, or None."""
    test, results = data.folds == 9, {}
    for fraction in args.fractions:
        train = draw(data, fraction, seed)
        for kind, make in makers.items():
            model = make(n_records=len(train))

            def predict(model=model, train=train):
                model.fit(data.X[train], data.y[train])
                return {"probability": model.predict_proba(data.X[test])}

            fit_key = f"{kind}: {list_params(model)} on records {hash_arrays(train)}, {key}"
            found = args.kept.arrays(fit_key, predict)
            results[kind, fraction] = None if found is None else found["probability"]
    return None if any(found is None for found in results.values()) else results


def report(rows, data, fractions, references):
    """Return a table of AUROC, AUPRC and paired differences for each fraction, and print it.

    Differences are from the arms in `references`.
    """
    test, tables = data.folds == 9, []
    y, options = data.y[test], {"groups": data.patients[test], "random_state": 0}
    for fraction in fractions:
        n_train = sorted({len(draw(data, fraction, seed)) for seed in range(3)})
        title = f"{fraction:.0%} of the labels: {' or '.join(map(str, n_train))} records"
        print(f"\n{title}; fold 9, {len(y)} records; last, the AUROC of each seed")
        lines = []
        for (name, kind), seeds in rows.items():
            probabilities = [results[kind, fraction] for results in seeds]
            cells = [f"{name}, {kind}"]
            for metric in ("roc_auc", "average_precision"):
                cells.append(bootstrap_interval(metric, *stack_seeds(y, probabilities), **options))
            reference_kind = "tuned" if kind == "tuned" else "probe"
            for reference in references:
                difference = ""
                if name != reference and (reference, reference_kind) in rows:
                    # Compare seeds that drew the same training records.
                    others = [
                        results[reference_kind, fraction]
                        for results in rows[reference, reference_kind]
                    ]
                    n_shared = min(len(probabilities), len(others))
                    target, stacked = stack_seeds(y, probabilities[:n_shared])
                    other = stack_seeds(y, others[:n_shared])[1]
                    difference = bootstrap_difference("roc_auc", target, stacked, other, **options)
                cells.append(difference)
            lines.append([drop_zeros(cell) for cell in cells])
            by_seed = " ".join(f"{roc_auc_score(y, p):.3f}" for p in probabilities)
            print(f"  {lines[-1][0]:36}{''.join(f'{cell:22}' for cell in lines[-1][1:])}{by_seed}")
        differences = (
            f"AUROC difference from {name.replace(RANDOM, 'a random start')}" for name in references
        )
        alt = f"Scores and differences of each arm with intervals, {title}."
        tables.append(Table(title, ("", "AUROC", "AUPRC", *differences), lines, forest=alt))
    return tables


def study_fine_tuning(seed, data, args, key):
    """Yield what is compared, the fraction, the draw, the rates and probabilities of one encoder.

    The rates are None for the probe. What there is no time for is left out.
    """
    fitted, key = pretrain(ENCODERS[FULL][0], seed, data, args, key)
    if fitted is None:
        return
    frozen = FrozenEstimator(fitted)
    stages = [("choose", 4, (5, 6), f, n, (None, *RATES)) for f, n in TUNED_FRACTIONS.items()]
    stages += [("test", 8, (9,), f, N_DRAWS, (None, RATES[0], CHOSEN)) for f in FRACTIONS[:2]]
    for stage, last, tested, fraction, n_draws, options in stages:
        test = np.isin(data.folds, tested)
        for number in range(n_draws):
            train = draw(data, fraction, number, last)
            for rates in options:
                model = fine_tuned(frozen, seed, len(train), rates or RATES[0])
                model.set_params(frozen=rates is None)

                def predict(model=model, train=train, test=test):
                    model.fit(data.X[train], data.y[train])
                    return {"probability": model.predict_proba(data.X[test])}

                fit_key = f"{list_params(model)} on records {hash_arrays(train)}, {key}"
                found = args.kept.arrays(fit_key, predict)
                if found is not None:
                    yield stage, fraction, number, rates, found["probability"]


def tables_of_rates(data, args, key):
    """Return the scores of learning rates of fine-tuning, minus those of the probe."""
    found = {}
    for seed in range(N_ENCODERS):
        for stage, fraction, number, rates, p in study_fine_tuning(seed, data, args, key):
            found.setdefault((stage, fraction), {}).setdefault(rates, {})[seed, number] = p
            print(stage, fraction, seed, number, rates, flush=True)
    rows = {"choose": [], "test": []}
    for (stage, fraction), of_rates in found.items():
        test = np.isin(data.folds, (5, 6) if stage == "choose" else (9,))
        n_records = len(draw(data, fraction, 0, 4 if stage == "choose" else 8))
        rows[stage] += rows_of_rates(data.y[test], data.patients[test], n_records, of_rates)
    return [
        Table("Labels of folds 1-4, tested on folds 5-6", HEADER, rows["choose"]),
        Table("Labels of folds 1-8, tested on fold 9", HEADER, rows["test"]),
    ]


def gap_table(by_arm):
    """Return the parts of the loss in the last epoch of regions that repel each other.

    They are sums over the regions, and are compared with those of equal similarities. The weight is
    the mean of ``exp(similarity / temperature)`` of the negatives of the same record, divided by
    that of the negatives of other records.
    """
    rows, cells = [], []
    for name, seeds in by_arm.items():
        if name.startswith(SEPARATE):
            for seed, results in enumerate(seeds):
                intra, inter = (float(results[loss][0]) for loss in ("intra", "inter"))
                cells.append((name, str(seed), intra, inter))
    # Each record has the other one of its views and those of all others, and the regions of both.
    n_regions, n_vectors = 4, 2 * ACLECGEncoder().batch_size - 1
    chance = (n_regions * np.log(n) for n in (n_vectors, n_vectors + 2 * (n_regions - 1)))
    for name, seed, intra, inter in [*cells, ("equal similarities", "", *chance)]:
        others = np.expm1(intra / n_regions) / (n_vectors - 1)
        same = (np.exp(inter / n_regions) - np.exp(intra / n_regions)) / (2 * (n_regions - 1))
        values = [f"{value:.3f}" for value in (intra, inter, inter - intra)]
        rows.append([name, seed, *map(drop_zeros, [*values, f"{same / others:.2f}"])])
    header = ("", "seed", "``train_intra``", "``train_inter``", "difference", "weight")
    return Table("Loss in the last epoch, in nats, summed over the four regions", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--data", nargs="+", default=["raw", "standardized"], choices=DATA)
    parser.add_argument("--epochs", type=int, default=10, help="epochs of pretraining; paper: 200")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--separate", action="store_true", help="regions that repel each other")
    parser.add_argument("--fine-tuning", action="store_true", help="learning rates, in one process")
    parser.add_argument("--records", type=int, help="pretrain on the first ones, without probes")
    parser.add_argument("--arms", nargs="+", help="only these, by name")
    parser.add_argument("--seeds", type=int, default=3, help="at most, of each arm")
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    args.kept = Kept(RESULTS, args.max_seconds, args.report)
    # With few records to pretrain on, only the loss is reported.
    args.fractions = () if args.records else FRACTIONS
    args.encoders = OF_REGIONS if args.separate else ENCODERS
    names = list(args.encoders)
    if args.quick:
        args.data, args.epochs, args.fractions = ["raw"], 2, (0.1,)
        names = [FULL, "SimCLR", RANDOM]
    code = code_hash("preprocessing", "beats", "datasets")
    for which in args.data:
        data = load(args.folder, which)
        if args.records:
            data = data._replace(unlabeled=data.unlabeled[: args.records])
        arms = [name for name in names if which == "raw" or name in STANDARDIZED_ARMS]
        arms = args.arms or arms
        print(f"\n{which}: {len(data.unlabeled)} records to pretrain on, {args.epochs} epochs")
        key = f"{which}, data {hash_arrays(data.unlabeled, data.X, data.y)}, code {code}"
        if args.fine_tuning:
            tables = tables_of_rates(data, args, key)
            print(*map(make_rst, tables), sep="\n")
            if args.write:
                command = f"study_acl.py DATA_FOLDER --fine-tuning --data {which}"
                command += f" --epochs {args.epochs}"
                write_tables(PAGE, "rates", tables, command)
            continue
        jobs = []
        for seed in range(1 if args.quick else args.seeds):
            jobs += [(name, seed) for name in arms if seed < args.encoders[name][1]]
            if not args.separate:
                jobs.append((FEATURES, seed))
        completed = Parallel(n_jobs=args.workers, return_as="generator")(
            delayed(study_features)(seed, data, args, key)
            if name == FEATURES
            else delayed(study_encoder)(name, seed, data, args, key)
            for name, seed in jobs
        )
        by_arm = gather_finished(completed, jobs, which)
        rows = {}
        for name, seeds in by_arm.items():
            kinds = dict.fromkeys(key[0] for key in seeds[0] if isinstance(key, tuple))
            rows.update({(name, kind): seeds for kind in kinds})
        tables = report(rows, data, args.fractions, (RANDOM, SEPARATE if args.separate else FULL))
        if args.separate:
            tables.insert(0, gap_table(by_arm))
            print(make_rst(tables[0]))
        if args.write:
            options = f"{'--separate ' if args.separate else ''}--data {which}"
            options += f" --epochs {args.epochs}"
            options += f" --records {args.records}" if args.records else ""
            options += f" --seeds {args.seeds}" if args.seeds != 3 else ""
            quoted = " ".join(f'"{name}"' for name in args.arms or [])
            options += f" --arms {quoted}" if args.arms else ""
            command = f"study_acl.py DATA_FOLDER {options}"
            write_tables(PAGE, "separate" if args.separate else which, tables, command)
        for name, seeds in by_arm.items():
            if name not in (FEATURES, RANDOM):
                ranks = " ".join(f"{float(results['rank'][0]):.1f}" for results in seeds)
                print(f"  final effective rank, {name}: {ranks}")
            if name == "random regions":
                for results in seeds:
                    print(f"  {name}: {' '.join(map('-'.join, results['regions']))}")


if __name__ == "__main__":
    main()
