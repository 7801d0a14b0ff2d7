"""SimCardioNet compared with its ablations, and with MSAIC-Net on the same records as signals.

    python benchmarks/study_simcardio.py PTB_XL_FOLDER            # the tables
    python benchmarks/study_simcardio.py PTB_XL_FOLDER --quick    # ten minutes, to check it runs
    python benchmarks/study_simcardio.py PTB_XL_FOLDER --image-size 224 --epochs 200    # on a GPU
    python benchmarks/study_simcardio.py PTB_XL_FOLDER --prints FOLDER    # printed ECGs

Records are rendered as images of ECG paper. Encoders are pretrained on the images of folds 1-8,
without labels, and fine-tuned on the same images. Scores are those of fold 9, as means over seeds,
with percentile bootstrap intervals over patients. All arms are evaluated on infarction against
normal, the full model also on the five superclasses (multilabel). Arms with the same pretraining
share it. Accuracy, precision, recall and F1 use a probability threshold of 0.5: the loss of
MSAIC-Net is weighted for balance and that of SimCardioNet is not, so compare these metrics only
among the arms of one method. Nothing was chosen on fold 9. Each finished fit is cached in
benchmarks/results, so that an interrupted study continues where it stopped. After ``--max-seconds``
no fit is started. ``--write`` replaces the tables of these records in
docs/reproduction/simcardio.rst; they have the arms and seeds that are finished, and ``--report``
makes them without another fit.

``--prints`` trains on printed ECGs of four classes instead, by three-fold cross-validation, and
writes its tables to docs/reproduction/simcardio.rst; see _prints_study.py. ``--parts`` runs only
these parts, none for the tables of the fits that are complete. ``--grouped`` compares pretraining
with a random start with copies of an image, or pages with the same number, in one fold instead, and
``--external`` trains on all different prints and tests on rendered records of PTB-XL; each has a
table of its own. ``--code`` uses the fits of an earlier version of the library, after one of them
was repeated with the present version and was equal.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from _arms import TABLED
from _prints import Prints
from _prints_study import Study, draw_heat_maps
from _prints_tables import PARTS, table_of_external, table_of_grouped, tables_of_prints
from _results import RESULTS, Kept, code_hash
from _study import gather_finished, hash_arrays, list_params, mean_over_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
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
ALL_STAGES_AT_ONCE = {"unfreeze_interval": 0}
FROM_SCRATCH = {**ALL_STAGES_AT_ONCE, "encoder_learning_rate": 1e-3, "layer_decay": 1.0}
# Parameters of the encoder and of the classifier, and number of seeds.
ARMS = {
    FULL: ({}, {}, 3),
    "without pretraining": ({"max_epochs": 0}, {}, 3),
    "without attention": ({"n_heads": 0}, {}, 1),
    "without unfreezing": ({}, ALL_STAGES_AT_ONCE, 1),
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


def make_encoder(params, seed, args):
    encoder = SimCardioNetEncoder(
        image_size=None, max_epochs=args.epochs, n_threads=None, random_state=seed
    )
    return encoder.set_params(**params)


def pretrain(encoder, images, train, kept, args, key):
    """Return a fitted encoder, and the seconds of its pretraining. None if there is no time."""
    torch.set_num_threads(args.threads)
    key = f"{list_params(encoder)} on {key}"
    return kept.object(key, lambda: timed(encoder.fit, images[train]))


def study_arm(name, seed, signals, images, y, train, args, key):
    """Return probabilities of the test records, the seconds of training, and the weights.

    None if there is no time.
    """
    torch.set_num_threads(args.threads)
    encoder_params, classifier_params, _ = ARMS[name]
    options = {"max_epochs": args.fine_epochs, "n_threads": None, "random_state": seed}
    encoder, X = None, images
    if name == SIGNALS:
        X, estimator = signals, MSAICNetClassifier(**options, **TABLED)
    else:
        encoder = make_encoder(encoder_params, seed, args)
        estimator = SimCardioNetClassifier(FrozenEstimator(encoder), **options, **classifier_params)
    key_of_arm = f"{list_params(estimator)} on {key}"

    def fit():
        seconds = 0.0
        if encoder is not None:
            # The key is that of the parameters, which are the same before and after pretraining.
            pretrained, seconds = pretrain(encoder, images, train, Kept(RESULTS), args, key)
            estimator.set_params(encoder=FrozenEstimator(pretrained))
        fitted, fit_seconds = timed(estimator.fit, X[train], y[train])
        n_weights = sum(p.numel() for p in fitted.net_.module_.parameters())
        probability = fitted.predict_proba(X[~train])
        return {
            "probability": probability,
            "seconds": seconds + fit_seconds,
            "n_weights": n_weights,
        }

    return args.kept.arrays(key_of_arm, fit)


def timed(function, *data):
    """Return the result of a function and the processor time that it took."""
    start = time.process_time()
    return function(*data), time.process_time() - start


def report(rows, y, patients, title):
    """Return a table of scores with intervals, and of differences of the AUROC from the full model.

    It is also printed.
    """
    options = {"groups": patients, "random_state": 0}
    metrics = {"AUROC": roc_auc_score, "AUPRC": average_precision_score}
    if y.ndim == 1:
        metrics = {"AUROC": roc_auc_score, **METRICS}
    lines = []
    for name, found in rows.items():
        cells, scores = [], concatenate_seeds(found)
        for label, metric in metrics.items():
            values = scores if label in ("AUROC", "AUPRC") else (scores > 0.5).astype(int)
            metric = partial(mean_over_seeds, metric)
            cells.append(bootstrap_interval(metric, y, values, **options))
        difference = ""
        if name != FULL and FULL in rows:
            of_both = scores, concatenate_seeds(rows[FULL][: len(found)])
            metric = partial(mean_over_seeds, roc_auc_score)
            difference = bootstrap_difference(metric, y, *of_both, **options)
        seconds = np.mean([f["seconds"] for f in found])
        each = " ".join(
            f"{mean_over_seeds(roc_auc_score, y, concatenate_seeds([f])):.3f}" for f in found
        )
        cells += [difference, f"{seconds:.0f}", f"{found[0]['n_weights']:,}", each]
        lines.append([name, *map(drop_zeros, cells)])
    header = ("", *metrics, "AUROC difference from full", "s", "weights", "AUROC by seed")
    alt = f"Scores and differences of each arm with intervals, {title}."
    table = Table(title, header, lines, forest=alt)
    print(make_rst(table))
    return table


def concatenate_seeds(found):
    """Return probabilities (n_records, n_seeds * n_labels), of the positive class if binary.

    Unlike in `_study.stack_seeds`, labels are not repeated, so that resamples are stratified by
    them for several seeds as for one.
    """
    parts = [f["probability"] for f in found]
    if found[0]["probability"].shape[1] == 2:
        parts = [p[:, 1:] for p in parts]
    return np.concatenate(parts, axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="PTB-XL folder in its published layout")
    parser.add_argument("--image-size", type=int, default=112)
    parser.add_argument("--epochs", type=int, default=30, help="epochs of pretraining")
    parser.add_argument("--fine-epochs", type=int, default=30, help="epochs of fine-tuning")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="only these, by name")
    parser.add_argument("--tasks", nargs="+", default=["mi", "superclass"])
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--seeds", type=int, default=3, help="at most, of each arm")
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="fit nothing")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    parser.add_argument("--prints", metavar="FOLDER", help="folder of printed ECGs")
    parser.add_argument(
        "--parts",
        nargs="*",
        default=PARTS,
        choices=PARTS,
        help="of --prints; of other parts, the tables have what is complete",
    )
    parser.add_argument(
        "--code",
        metavar="HASH",
        help="of --prints: use the fits of this earlier version, if one repeated fit is equal",
    )
    parser.add_argument(
        "--grouped", action="store_true", help="of --prints: pretraining, tested by groups"
    )
    parser.add_argument(
        "--external", action="store_true", help="of --prints: test on rendered records instead"
    )
    parser.add_argument("--heat-maps", metavar="PNG", help="draw Grad-CAM of five prints instead")
    args = parser.parse_args()
    if args.prints:
        prints = Prints(args.prints, args.folder)
        if args.heat_maps:
            share, of_classes = draw_heat_maps(prints, args.heat_maps, code=args.code)
            rows = [[name.replace("_", " "), f"{heat:.0%}"] for name, heat in of_classes.items()]
            title = (
                f"Mean share of the heat in header and footer, which are {share:.0%} of the area"
            )
            table = Table(title, ("class", "heat"), rows)
            print(make_rst(table))
            command = "study_simcardio.py PTB_XL_FOLDER --prints FOLDER --heat-maps PNG"
            write_tables("reproduction/simcardio.rst", "heat", [table], command)
            return
        for name, make in (("grouped", table_of_grouped), ("external", table_of_external)):
            if getattr(args, name):
                table = make(Study(prints, code=args.code))
                print(make_rst(table))
                command = f"study_simcardio.py PTB_XL_FOLDER --prints FOLDER --{name}"
                write_tables("reproduction/simcardio.rst", name, [table], command)
        if args.grouped or args.external:
            return
        tables = tables_of_prints(prints, parts=args.parts, code=args.code)
        print(*[part if isinstance(part, str) else make_rst(part) for part in tables], sep="\n")
        command = "study_simcardio.py PTB_XL_FOLDER --prints FOLDER"
        write_tables("reproduction/simcardio.rst", "prints", tables, command)
        return
    args.kept = Kept(RESULTS, args.max_seconds, args.report)
    if args.quick:
        args.epochs, args.fine_epochs, args.tasks, args.seeds = 3, 12, ["mi"], 1
        args.arms = [FULL, "without pretraining", "linear probe", SIGNALS]
    code = code_hash("preprocessing", "paper", "datasets")
    parallel = Parallel(n_jobs=args.workers, return_as="generator")
    for task in args.tasks:
        ecg, images = load(args.folder, task, args.image_size)
        train, y = ecg.folds <= 8, np.asarray(ecg.target)
        print(f"\n{task}: {train.sum()} training records, {(~train).sum()} test records (fold 9)")
        jobs = [
            (name, seed)
            for seed in range(args.seeds)
            for name in args.arms
            if seed < ARMS[name][2] and (task == "mi" or (name in (FULL, SIGNALS) and seed == 0))
        ]
        signals = np.asarray(ecg.data)
        key = (
            f"data {hash_arrays(signals, images, y, train)}, {args.threads} thread(s), code {code}"
        )
        # Several arms share an encoder, which parallel processes must not pretrain twice.
        encoders = [(ARMS[name][0], seed) for name, seed in jobs if ARMS[name][0] is not None]
        encoders = [encoder for i, encoder in enumerate(encoders) if encoder not in encoders[:i]]
        if args.workers > 1 and not args.report:
            for pretrained in parallel(
                delayed(pretrain)(make_encoder(*encoder, args), images, train, args.kept, args, key)
                for encoder in encoders
            ):
                if pretrained is not None:
                    print("  pretrained an encoder", flush=True)
        completed = parallel(
            delayed(study_arm)(name, seed, signals, images, y, train, args, key)
            for name, seed in jobs
        )
        rows = gather_finished(completed, jobs, task)
        rows = {name: rows[name] for name in ARMS if name in rows}
        title = f"{train.sum():,} training records, {(~train).sum()} test records"
        table = report(rows, y[~train], ecg.groups[~train], title)
        if args.write:
            options = f" --image-size {args.image_size} --epochs {args.epochs}"
            command = f"study_simcardio.py PTB_XL_FOLDER{options}"
            write_tables("reproduction/simcardio.rst", task, [table], command)


if __name__ == "__main__":
    main()
