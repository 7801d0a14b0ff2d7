"""ACL-ECG beside its ablations and baselines: pretrained, then probed and fine-tuned.

    python benchmarks/study_acl.py DATA_FOLDER            # the tables
    python benchmarks/study_acl.py DATA_FOLDER --quick    # ten minutes, to see that it runs
    python benchmarks/study_acl.py DATA_FOLDER --epochs 200 --workers 1    # in full, on a GPU

DATA_FOLDER holds ptbxl, challenge2011 and ptbxl_z100. Two arms of data: "raw" pretrains on folds
1-8 of PTB-XL and clean records of the Challenge 2011; "standardised" on those and folds 1-8 of
ptbxl_z100, all band-passed and standardised lead by lead; the classical arm sees them band-passed,
in mV. On 1, 10 and 100 % of the labels of PTB-XL's folds 1-8 (five superclasses, multilabel; whole
patients, each label at least twice) follow a linear probe and fine-tuning, of at least 100 steps.
Scores are of fold 9: macro AUROC and AUPRC, means over seeds, which draw the labelled records too,
with percentile bootstraps over patients: they show what another test set would change, not what
another draw would. Arms of one seed are compared with that seed of the others. Nothing was chosen
on fold 9. Every finished fit is kept in benchmarks/results, so that an interrupted study goes on
where it stopped.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from _arms import boosting, linear, on_features
from _results import hash_of_code, kept, kept_object
from _study import hash_of, params_of, side_by_side
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter

FRACTIONS = (0.01, 0.1, 1.0)
FULL = "ACL-ECG"
RANDOM = "random start"
FEATURES = "BeatFeatures"

# Parameters of the encoder, and the number of seeds.
ENCODERS = {
    FULL: ({}, 3),
    "intra only": ({"gamma": 1.0}, 1),
    "inter only": ({"gamma": 0.0}, 1),
    "inter='separate'": ({"inter": "separate"}, 1),
    "random regions": ({"regions": "random"}, 3),
    "SimCLR": ({"objective": "simclr"}, 1),
    RANDOM: ({"max_epochs": 0}, 3),
}
# On the standardised records.
OF_STANDARDISED = (FULL, "random regions", "SimCLR", RANDOM)


class Data(NamedTuple):
    """Records to pretrain on, and PTB-XL with the labels of its superclasses."""

    unlabelled: np.ndarray
    X: np.ndarray
    y: np.ndarray
    folds: np.ndarray
    patients: np.ndarray
    labels: list
    normalize: str


def load(folder, standardised):
    folder = Path(folder)
    ecg = load_ptbxl(folder / "ptbxl", task="superclass", folds=list(range(1, 10)), n_jobs=2)
    clean = pd.read_csv(folder / "challenge2011/labels.csv")["ssl_clean"].to_numpy() == 1
    challenge = np.load(folder / "challenge2011/X_100hz_int16_5uV.npz")["X"][clean]
    X, further = np.asarray(ecg.data), challenge.transpose(0, 2, 1) * np.float32(0.005)
    if standardised:
        bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
        X, further = (bandpass.fit_transform(signals) for signals in (X, further))
        table = pd.read_csv(folder / "ptbxl_z100/labels_split.csv")
        stored = np.load(folder / "ptbxl_z100/X_z100_int16.npz")["X"]
        stored = stored[table["strat_fold"].to_numpy() <= 8].transpose(0, 2, 1)
        further = np.concatenate([further, stored * np.float32(0.005)])
    return Data(
        np.concatenate([X[ecg.folds <= 8], further]).astype(np.float32),
        X,
        np.asarray(ecg.target),
        ecg.folds,
        ecg.groups,
        ecg.target_names,
        "record_lead" if standardised else "record",
    )


def draw(data, fraction, seed):
    """Positions of training records: whole patients, until every label is there at least twice."""
    train = np.flatnonzero(data.folds <= 8)
    if fraction == 1:
        return train
    rng = np.random.default_rng(seed)
    while True:
        patients = rng.permutation(np.unique(data.patients[train]))
        chosen = np.isin(data.patients[train], patients[: round(fraction * len(patients))])
        positives = data.y[train[chosen]].sum(axis=0)
        if positives.min() >= 2 and (positives < chosen.sum()).all():
            return train[chosen]


def study_encoder(name, seed, data, args, key):
    """Probabilities for fold 9 of every fraction: of a linear probe and after fine-tuning."""
    torch.set_num_threads(args.threads)
    params, _ = ENCODERS[name]
    encoder = ACLECGEncoder(sampling_rate=100, normalize=data.normalize, random_state=seed)
    encoder.set_params(**{"max_epochs": args.epochs, **params})
    key = f"{key}, {encoder.get_params()}, {args.threads} thread(s)"
    fitted = kept_object(f"encoder {key}", lambda: encoder.fit(data.unlabelled))
    frozen = FrozenEstimator(fitted)
    makers = {"probe": partial(linear_probe, frozen, seed), "tuned": partial(tuned, frozen, seed)}
    if name == RANDOM:
        makers["scratch"] = partial(tuned, frozen, seed, rate=1e-3)
    found = evaluate(makers, data, seed, key, args)
    found["regions"] = list(fitted.regions_.values())
    found["rank"] = fitted.history_.get("train_effective_rank", [np.nan])[-1:]
    return found


def study_features(seed, data, args, key):
    """The classical arms, which are not pretrained."""
    boosted = boosting().set_params(random_state=seed)
    makers = {
        "boosting": lambda n_records: on_features(boosted, multilabel=True),
        "logistic": lambda n_records: on_features(linear(), multilabel=True),
    }
    return evaluate(makers, data, seed, key, args)


def linear_probe(frozen, seed, n_records):
    probe = LogisticRegression(C=0.01, max_iter=2000, random_state=seed)
    return make_pipeline(frozen, StandardScaler(), OneVsRestClassifier(probe))


def tuned(frozen, seed, n_records, rate=1e-4):
    return ACLECGClassifier(
        frozen,
        encoder_learning_rate=rate,
        max_epochs=max(15, -(-100 * 16 // n_records)),
        batch_size=16,
        random_state=seed,
    )


def evaluate(makers, data, seed, key, args):
    test, found = data.folds == 9, {}
    for fraction in args.fractions:
        train = draw(data, fraction, seed)
        for what, make in makers.items():
            model = make(n_records=len(train))

            def predict(model=model, train=train):
                model.fit(data.X[train], data.y[train])
                return {"probability": model.predict_proba(data.X[test])}

            made_by = f"{what}: {params_of(model)} on records {hash_of(train)}, {key}"
            found[what, fraction] = kept(None, made_by, predict)["probability"]
    return found


def report(rows, data, fractions):
    """Print macro AUROC and AUPRC of every fraction, and paired differences of the AUROC."""
    test = data.folds == 9
    y, at_random = data.y[test], {"groups": data.patients[test], "random_state": 0}
    for fraction in fractions:
        n_train = [len(draw(data, fraction, seed)) for seed in range(3)]
        print(f"\n{fraction:.0%} of the labels, {n_train} records; fold 9, {len(y)} records")
        header = f"  {'':36}{'AUROC':22}{'AUPRC':22}"
        print(header + "".join(f"{'AUROC - ' + name:24}" for name in (RANDOM, FULL)) + "of seeds")
        for (name, what), seeds in rows.items():
            single = [found[what, fraction] for found in seeds]
            line = f"  {name + ', ' + what:36}"
            for metric in ("roc_auc", "average_precision"):
                interval = bootstrap_interval(metric, *side_by_side(y, single), **at_random)
                line += f"{interval!s:22}"
            same = "tuned" if what == "tuned" else "probe"
            for reference in (RANDOM, FULL):
                difference = ""
                if name != reference and (reference, same) in rows:
                    # Of the same draws of training records.
                    others = [found[same, fraction] for found in rows[reference, same]]
                    n_both = min(len(single), len(others))
                    both = side_by_side(y, single[:n_both])
                    others = side_by_side(y, others[:n_both])[1]
                    difference = bootstrap_difference("roc_auc", *both, others, **at_random)
                line += f"{difference!s:24}"
            print(line + " ".join(f"{roc_auc_score(y, p):.3f}" for p in single))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="holds ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--data", nargs="+", default=["raw", "standardised"])
    parser.add_argument("--epochs", type=int, default=10, help="of pretraining; the paper: 200")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    args.fractions = FRACTIONS
    names = list(ENCODERS)
    if args.quick:
        args.data, args.epochs, args.fractions = ["raw"], 2, (0.1,)
        names = [FULL, "SimCLR", RANDOM]
    code = hash_of_code("preprocessing/*.py", "rhythm.py", "datasets/*.py")
    for which in args.data:
        data = load(args.folder, which == "standardised")
        arms = [name for name in names if which == "raw" or name in OF_STANDARDISED]
        print(f"\n{which}: {len(data.unlabelled)} records to pretrain on, {args.epochs} epochs")
        key = f"{which}, data {hash_of(data.unlabelled, data.X, data.y)}, code {code}"
        jobs = []
        for seed in range(1 if args.quick else 3):
            jobs += [(name, seed) for name in arms if seed < ENCODERS[name][1]]
            jobs.append((FEATURES, seed))
        made = Parallel(n_jobs=args.workers, return_as="generator")(
            delayed(study_features)(seed, data, args, key)
            if name == FEATURES
            else delayed(study_encoder)(name, seed, data, args, key)
            for name, seed in jobs
        )
        results = {}
        for (name, seed), found in zip(jobs, made):
            results.setdefault(name, []).append(found)
            print(f"  {name}, seed {seed} done", flush=True)
        rows = {}
        for name, seeds in results.items():
            whats = dict.fromkeys(key[0] for key in seeds[0] if isinstance(key, tuple))
            rows.update({(name, what): seeds for what in whats})
        report(rows, data, args.fractions)
        for name, seeds in results.items():
            if name not in (FEATURES, RANDOM):
                ranks = " ".join(f"{float(found['rank'][0]):.1f}" for found in seeds)
                print(f"  effective rank at the end, {name}: {ranks}")
            if name == "random regions":
                for found in seeds:
                    print(f"  {name}: {' '.join(map('-'.join, found['regions']))}")


if __name__ == "__main__":
    main()
