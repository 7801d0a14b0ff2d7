"""ACL-ECG pretrained for 5 to 200 epochs, by linear probes: what longer pretraining brings.

    python benchmarks/study_acl_epochs.py DATA_FOLDER --write

DATA_FOLDER and labels are those of study_acl.py. Records are band-pass filtered and standardized
per lead, and encoders have ``backbone="strided"``. Each share of the labels is drawn five times by
patient. Embeddings are standardized on the records to pretrain on. Scores are those of fold 9, on
which nothing is chosen. Finished encoders are kept in benchmarks/results, and after
``--max-seconds`` no other is started.
"""

import argparse

import numpy as np
from _results import RESULTS, Kept, code_hash
from _study import hash_arrays, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from study_acl import FAST, FRACTIONS, PAGE, load, pretrain
from study_acl_preparation import embed, probe

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

EPOCHS = (5, 20, 80, 200)
DATA, N_SEEDS = "filtered leads", 2


def make_table(found, losses, data):
    """Return the scores by number of epochs, with differences from the fewest.

    Parameters
    ----------
    found : dict of dict of dict
        Probabilities of fold 9 for each draw, by epochs, by seed, and by share of the labels.
    losses : dict of dict
        Losses of the last epoch, by epochs and by seed.
    data : Data
    """
    test, rows = data.folds == 9, []
    y, options = data.y[test], {"groups": data.patients[test], "random_state": 0}
    for epochs, by_seed in found.items():
        cells = [str(epochs), str(len(by_seed)), f"{np.mean(list(losses[epochs].values())):.2f}"]
        for fraction in FRACTIONS:
            ours = [p for of_shares in by_seed.values() for p in of_shares[fraction]]
            target, stacked = stack_seeds(y, ours)
            cells.append(bootstrap_interval("roc_auc", target, stacked, **options))
            cells.append("")
            fewest = found[min(found)]
            if epochs != min(found) and set(by_seed) <= set(fewest):
                # Of the same seeds.
                other = stack_seeds(y, [p for seed in by_seed for p in fewest[seed][fraction]])[1]
                cells[-1] = bootstrap_difference("roc_auc", target, stacked, other, **options)
        rows.append([*cells[:3], *map(drop_zeros, cells[3:])])
    header = ["epochs", "seeds", "loss"]
    for fraction in FRACTIONS:
        header += [f"AUROC, {fraction:.0%} of the labels", f"minus {min(found)} epochs"]
    return Table("", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--epochs", type=int, nargs="+", default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=np.inf)
    parser.add_argument("--report", action="store_true", help="pretrain nothing")
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    # Embeddings and probes are fast.
    embeddings, encoders = Kept(RESULTS), Kept(RESULTS, args.max_seconds, args.report)
    data = load(args.folder, DATA)
    code = code_hash("preprocessing", "beats", "datasets")
    key = f"{DATA}, data {hash_arrays(data.unlabeled, data.X, data.y)}, code {code}"
    found, losses = {}, {}
    for seed in range(args.seeds):
        for epochs in args.epochs:
            params = {**FAST, "max_epochs": epochs}
            args.kept = encoders
            encoder, _ = pretrain(params, seed, data, args, key)
            if encoder is None:
                continue
            args.kept = embeddings
            embedding = embed(params, seed, data, args, key)
            of_shares = {fraction: probe(embedding, data, fraction) for fraction in FRACTIONS}
            found.setdefault(epochs, {})[seed] = of_shares
            losses.setdefault(epochs, {})[seed] = encoder.history_["train_loss"][-1]
            print(f"  seed {seed}, {epochs} epochs", flush=True)
    if not found:
        parser.exit(1, "No encoder is finished.\n")
    found = dict(sorted(found.items()))
    table = make_table(found, losses, data)
    print(make_rst(table))
    if args.write:
        epochs = " ".join(map(str, args.epochs))
        command = f"study_acl_epochs.py DATA_FOLDER --epochs {epochs} --seeds {args.seeds}"
        write_tables(PAGE, "epochs", [table], command)


if __name__ == "__main__":
    main()
