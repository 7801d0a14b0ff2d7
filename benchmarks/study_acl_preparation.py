"""ACL-ECG on raw and on filtered records, by linear probes: what each step of preparation brings.

    python benchmarks/study_acl_preparation.py DATA_FOLDER --write

DATA_FOLDER and labels are those of study_acl.py. Records are raw; band-pass filtered; filtered and
standardized per lead; and, last, more records are pretrained on, which exist only in the last form.
Encoders have ``backbone="strided"`` and three seeds. Each share of the labels is drawn five times
by patient, and all draws share the encoders. Embeddings are standardized on the records to pretrain
on. Scores are those of fold 9, on which nothing is chosen. Finished encoders are kept in
benchmarks/results.
"""

import argparse

from _results import RESULTS, Kept, code_hash
from _study import hash_arrays, stack_seeds
from _tables import Table, drop_zeros, make_rst, write_tables
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from study_acl import DATA, FAST, FRACTIONS, FULL, PAGE, RANDOM, draw, load, pretrain

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

STEPS = dict(zip(DATA, ("raw", "+ filter", "+ standardized leads", "+ 1,323 records")))
ARMS = {RANDOM: {**FAST, "max_epochs": 0}, FULL: FAST}
N_ENCODERS, N_DRAWS = 3, 5


def embed(params, seed, data, args, key, **kind):
    """Return the embedding of PTB-XL, standardized on the records to pretrain on."""
    encoder, key = pretrain(params, seed, data, args, key, **kind)

    def compute():
        scaler = StandardScaler().fit(encoder.transform(data.unlabeled))
        return {"embedding": scaler.transform(encoder.transform(data.X))}

    return args.kept.arrays(f"standardized embedding, {key}", compute)["embedding"]


def probe(embedding, data, fraction):
    """Return the probabilities of fold 9, by a linear probe of each draw of the labels."""
    found = []
    for seed in range(1 if fraction == 1 else N_DRAWS):
        train = draw(data, fraction, seed)
        model = OneVsRestClassifier(LogisticRegression(C=0.01, max_iter=2000))
        model.fit(embedding[train], data.y[train])
        found.append(model.predict_proba(embedding[data.folds == 9]))
    return found


def make_table(found, data, fraction):
    """Return the scores of one share of the labels, with differences from the step before.

    `found` are the probabilities of each encoder and draw, by arm and by step.
    """
    test, rows = data.folds == 9, []
    y, options = data.y[test], {"groups": data.patients[test], "random_state": 0}
    for arm, of_steps in found.items():
        before = None
        for step, probabilities in of_steps.items():
            target, stacked = stack_seeds(y, probabilities)
            cells = [bootstrap_interval("roc_auc", target, stacked, **options)]
            cells.append(bootstrap_interval("average_precision", target, stacked, **options))
            cells.append("")
            if before is not None:
                cells[-1] = bootstrap_difference("roc_auc", target, stacked, before, **options)
            cells.append("")
            if arm != RANDOM and step in found[RANDOM]:
                other = stack_seeds(y, found[RANDOM][step])[1]
                cells[-1] = bootstrap_difference("roc_auc", target, stacked, other, **options)
            rows.append([f"{arm}, {step}", *map(drop_zeros, cells)])
            before = stacked
    n_records = sorted({len(draw(data, fraction, seed)) for seed in range(N_DRAWS)})
    numbers = " to ".join(map(str, [n_records[0], *n_records[1:][-1:]]))
    title = f"{fraction:.0%} of the labels: {numbers} records"
    header = ("", "AUROC", "AUPRC", "AUROC minus the step before", "AUROC minus a random start")
    alt = f"Scores and differences of each step of preparation with intervals, {title}."
    return Table(title, header, rows, forest=alt)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of pretraining")
    parser.add_argument("--seeds", type=int, default=N_ENCODERS, help="of the encoders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the tables of the page")
    args = parser.parse_args()
    args.kept = Kept(RESULTS)
    code = code_hash("preprocessing", "beats", "datasets")
    found = {fraction: {arm: {} for arm in ARMS} for fraction in FRACTIONS}
    for which, step in STEPS.items():
        data = load(args.folder, which)
        key = f"{which}, data {hash_arrays(data.unlabeled, data.X, data.y)}, code {code}"
        print(f"{which}: {len(data.unlabeled)} records to pretrain on", flush=True)
        for arm, params in ARMS.items():
            for seed in range(args.seeds):
                embedding = embed(params, seed, data, args, key)
                for fraction in FRACTIONS:
                    of_steps = found[fraction][arm]
                    of_steps.setdefault(step, []).extend(probe(embedding, data, fraction))
                print(f"  {arm}, seed {seed}", flush=True)
    tables = [make_table(found[fraction], data, fraction) for fraction in FRACTIONS]
    print(*map(make_rst, tables), sep="\n")
    if args.write:
        command = f"study_acl_preparation.py DATA_FOLDER --epochs {args.epochs}"
        command += f" --seeds {args.seeds}" if args.seeds != N_ENCODERS else ""
        write_tables(PAGE, "preparation", tables, command)


if __name__ == "__main__":
    main()
