"""Pretraining, probes and fine-tuning with few labels, and the scales of MSAIC-Net, on a GPU.

    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --jobs 8    # all stages
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --small --epochs 20
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --report    # tables only
    python benchmarks/study_pretraining.py DATA_FOLDER --results FOLDER --quick     # that it runs

DATA_FOLDER contains ptbxl and challenge2011. Parameters are chosen on folds 1-6 of PTB-XL, and what
was chosen is tested once on folds 7-9.

Infarction, whole records: candidates for the default of MSAIC-Net and their rows with a single
dilation, trained on four of the folds 1-6 and tested on the other two. The best candidate, its
single row and the network of the paper are then tested on folds 7-9, each fold by networks that
were trained on all other folds.

Five superclasses with few labels: records are band-pass filtered. Encoders are pretrained on folds
1-4 (to choose) or 1-8 (to test) and on the clean records of the Challenge 2011; 1, 10 and 100 % of
the labels are drawn from these folds by patient, and folds 5-6 (to choose) or fold 9 (to test) are
predicted. Each draw has its own labels, and all draws share the encoders. The imputer and the
scaler of features are fitted on the records that the encoders are pretrained on.

Each finished fit is kept in the folder of results, with a key of its parameters and records but not
of the code: delete the folder to repeat the study. After ``--max-seconds`` no fit is started.
``--small --write`` replaces the tables of this study in docs/reproduction/acl_ecg.rst.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _arms import gradient_boosting
from _results import RESULTS, cached_arrays, cached_object, is_cached
from _study import hash_arrays, stack_seeds
from _tables import Table, drop_zeros, write_tables
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import (
    ACLECGClassifier,
    ACLECGEncoder,
    BeatFeatureClassifier,
    BeatFeatureEncoder,
    MSAICNetClassifier,
)
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import BandpassFilter, BeatFeatures

# --------------------------------------------------------------------------------------------------
# What is compared
# --------------------------------------------------------------------------------------------------

# Branches of MSAIC-Net. At 100 Hz, the receptive fields are given in seconds.
SCALES = {
    "stride 2, pools of 2, kernel 7": {},  # .93 to 6.6
    "stride 2, pools of 2, kernel 3": {"kernel_size": 3},  # .41 to 2.2
    "kernel 3, dilations 1 and 2": {"kernel_size": 3, "dilations": (1, 2)},  # .41, .67
    "kernel 3, dilations 1, 2 and 4": {"kernel_size": 3, "dilations": (1, 2, 4)},  # to 1.2
    "stride 2, pool after the first block": {"pool_size": (2, 1, 1)},  # .57 to 4.4
    "stride 2, no pools": {"pool_size": 1},  # .31 to 2.4
    "as in the paper": {"stride": 1, "pool_size": 1},  # .19 to 1.45
}
BASE = {
    "dilations": (1, 2, 4, 8),
    "kernel_size": 7,
    "stride": 2,
    "pool_size": 2,
    "attention": "eca",
    "lead_attention": None,
    "contrastive_weight": 0.1,
}
SINGLE = {"dilations": (1,), "attention": None, "contrastive_weight": 0}
PAPER = "as in the paper"
KERNEL_3 = "kernel 3, dilations 1 and 2"
PRETRAINED = "strided, pretrained on beat features"
ROWS = {
    "CNN": SINGLE,
    "+ scales": {"attention": None, "contrastive_weight": 0},
    "+ channel attention": {"contrastive_weight": 0},
    "full": {},
    "full, lead attention": {"lead_attention": "eca"},
}

ENCODERS = {
    "ACL-ECG, vgg": (ACLECGEncoder, {"backbone": "vgg"}),
    "ACL-ECG, strided": (ACLECGEncoder, {"backbone": "strided"}),
    "ACL-ECG, strided, leads standardized": (
        ACLECGEncoder,
        {"backbone": "strided", "normalize": "record_lead"},
    ),
    "random start, strided": (ACLECGEncoder, {"backbone": "strided", "max_epochs": 0}),
    "beat features, strided": (BeatFeatureEncoder, {"backbone": "strided"}),
    "beat features, MSAIC-Net": (BeatFeatureEncoder, {"backbone": "msaic_net"}),
}
SMALL_NET = {"filters": (16, 32, 64, 64)}
SMALL = {
    "beat features, small": SMALL_NET,
    "random start, small": {**SMALL_NET, "max_epochs": 0},
}
# Experiments with the objective.
SEPARATED = {
    "separate": {"regions": "anatomical"},
    "separate, random regions": {"regions": "random"},
}
# What is compared in fine-tuning: one parameter at a time.
TUNING = {
    "reference": {},
    "random head": {"head_init": "random"},
    "BatchNorm of the batches": {"freeze_batch_norm": False},
    "300 steps": {"min_steps": 300},
    "head 1e-4": {"learning_rate": 1e-4},
    "encoder 3e-4": {"encoder_learning_rate": 3e-4},
    "encoder 3e-4, head 1e-4": {"encoder_learning_rate": 3e-4, "learning_rate": 1e-4},
    "encoder 1e-3": {"encoder_learning_rate": 1e-3},
    "random head and BatchNorm of the batches": {"head_init": "random", "freeze_batch_norm": False},
}
TUNING_BASE = {
    "head_init": "probe",
    "freeze_batch_norm": True,
    "min_steps": 100,
    "encoder_learning_rate": 1e-4,
    "learning_rate": 1e-3,
    "max_epochs": 15,
    "batch_size": 16,
}
TUNED = ("beat features, strided", "ACL-ECG, strided", "ACL-ECG, vgg")
SMALL_TUNING = ("reference", "random head", "BatchNorm of the batches", "300 steps")
PROBE = {"frozen": True, "probe_C": 0.01}
CS = (1e-3, 1e-2, 1e-1, 1.0)
FRACTIONS = (0.01, 0.1, 1.0)
DIFFERENCES = tuple(
    f"AUROC difference from {name}" for name in ("the random start", "the features", "the probe")
)
# Folds of the records that are pretrained on and labeled, and of those that are predicted.
SPLITS = {"choose": (range(1, 5), (5, 6)), "test": (range(1, 9), (9,))}


class Records:
    """Records, labels, folds and patients of PTB-XL, and others without labels."""

    def __init__(self, folder, task, quick):
        self.task = task
        ecg = load_ptbxl(Path(folder) / "ptbxl", task=task, folds=list(range(1, 10)), n_jobs=4)
        self.X, self.y = np.asarray(ecg.data, dtype=np.float32), np.asarray(ecg.target)
        self.folds, self.patients, self.labels = ecg.folds, ecg.groups, ecg.target_names
        if quick:
            part = slice(None, None, 4)
            self.X, self.y, self.folds = self.X[part], self.y[part], self.folds[part]
            self.patients = self.patients[part]
        self.others = self.X[:0]
        bandpass = BandpassFilter(0.5, 40, sampling_rate=100)
        self.filtered = bandpass.fit_transform(self.X).astype(np.float32)
        if task == "superclass":
            table = pd.read_csv(Path(folder) / "challenge2011/labels.csv")
            stored = np.load(Path(folder) / "challenge2011/X_100hz_int16_5uV.npz")["X"]
            others = stored[table["ssl_clean"].to_numpy() == 1].transpose(0, 2, 1)
            others = others[:50] if quick else others
            self.others = bandpass.fit_transform(others * np.float32(0.005)).astype(np.float32)
            self.X = self.filtered
        self.key = hash_arrays(self.X, self.y, self.others)

    def pool(self, split):
        """Return the records that are pretrained on."""
        return np.concatenate([self.X[np.isin(self.folds, SPLITS[split][0])], self.others])

    def draw(self, split, fraction, seed):
        """Draw training records of whole patients, until every label occurs at least twice."""
        train = np.flatnonzero(np.isin(self.folds, SPLITS[split][0]))
        if fraction == 1:
            return train
        # As many records of folds 1-4 as of folds 1-8.
        fraction = 2 * fraction if split == "choose" else fraction
        rng = np.random.default_rng(seed)
        while True:
            patients = rng.permutation(np.unique(self.patients[train]))
            chosen = np.isin(self.patients[train], patients[: round(fraction * len(patients))])
            positives = self.y[train[chosen]].sum(axis=0)
            if positives.min() >= 2 and (positives < chosen.sum()).all():
                return train[chosen]

    def test(self, split):
        return np.isin(self.folds, SPLITS[split][1])


# --------------------------------------------------------------------------------------------------
# Single fits, in a process of their own
# --------------------------------------------------------------------------------------------------


class Run:
    """Where results are kept, and when no fit is started any more."""

    def __init__(self, args):
        self.results = Path(args.results)
        self.deadline = time.time() + args.max_seconds
        self.report, self.quick, self.epochs = args.report, args.quick, args.epochs

    def keep(self, key, compute):
        """Return kept arrays, or compute them if there is time, otherwise None."""
        torch.set_num_threads(1)
        if self.report or time.time() > self.deadline:
            if not is_cached(key, self.results):
                return None
            return cached_arrays(None, key, None, self.results)
        start = time.time()
        try:
            return cached_arrays(
                None, key, lambda: {**compute(), "seconds": time.time() - start}, self.results
            )
        except Exception as error:  # one fit does not stop the others
            print(f"FAILED {key[:100]}: {type(error).__name__}: {error}", flush=True)
            return None


def fit_msaic(run, data, params, train, test, seed):
    """Return the probabilities of infarction of test records."""
    params = {**BASE, **params, "max_epochs": 1 if run.quick else 30, "random_state": seed}
    key = f"MSAIC-Net {sorted(params.items())}, records {hash_arrays(train, test)}, {data.key}"

    def compute():
        clf = MSAICNetClassifier(**params).fit(data.X[train], data.y[train])
        n_parameters = sum(p.numel() for p in clf.net_.module_.parameters())
        probability = clf.predict_proba(data.X[test])[:, 1]
        return {"probability": probability, "n_parameters": n_parameters}

    return run.keep(key, compute)


def fit_on_beat_features(run, mi, data, train, test, seed):
    """Return the probabilities of infarction of an encoder that predicts beat features.

    It is pretrained on all records of the training folds and on the other database.
    """
    epochs = 1 if run.quick else 30
    params = {**TUNING_BASE, "max_epochs": 1 if run.quick else 15, "random_state": seed}
    key = f"beat features {epochs}, {sorted(params.items())}, {hash_arrays(train, test)}, {mi.key}"

    def compute():
        in_pool = ~np.isin(data.folds, np.unique(mi.folds[test]))
        # In the choice among folds 1-6, the others are left out.
        in_pool &= data.folds <= mi.folds[np.concatenate([train, test])].max()
        encoder = BeatFeatureEncoder(max_epochs=epochs, sampling_rate=100, random_state=seed)
        encoder.fit(np.concatenate([data.X[in_pool], data.others]))
        clf = BeatFeatureClassifier(FrozenEstimator(encoder), **params)
        clf.fit(mi.filtered[train], mi.y[train])
        n_parameters = sum(p.numel() for p in clf.net_.module_.parameters())
        probability = clf.predict_proba(mi.filtered[test])[:, 1]
        return {"probability": probability, "n_parameters": n_parameters}

    return run.keep(key, compute)


def make_encoder(name, run):
    kind, params = ENCODERS[name] if name in ENCODERS else (ACLECGEncoder, {})
    if name in SMALL:
        kind, params = BeatFeatureEncoder, SMALL[name]
    if name in SEPARATED:
        params = {"backbone": "strided", "inter": "separate", **SEPARATED[name]}
    epochs = 1 if run.quick else run.epochs
    return kind(**{"max_epochs": epochs, "sampling_rate": 100, "random_state": 0, **params})


def encoder_key(name, split, data, run):
    encoder = make_encoder(name, run)
    return f"encoder {name} {encoder.max_epochs}, {split}, {data.key}"


def load_encoder(name, split, data, run):
    key = encoder_key(name, split, data, run)
    return cached_object(key, lambda: make_encoder(name, run).fit(data.pool(split)), run.results)


def fit_encoder(run, data, name, split):
    """Return the history of an encoder, and the embedding of all records."""

    def compute():
        encoder = load_encoder(name, split, data, run)
        history = {f"history_{key}": np.asarray(v) for key, v in encoder.history_.items()}
        return {"embedding": encoder.transform(data.X), **history}

    return run.keep(f"embedding of {encoder_key(name, split, data, run)}", compute)


def fit_classifier(run, data, name, split, fraction, seed, params, split_of_labels=None):
    """Return the probabilities of a classifier on an encoder."""
    split_of_labels = split_of_labels or split
    train = data.draw(split_of_labels, fraction, seed)
    params = {**TUNING_BASE, **params, "random_state": seed}
    if run.quick:
        params = {**params, "max_epochs": 1, "min_steps": 0}
    key = (
        f"classifier {sorted(params.items())}, records {hash_arrays(train)}, "
        f"{encoder_key(name, split, data, run)}"
    )

    def compute():
        encoder = load_encoder(name, split, data, run)
        is_acl = isinstance(encoder, ACLECGEncoder)
        make = ACLECGClassifier if is_acl else BeatFeatureClassifier
        clf = make(FrozenEstimator(encoder), **params).fit(data.X[train], data.y[train])
        return {"probability": clf.predict_proba(data.X[data.test(split_of_labels)])}

    return run.keep(key, compute)


def measure_features(run, data):
    """Return the features of all records, and of those without labels."""

    def compute():
        measure = BeatFeatures(sampling_rate=100, drop_empty=False).fit(data.X)
        return {"X": measure.transform(data.X), "others": measure.transform(data.others)}

    return run.keep(f"features, {data.key}", compute)


def fit_logistic(run, data, tables, label, split, fraction, seed, C):
    """Return the probabilities of logistic regressions on columns prepared on all records.

    `tables` are pairs of columns of the labeled records and of further records of the pool.
    """
    train, test = data.draw(split, fraction, seed), data.test(split)
    in_pool = np.isin(data.folds, SPLITS[split][0])
    key = f"logistic regression on {label}, C={C}, {hash_arrays(train)}, {split}, {data.key}"

    def compute():
        columns = []
        for own, others in tables:
            pool = np.concatenate([own[in_pool], others])
            prepare = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
            columns.append(FrozenEstimator(prepare.fit(pool)).transform(own))
        z = np.hstack(columns)
        # The penalty is that of the same number of columns.
        model = OneVsRestClassifier(LogisticRegression(C=C, max_iter=3000))
        return {"probability": model.fit(z[train], data.y[train]).predict_proba(z[test])}

    return run.keep(key, compute)


def fit_boosting(run, data, columns, label, fraction, seed):
    """Return the probabilities of gradient boosting for fold 9."""
    train, test = data.draw("test", fraction, seed), data.test("test")
    key = f"gradient boosting on {label}, {seed}, {hash_arrays(train)}, {data.key}"

    def compute():
        model = OneVsRestClassifier(gradient_boosting().set_params(random_state=seed))
        kept = np.isfinite(columns[train]).any(axis=0)
        model.fit(columns[train][:, kept], data.y[train])
        return {"probability": model.predict_proba(columns[test][:, kept])}

    return run.keep(key, compute)


# --------------------------------------------------------------------------------------------------
# Stages
# --------------------------------------------------------------------------------------------------


def collect(pool, jobs):
    """Run functions with their arguments in processes, in order, and return results by name."""
    results = pool(delayed(function)(*args) for _, (function, *args) in jobs)
    return {name: result for (name, _), result in zip(jobs, results)}


def scale_jobs(run, mi, data):
    """Return the fits that choose the scales of MSAIC-Net, on folds 1-6."""
    jobs = []
    order = [PAPER, *[scale for scale in SCALES if scale != PAPER]]
    for fold in (1, 3, 5):
        test = np.flatnonzero(np.isin(mi.folds, (fold, fold + 1)))
        train = np.flatnonzero((mi.folds <= 6) & ~np.isin(mi.folds, (fold, fold + 1)))
        for scale in order:
            rows = ROWS if scale in (PAPER, KERNEL_3) else ("CNN", "full")
            for row in rows:
                params = {**SCALES[scale], **ROWS[row]}
                jobs.append(((scale, row, fold), (fit_msaic, run, mi, params, train, test, 0)))
        name = (PRETRAINED, "fine-tuned", fold)
        jobs.append((name, (fit_on_beat_features, run, mi, data, train, test, 0)))
    return jobs


def scale_table(mi, results):
    """Print the scores of the candidates on folds 1-6, and return the best one."""
    print("\nInfarction, whole records, folds 1-6: AUROC, AUPRC")
    best, chosen = -1.0, None
    is_tested = mi.folds <= 6
    for scale, row in dict.fromkeys(name[:2] for name in results):
        probability = np.full(len(mi.y), np.nan)
        seconds = 0.0
        for fold in (1, 3, 5):
            result = results.get((scale, row, fold))
            if result is not None:
                probability[np.isin(mi.folds, (fold, fold + 1))] = result["probability"]
                seconds += float(result["seconds"])
                n_parameters = int(result["n_parameters"])
        if np.isnan(probability[is_tested]).any():
            print(f"  {scale:40}{row:24}not complete")
            continue
        # Networks of different folds have different scales.
        parts = [np.isin(mi.folds, (fold, fold + 1)) for fold in (1, 3, 5)]
        scores = [roc_auc_score(mi.y[part], probability[part]) for part in parts]
        precision = [average_precision_score(mi.y[part], probability[part]) for part in parts]
        print(
            f"  {scale:40}{row:24}{np.mean(scores):.4f}  {np.mean(precision):.4f}  "
            + " ".join(f"{score:.3f}" for score in scores)
            + f"  {n_parameters:>8} weights  {seconds / 3:4.0f} s"
        )
        if row == "full" and np.mean(scores) > best:
            best, chosen = np.mean(scores), scale
    return chosen


def test_jobs_of_scales(run, mi, data, chosen, seeds):
    """Return the fits of the chosen scales and of the pretrained network, for folds 7-9."""
    jobs = []
    for seed in seeds:
        for scale, row in ((chosen, "full"), (PRETRAINED, "fine-tuned"), (chosen, "CNN")):
            for fold in (7, 8, 9):
                train, test = np.flatnonzero(mi.folds != fold), np.flatnonzero(mi.folds == fold)
                name = ("infarction", scale, row, seed, fold)
                if scale == PRETRAINED:
                    job = (fit_on_beat_features, run, mi, data, train, test, seed)
                else:
                    params = {**SCALES[scale], **ROWS[row]}
                    job = (fit_msaic, run, mi, params, train, test, seed)
                jobs.append((name, job))
    return jobs


def test_table_of_scales(mi, results, chosen):
    print(f"\nInfarction, whole records, folds 7-9 out of fold; chosen: {chosen}")
    is_tested, rows = mi.folds >= 7, {}
    for scale, row, seed in dict.fromkeys(name[1:4] for name in results):
        probability = np.full(len(mi.y), np.nan)
        for fold in (7, 8, 9):
            result = results.get(("infarction", scale, row, seed, fold))
            if result is not None:
                probability[mi.folds == fold] = result["probability"]
        if not np.isnan(probability[is_tested]).any():
            rows.setdefault((scale, row), []).append(probability[is_tested])
    y, options = mi.y[is_tested], {"groups": mi.patients[is_tested], "random_state": 0}
    for (scale, row), seeds in rows.items():
        mean = np.mean(seeds, axis=0)
        scores = [
            str(bootstrap_interval(m, y, mean, **options)) for m in ("roc_auc", "average_precision")
        ]
        by_seed = " ".join(f"{roc_auc_score(y, seed):.3f}" for seed in seeds)
        line = f"  {scale:40}{row:10}{scores[0]:22}{scores[1]:22}seeds {by_seed}"
        single = rows.get((scale, "CNN"))
        if row == "full" and single is not None:
            n = min(len(seeds), len(single))
            target, ours = stack_seeds(y, np.asarray(seeds[:n]))
            other = stack_seeds(y, np.asarray(single[:n]))[1]
            difference = bootstrap_difference("roc_auc", target, ours, other, **options)
            line += f"  full - CNN, of single seeds: {difference}"
        print(line)


def encoder_jobs(run, data):
    names = ["ACL-ECG, vgg", *[name for name in ENCODERS if name != "ACL-ECG, vgg"], *SEPARATED]
    return [
        ((name, split), (fit_encoder, run, data, name, split))
        for split in ("choose", "test")
        for name in names
        # Some for the test only, to save time.
        if name not in (*SEPARATED, "beat features, MSAIC-Net") or split == "test"
    ]


def probe_jobs(run, data, split, Cs, fractions, n_draws):
    return [
        (
            ("probe", name, fraction, C, seed),
            (
                fit_classifier,
                run,
                data,
                name,
                split,
                fraction,
                seed,
                {"frozen": True, "probe_C": C},
            ),
        )
        for name in (*ENCODERS, *SEPARATED)
        if split == "test" or name not in (*SEPARATED, "beat features, MSAIC-Net")
        for fraction in fractions
        for C in Cs
        for seed in range(1 if fraction == 1 else n_draws)
    ]


def tuning_jobs(run, data, split, variants, fractions, n_draws, C):
    return [
        (
            ("tuned", name, fraction, variant, seed),
            (
                fit_classifier,
                run,
                data,
                name,
                split,
                fraction,
                seed,
                {**TUNING[variant], "probe_C": C},
            ),
        )
        for fraction in fractions
        for name in (TUNED if split == "test" else TUNED[:2])
        for variant in variants
        for seed in range(2 if fraction == 1 and split == "test" else n_draws)
        if fraction < 1 or seed < 1 or split == "test"
    ]


def mean_scores(data, split, results):
    """Return mean AUROC, mean log loss and probabilities by name without the seed."""
    y, seeds = data.y[data.test(split)], {}
    for name, result in results.items():
        if result is not None:
            seeds.setdefault(name[:-1], []).append(result["probability"])
    return {
        name: (
            np.mean([roc_auc_score(y, p) for p in rows]),
            np.mean([mean_log_loss(y, p) for p in rows]),
            rows,
        )
        for name, rows in seeds.items()
    }


def mean_log_loss(y, probability):
    """Return the mean over labels of the log loss."""
    return np.mean([log_loss(column, p, labels=[0, 1]) for column, p in zip(y.T, probability.T)])


def choose_C(data, results):
    """Print the scores of the penalties on folds 5-6, and return the best by mean AUROC."""
    print("\nLinear probes, trained on folds 1-4, tested on 5-6: AUROC (log loss) by C")
    scores, total = mean_scores(data, "choose", results), {}
    y = data.y[data.test("choose")]
    train = data.draw("choose", 1.0, 0)
    prior = mean_log_loss(y, np.tile(data.y[train].mean(axis=0), (len(y), 1)))
    print(f"  log loss of the shares of the labels: {prior:.3f}")
    for name in ENCODERS:
        for fraction in FRACTIONS:
            line = f"  {name:38}{fraction:5.0%} "
            for C in CS:
                found = scores.get(("probe", name, fraction, C))
                if found is not None:
                    line += f"  {C:g}: {found[0]:.3f} ({found[1]:.3f})"
                    if "random" not in name:
                        total.setdefault(C, []).append(found[0])
            print(line)
    return max(total, key=lambda C: np.mean(total[C])) if total else 0.01


def choose_tuning(data, results):
    """Print the scores of the variants on folds 5-6, and return the best."""
    print("\nFine-tuning, trained on folds 1-4, tested on 5-6: AUROC")
    scores, total = mean_scores(data, "choose", results), {}
    for variant in TUNING:
        line = f"  {variant:42}"
        for name in TUNED:
            for fraction in (0.1, 1.0):
                found = scores.get(("tuned", name, fraction, variant))
                if found is not None:
                    line += f"  {name} {fraction:.0%}: {found[0]:.3f}"
                    if fraction < 1:
                        total.setdefault(variant, []).append(found[0])
        print(line)
    complete = {v: s for v, s in total.items() if len(s) == max(map(len, total.values()))}
    return max(complete, key=lambda v: np.mean(complete[v])) if complete else "reference"


def feature_jobs(run, data, features, embeddings, split, Cs, fractions, n_draws):
    tables = {"features": [(features["X"], features["others"])]}
    for name, embedding in embeddings.items():
        if embedding is not None:
            own = embedding["embedding"]
            # The embedding is standardized on the records of PTB-XL in the pool.
            tables[name] = [(own, own[:0])]
            tables[f"features + {name}"] = [*tables["features"], (own, own[:0])]
    return [
        (
            ("logistic", label, fraction, C, seed),
            (fit_logistic, run, data, columns, label, split, fraction, seed, C),
        )
        for label, columns in tables.items()
        for fraction in fractions
        for C in (Cs if isinstance(Cs, tuple) else [Cs.get((label, fraction), 1e-3)])
        for seed in range(1 if fraction == 1 else n_draws)
    ]


def boosting_jobs(run, data, features, embeddings, fractions, n_draws):
    name = next((name for name in embeddings if name.startswith("beat features")), None)
    tables = {"features": features["X"]}
    if embeddings.get(name) is not None:
        both = np.hstack([tables["features"], embeddings[name]["embedding"]])
        tables[f"features + {name}"] = both
    return [
        (
            ("boosting", label, fraction, None, seed),
            (fit_boosting, run, data, columns, label, fraction, seed),
        )
        for fraction in fractions[-2:]
        for label, columns in tables.items()
        for seed in range(3 if fraction == 1 else n_draws)
    ]


def choose_feature_C(data, results):
    """Print scores on folds 5-6, and return the best penalty by columns and share of labels."""
    print("\nLogistic regression on features, trained on folds 1-4, tested on 5-6: AUROC by C")
    scores, chosen = mean_scores(data, "choose", results), {}
    for label, fraction in dict.fromkeys(name[1:3] for name in scores):
        found = {name[3]: s[0] for name, s in scores.items() if name[1:3] == (label, fraction)}
        chosen[label, fraction] = max(found, key=found.get)
        values = "  ".join(f"{C:g}: {score:.3f}" for C, score in found.items())
        print(f"  {label:40}{fraction:5.0%}  {values}")
    return chosen


def final_table(data, found, fractions):
    """Return a table for each fraction: means over draws for fold 9, with intervals, and print it.

    Differences of AUROC are from the same estimator of the random start, from logistic regression
    on the features and, for fine-tuning, from its probe. They are paired by draw and by patient.
    """
    scores = mean_scores(data, "test", found)
    y = data.y[data.test("test")]
    options = {"groups": data.patients[data.test("test")], "random_state": 0}
    tables = []
    for fraction in fractions:
        n_train = sorted({len(data.draw("test", fraction, seed)) for seed in range(5)})
        prior = mean_log_loss(y, np.tile(data.y[data.folds <= 8].mean(axis=0), (len(y), 1)))
        title = f"{fraction:.0%} of the labels: {n_train[0]} to {n_train[-1]} records"
        if len(n_train) == 1:
            title = f"{fraction:.0%} of the labels: {n_train[0]} records"
        print(f"\n{title}; fold 9, {len(y)} records; last, the AUROC of each draw")
        print(f"  log loss of the shares of the labels in folds 1-8: {prior:.3f}")
        lines = []
        for name, (_, loss, rows) in scores.items():
            if name[2] != fraction:
                continue
            target, stacked = stack_seeds(y, np.asarray(rows))
            cells = [f"{name[1]}, {name[0]}"]
            for metric in ("roc_auc", "average_precision"):
                cells.append(bootstrap_interval(metric, target, stacked, **options))
            cells.append(f"{loss:.3f}")
            for other in (
                (name[0], name[1].replace("beat features, small", "random start, small"), fraction),
                ("logistic", "features", fraction),
                ("probe" if name[0] == "tuned" else "", *name[1:]),
            ):
                cells.append("")
                if other in scores and other != name:
                    reference = scores[other][2]
                    n = min(len(rows), len(reference))
                    target, ours = stack_seeds(y, np.asarray(rows[:n]))
                    stacked = stack_seeds(y, np.asarray(reference[:n]))[1]
                    cells[-1] = bootstrap_difference("roc_auc", target, ours, stacked, **options)
            lines.append([drop_zeros(cell) for cell in cells])
            by_draw = " ".join(f"{roc_auc_score(y, row):.3f}" for row in rows)
            print(f"  {lines[-1][0]:54}{''.join(f'{cell:22}' for cell in lines[-1][1:])}{by_draw}")
        header = ("", "AUROC", "AUPRC", "log loss", *DIFFERENCES)
        alt = f"Scores and differences of each estimator with intervals, {title}."
        tables.append(Table(title, header, lines, forest=alt))
    return tables


def gap_table(encoders):
    print("\ninter='separate' (strided): final train_inter - train_intra, in nats")
    for name in SEPARATED:
        result = encoders.get((name, "test"))
        if result is not None:
            inter, intra = result["history_train_inter"], result["history_train_intra"]
            print(f"  {name:28}{inter[-1] - intra[-1]:.4f}  (inter {inter[-1]:.3f})")


def small_study(run, data):
    """Run one encoder, and what it is compared with, one after another.

    The encoder is that of folds 1-8, also where parameters are chosen on the labels of folds 1-6.
    """
    names = tuple(SMALL)
    features = measure_features(run, data)
    found = serially(feature_jobs(run, data, features, {}, "choose", CS, FRACTIONS, 3))
    Cs = choose_feature_C(data, found)
    embeddings = {name: fit_encoder(run, data, name, "test") for name in names}
    for name in names:
        for fraction in FRACTIONS:
            Cs[name, fraction] = 0.01
            Cs[f"features + {name}", fraction] = Cs["features", fraction]
    print("\nFeatures: C chosen on folds 1-6. Embeddings: C=0.01, not chosen", flush=True)
    found = serially(feature_jobs(run, data, features, embeddings, "test", Cs, FRACTIONS, 5))

    def fit(split, fraction, seed, params):
        return fit_classifier(run, data, names[0], "test", fraction, seed, params, split)

    chosen = {}
    for seed in range(2):
        for variant in SMALL_TUNING:
            result = fit("choose", 0.1, seed, TUNING[variant])
            chosen["tuned", names[0], 0.1, variant, seed] = result
        chosen["probe", names[0], 0.1, 0.01, seed] = fit("choose", 0.1, seed, PROBE)
    print("\nTrained on a part of folds 1-4, tested on 5-6: AUROC (log loss), two draws")
    for name, (auroc, loss, _) in mean_scores(data, "choose", chosen).items():
        print(f"  {name[0]} {name[3]!s:45}{auroc:.3f} ({loss:.3f})", flush=True)
    for fraction in FRACTIONS:
        for seed in range(1 if fraction == 1 else 5):
            found["probe", names[0], fraction, 0.01, seed] = fit("test", fraction, seed, PROBE)
    for fraction in FRACTIONS[:2]:
        for seed in range(5):
            result = fit("test", fraction, seed, {})
            found["tuned", names[0], fraction, "reference", seed] = result
    jobs = boosting_jobs(run, data, features, {names[0]: embeddings[names[0]]}, FRACTIONS, 5)
    found |= serially(jobs)
    found = {(*name[:3], name[-1]): result for name, result in found.items()}
    return final_table(data, found, FRACTIONS)


def serially(jobs):
    """Run functions with their arguments in this process, and return results by name."""
    return {name: function(*args) for name, (function, *args) in jobs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl and challenge2011")
    parser.add_argument("--results", default=RESULTS / "study_pretraining")
    parser.add_argument("--jobs", type=int, default=2, help="number of processes")
    parser.add_argument("--max-seconds", type=float, default=1e9)
    parser.add_argument("--epochs", type=int, default=30, help="epochs of pretraining")
    parser.add_argument("--small", action="store_true", help="one encoder, for a CPU")
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--write", action="store_true", help="with --small, write its tables")
    parser.add_argument("--quick", action="store_true", help="one epoch and a few fits")
    args = parser.parse_args()
    run = Run(args)
    mi, data = (Records(args.folder, task, args.quick) for task in ("mi", "superclass"))
    fractions = FRACTIONS[1:] if args.quick else FRACTIONS
    print(f"{len(data.pool('test'))} records to pretrain on, {len(data.X)} labeled", flush=True)
    if args.small:
        tables = small_study(run, data)
        if args.write:
            command = f"study_pretraining.py DATA_FOLDER --small --epochs {args.epochs}"
            write_tables("reproduction/acl_ecg.rst", "small", tables, command)
        return
    # Forked, because other processes would be started again and again as their memory grows, and
    # each start of CUDA takes seconds. This process does not use it.
    with Parallel(n_jobs=args.jobs, backend="multiprocessing") as pool:
        jobs = [*scale_jobs(run, mi, data), *encoder_jobs(run, data)]
        if args.quick:
            jobs = [job for job in jobs if job[0][0] in (*ENCODERS, *SEPARATED) or job[0][2] == 1]
        # The slowest encoder first.
        jobs.sort(key=lambda job: job[0][0] != "ACL-ECG, vgg")
        found = collect(pool, [(("features",), (measure_features, run, data)), *jobs])
        features = found.pop(("features",))
        is_scale = {name: name[0] in (*SCALES, PRETRAINED) for name in found}
        scales = {name: result for name, result in found.items() if is_scale[name]}
        encoders = {name: result for name, result in found.items() if not is_scale[name]}
        chosen = scale_table(mi, scales) or PAPER
        gap_table(encoders)
        print(flush=True)

        n_draws = 1 if args.quick else 2
        variants = list(TUNING)[:2] if args.quick else list(TUNING)
        of_split = {
            split: {name: result for (name, s), result in encoders.items() if s == split}
            for split in SPLITS
        }
        jobs = probe_jobs(run, data, "choose", CS, fractions, 3)
        jobs += tuning_jobs(run, data, "choose", variants, (0.1,), n_draws, 0.01)
        jobs += [] if args.quick else test_jobs_of_scales(run, mi, data, chosen, [0])
        if features is not None:
            jobs += feature_jobs(
                run, data, features, of_split["choose"], "choose", CS, fractions, 3
            )
        found = collect(pool, jobs)
        kinds = {
            kind: {name: result for name, result in found.items() if name[0] == kind}
            for kind in ("probe", "tuned", "infarction", "logistic")
        }
        C = choose_C(data, kinds["probe"])
        variant = choose_tuning(data, kinds["tuned"])
        Cs = choose_feature_C(data, kinds["logistic"])
        print(f"\nchosen: C={C:g}, {variant}", flush=True)

        n_draws = 1 if args.quick else 5
        jobs = probe_jobs(run, data, "test", (C,), fractions, n_draws)
        if features is not None:
            jobs += feature_jobs(
                run, data, features, of_split["test"], "test", Cs, fractions, n_draws
            )
        jobs += tuning_jobs(run, data, "test", [variant], fractions, n_draws, C)
        if not args.quick:
            jobs += test_jobs_of_scales(run, mi, data, chosen, [1, 2])
        if features is not None:
            jobs += boosting_jobs(run, data, features, of_split["test"], fractions, n_draws)
        found = collect(pool, jobs)
        more = {name: result for name, result in found.items() if name[0] == "infarction"}
        test_table_of_scales(mi, {**kinds["infarction"], **more}, chosen)
        found = {name: result for name, result in found.items() if name not in more}
        # Each arm has one penalty or variant here.
        found = {(*name[:3], name[-1]): result for name, result in found.items()}
        final_table(data, found, fractions)


if __name__ == "__main__":
    main()
