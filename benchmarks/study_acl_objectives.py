"""ACL-ECG compared with other objectives, without single transforms, and with harder tasks.

    python benchmarks/study_acl_objectives.py DATA_FOLDER --write

DATA_FOLDER and labels are those of study_acl.py. Records are band-pass filtered and standardized
per lead, and encoders have ``backbone="strided"``. Each share of the labels is drawn five times by
patient, and embeddings are standardized on the records to pretrain on. Scores are those of linear
probes on fold 9, on which nothing is chosen, as means over seeds and draws. Differences are paired.
Finished encoders are kept in benchmarks/results, and after ``--max-seconds`` no other is started.
"""

import argparse
import time

import numpy as np
from _masked_latent import MaskedLatentEncoder
from _results import RESULTS, Kept, code_hash
from _study import hash_arrays, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from study_acl import FAST, FRACTIONS, FULL, PAGE, RANDOM, load, pretrain
from study_acl_preparation import embed, probe

from sklearn_ecg import REGIONS_8
from sklearn_ecg.augmentation import CardiacCycleMask, RandomScaleCrop, TemporalShift
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

DATA, N_SEEDS = "filtered leads", 2
LEADS = [lead for leads in REGIONS_8.values() for lead in leads]
TRANSFORMS = {
    "crop": RandomScaleCrop(),
    "mask": CardiacCycleMask(sampling_rate=100),
    "shift": TemporalShift(sampling_rate=100),
}


def without(name):
    return [transform for key, transform in TRANSFORMS.items() if key != name]


# The class of the encoder is that of ACL-ECG unless it is given as "kind". All pairs of views of
# eight leads have the same weight with gamma=1/15.
GROUPS = {
    "Objectives": {
        "intra only": {"gamma": 1.0},
        "inter only": {"gamma": 0.0},
        "SimCLR": {"objective": "simclr"},
        "CLOCS": {"objective": "clocs"},
        "CLOCS, one encoder, no transforms": {
            "objective": "clocs",
            "gamma": 1 / 15,
            "shared_encoder": True,
            "augmentation": [],
        },
        "LFBT": {"objective": "lfbt", "gamma": 0.8},
        "LFBT, 2048 features": {"objective": "lfbt", "gamma": 0.8, "projection_dim": 2048},
    },
    "Transforms": {
        "without crop": {"augmentation": without("crop")},
        "without mask": {"augmentation": without("mask")},
        "without shift": {"augmentation": without("shift")},
        "crop only": {"augmentation": [TRANSFORMS["crop"]]},
        "mask only": {"augmentation": [TRANSFORMS["mask"]]},
        "shift only": {"augmentation": [TRANSFORMS["shift"]]},
        "no transform": {"augmentation": []},
    },
    "Harder tasks": {
        "batches of 256": {"batch_size": 256},
        "batches of 256, twice the rate": {"batch_size": 256, "learning_rate": 2e-3},
        "single leads": {"regions": {lead: [lead] for lead in LEADS}},
        "across single leads": {"regions": {lead: [lead] for lead in LEADS}, "gamma": 0.0},
        "predict hidden leads": {"kind": MaskedLatentEncoder},
    },
}
ALL = {FULL: {}, RANDOM: {"max_epochs": 0}, **{k: v for g in GROUPS.values() for k, v in g.items()}}


def fit_arm(name, seed, data, args, key):
    """Return probabilities for fold 9 by share of the labels, and a loss; None without time."""
    params = {**FAST, **ALL[name]}
    kind = {"kind": params.pop("kind")} if "kind" in params else {}
    args.kept = Kept(RESULTS, args.deadline - time.time(), args.report)
    encoder, _ = pretrain(params, seed, data, args, key, **kind)
    if encoder is None:
        return None
    # Embeddings and probes are fast.
    args.kept = Kept(RESULTS)
    embedding = embed(params, seed, data, args, key, **kind)
    found = {fraction: probe(embedding, data, fraction) for fraction in FRACTIONS}
    found["intra"] = encoder.history_.get("train_intra", [np.nan])[-1]
    return found


def make_table(title, names, found, data):
    """Return the scores of a group of arms, with differences from ACL-ECG.

    Parameters
    ----------
    title : str
    names : list of str
    found : dict of dict of dict
        Probabilities of fold 9 for each draw, by arm, by seed, and by share of the labels.
    data : Data
    """
    test, rows = data.folds == 9, []
    y, options = data.y[test], {"groups": data.patients[test], "random_state": 0}
    for name in (FULL, RANDOM, *names):
        by_seed = found.get(name, {})
        if not by_seed:
            continue
        cells = [name, str(len(by_seed))]
        for fraction in FRACTIONS:
            target, stacked = stack_seeds(y, [p for s in by_seed.values() for p in s[fraction]])
            cells.append(drop_zeros(bootstrap_interval("roc_auc", target, stacked, **options)))
            cells.append("")
            if name != FULL and set(by_seed) <= set(found[FULL]):
                ours = [p for seed in by_seed for p in found[FULL][seed][fraction]]
                other = stack_seeds(y, ours)[1]
                difference = bootstrap_difference("roc_auc", target, stacked, other, **options)
                cells[-1] = drop_zeros(difference)
        rows.append(cells)
    header = ["", "seeds"]
    for fraction in FRACTIONS:
        header += [f"AUROC, {fraction:.0%} of the labels", f"minus {FULL}"]
    return Table(title, header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of pretraining")
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="pretrain nothing")
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    args.deadline = time.time() + args.max_seconds
    data = load(args.folder, DATA)
    code = code_hash("preprocessing", "beats", "datasets")
    key = f"{DATA}, data {hash_arrays(data.unlabeled, data.X, data.y)}, code {code}"
    found = {}
    for seed in range(args.seeds):
        for name in ALL:
            results = fit_arm(name, seed, data, args, key)
            if results is not None:
                found.setdefault(name, {})[seed] = results
                print(f"  seed {seed}, {name}: intra {results['intra']:.2f}", flush=True)
    if not found.get(FULL):
        parser.exit(1, f"The encoder of {FULL} is not finished.\n")
    tables = [make_table(title, list(arms), found, data) for title, arms in GROUPS.items()]
    print(*map(make_rst, tables), sep="\n")
    if args.write:
        command = f"study_acl_objectives.py DATA_FOLDER --epochs {args.epochs}"
        command += f" --seeds {args.seeds}" if args.seeds != N_SEEDS else ""
        write_tables(PAGE, "objectives", tables, command)


if __name__ == "__main__":
    main()
