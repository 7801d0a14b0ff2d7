"""SimCardioNet beside its ablations, and MSAIC-Net on the same records as signals.

    python benchmarks/study_simcardio.py PTB_XL_FOLDER            # the tables
    python benchmarks/study_simcardio.py PTB_XL_FOLDER --quick    # ten minutes, to see that it runs
    python benchmarks/study_simcardio.py PTB_XL_FOLDER --image-size 224 --epochs 200    # on a GPU

Records are drawn as pictures of ECG paper. Encoders are pretrained on those of folds 1-8, without
labels, and fine-tuned on the same; scores are of fold 9, means over seeds, with percentile
bootstraps over patients. Infarction against normal is the task of all arms, the five
superclasses (multilabel) that of the full model. Arms whose pretraining is the same share it.
Accuracy, precision, recall and F1 are at a probability of 0.5: MSAIC-Net's loss is weighted for
balance and SimCardioNet's is not, so compare these between the arms of one of them only. Nothing
was chosen on fold 9. Every finished fit is kept in benchmarks/results, so that an
interrupted study goes on where it stopped.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from _results import hash_of_code, kept, kept_object
from _study import hash_of, params_of
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from sklearn_ecg import MSAICNetClassifier, SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.datasets import load_ptbxl
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageRenderer

FULL = "SimCardioNet, full"
SIGNALS = "MSAIC-Net on the signals"
AT_ONCE = {"unfreeze_interval": 0}
FROM_SCRATCH = {**AT_ONCE, "encoder_learning_rate": 1e-3, "layer_decay": 1.0}
# Parameters of the encoder and of the classifier, and the number of seeds.
ARMS = {
    FULL: ({}, {}, 3),
    "without pretraining": ({"max_epochs": 0}, {}, 3),
    "without attention": ({"n_heads": 0}, {}, 1),
    "without unfreezing": ({}, AT_ONCE, 1),
    "InfoNCE only": ({"contrastive_weight": 1.0}, {}, 1),
    "cosine only": ({"contrastive_weight": 0.0}, {}, 1),
    "linear probe": ({}, {"frozen": True}, 3),
    "linear probe of a random start": ({"max_epochs": 0}, {"frozen": True}, 3),
    "from scratch, all stages at once": ({"max_epochs": 0}, FROM_SCRATCH, 3),
    SIGNALS: (None, {}, 3),
}
METRICS = {
    "accuracy": accuracy_score,
    "macro precision": partial(precision_score, average="macro", zero_division=0),
    "macro recall": partial(recall_score, average="macro"),
    "macro F1": partial(f1_score, average="macro"),
}


def load(folder, task, image_size):
    ecg = load_ptbxl(folder, task=task, folds=list(range(1, 10)), n_jobs=2)
    renderer = ECGImageRenderer(sampling_rate=100, image_size=image_size)
    return ecg, renderer.fit_transform(np.asarray(ecg.data))


def pretrained(params, seed, images, train, args, key):
    """An encoder, and the seconds of its pretraining."""
    torch.set_num_threads(args.threads)
    encoder = SimCardioNetEncoder(image_size=None, max_epochs=args.epochs, random_state=seed)
    encoder.set_params(**params)
    made_by = f"{params_of(encoder)} on {key}"
    return kept_object(made_by, lambda: timed(encoder.fit, images[train]))


def study_arm(name, seed, signals, images, y, train, args, key):
    """Probabilities of the tested records, and seconds of pretraining and of fine-tuning."""
    torch.set_num_threads(args.threads)
    of_encoder, of_classifier, _ = ARMS[name]
    options = {"max_epochs": args.fine_epochs, "random_state": seed}
    if name == SIGNALS:
        X, estimator, seconds = signals, MSAICNetClassifier(**options), 0.0
    else:
        X = images
        fitted, seconds = pretrained(of_encoder, seed, images, train, args, key)
        estimator = SimCardioNetClassifier(FrozenEstimator(fitted), **options, **of_classifier)

    def fit():
        fitted, tuning = timed(estimator.fit, X[train], y[train])
        n_weights = sum(p.numel() for p in fitted.net_.module_.parameters())
        probability = fitted.predict_proba(X[~train])
        return {"probability": probability, "seconds": seconds + tuning, "n_weights": n_weights}

    return kept(None, f"{params_of(estimator)} on {key}", fit)


def timed(function, *data):
    start = time.process_time()
    return function(*data), time.process_time() - start


def report(rows, y, patients):
    """Print scores with intervals, and differences of the AUROC to the full model."""
    at_random = {"groups": patients, "random_state": 0}
    metrics = {"AUROC": roc_auc_score, "AUPRC": average_precision_score}
    if y.ndim == 1:
        metrics = {"AUROC": roc_auc_score, **METRICS}
    print(f"  {'':34}" + "".join(f"{c:22}" for c in metrics) + f"{'AUROC - full':24}s      AUROCs")
    for name, found in rows.items():
        line = f"  {name:34}"
        scores = in_seeds(found)
        for title, metric in metrics.items():
            values = scores if title in ("AUROC", "AUPRC") else (scores > 0.5).astype(int)
            interval = bootstrap_interval(partial(mean_of, metric), y, values, **at_random)
            line += f"{interval!s:22}"
        difference = ""
        if name != FULL and FULL in rows:
            of_both = scores, in_seeds(rows[FULL][: len(found)])
            metric = partial(mean_of, roc_auc_score)
            difference = bootstrap_difference(metric, y, *of_both, **at_random)
        seconds = np.mean([f["seconds"] for f in found])
        each = " ".join(f"{mean_of(roc_auc_score, y, in_seeds([f])):.3f}" for f in found)
        print(f"{line}{difference!s:24}{seconds:<7.0f}{each}  {found[0]['n_weights']:,} weights")


def in_seeds(found):
    """Probabilities (n_records, n_seeds * n_labels), of the positive class where there is one.

    Labels stay as they are, unlike those of `_study.side_by_side`: resamples are stratified by
    them in the rows of several seeds as in those of one.
    """
    parts = [f["probability"] for f in found]
    if found[0]["probability"].shape[1] == 2:
        parts = [p[:, 1:] for p in parts]
    return np.concatenate(parts, axis=1)


def mean_of(metric, y, values):
    """Mean over seeds and labels."""
    y = y.reshape(len(y), -1)
    n_seeds = values.shape[1] // y.shape[1]
    return np.mean([metric(a, b) for a, b in zip(np.tile(y, n_seeds).T, values.T)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--image-size", type=int, default=112)
    parser.add_argument("--epochs", type=int, default=30, help="of pretraining")
    parser.add_argument("--fine-epochs", type=int, default=30, help="of fine-tuning")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="only these, by name")
    parser.add_argument("--tasks", nargs="+", default=["mi", "superclass"])
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    n_seeds = 3
    if args.quick:
        args.epochs, args.fine_epochs, args.tasks, n_seeds = 3, 12, ["mi"], 1
        args.arms = [FULL, "without pretraining", "linear probe", SIGNALS]
    code = hash_of_code("preprocessing/*.py", "datasets/*.py")
    parallel = Parallel(n_jobs=args.workers, return_as="generator")
    for task in args.tasks:
        ecg, images = load(args.folder, task, args.image_size)
        train, y = ecg.folds <= 8, np.asarray(ecg.target)
        print(f"\n{task}: {train.sum()} records trained on, {(~train).sum()} tested, of fold 9")
        jobs = [
            (name, seed)
            for seed in range(n_seeds)
            for name in args.arms
            if seed < ARMS[name][2] and (task == "mi" or (name in (FULL, SIGNALS) and seed == 0))
        ]
        signals = np.asarray(ecg.data)
        key = f"data {hash_of(signals, images, y, train)}, {args.threads} thread(s), code {code}"
        # First the encoders, each once, that several arms share.
        encoders = [(ARMS[name][0], seed) for name, seed in jobs if ARMS[name][0] is not None]
        encoders = [encoder for i, encoder in enumerate(encoders) if encoder not in encoders[:i]]
        for _ in parallel(
            delayed(pretrained)(params, seed, images, train, args, key) for params, seed in encoders
        ):
            print("  an encoder is pretrained", flush=True)
        made = parallel(
            delayed(study_arm)(name, seed, signals, images, y, train, args, key)
            for name, seed in jobs
        )
        rows = {}
        # `made` first: exhausted, it lets `parallel` start on the next task.
        for found, (name, seed) in zip(made, jobs):
            rows.setdefault(name, []).append(found)
            print(f"  {name}, seed {seed} done", flush=True)
        rows = {name: rows[name] for name in ARMS if name in rows}
        report(rows, y[~train], ecg.groups[~train])


if __name__ == "__main__":
    main()
