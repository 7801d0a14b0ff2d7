"""Choices and tables of the study of pretraining."""

import numpy as np
from _pretraining_data import FRACTIONS
from _pretraining_fits import CS, ENCODERS, SEPARATED, TUNED, TUNING
from _rates import log_loss_of_labels
from _study import stack_seeds
from _tables import Table, drop_zeros
from sklearn.metrics import roc_auc_score

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

DIFFERENCES = tuple(
    f"AUROC difference from {name}" for name in ("the random start", "the features", "the probe")
)


def mean_scores(data, split, results):
    """Return mean AUROC, mean log loss and probabilities by name without the seed."""
    y, seeds = data.y[data.test(split)], {}
    for name, result in results.items():
        if result is not None:
            seeds.setdefault(name[:-1], []).append(result["probability"])
    return {
        name: (
            np.mean([roc_auc_score(y, p) for p in rows]),
            np.mean([log_loss_of_labels(y, p) for p in rows]),
            rows,
        )
        for name, rows in seeds.items()
    }


def choose_C(data, results):
    """Print the scores of the penalties on folds 5-6, and return the best by mean AUROC."""
    print("\nLinear probes, trained on folds 1-4, tested on 5-6: AUROC (log loss) by C")
    scores, total = mean_scores(data, "choose", results), {}
    y = data.y[data.test("choose")]
    train = data.draw("choose", 1.0, 0)
    prior = log_loss_of_labels(y, np.tile(data.y[train].mean(axis=0), (len(y), 1)))
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
        prior = log_loss_of_labels(y, np.tile(data.y[data.folds <= 8].mean(axis=0), (len(y), 1)))
        n_records = " to ".join(map(str, [n_train[0], *n_train[1:][-1:]]))
        title = f"{fraction:.0%} of the labels: {n_records} records"
        print(f"\n{title}; fold 9, {len(y)} records; last, the AUROC of each draw")
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
        of_shares = f"log loss of the shares of the labels: {drop_zeros(f'{prior:.3f}')}"
        tables.append(Table(f"{title}; {of_shares}", header, lines, forest=alt))
    return tables


def gap_table(encoders):
    print("\ninter='separate' (strided): final train_inter - train_intra, in nats")
    for name in SEPARATED:
        result = encoders.get((name, "test"))
        if result is not None:
            inter, intra = result["history_train_inter"], result["history_train_intra"]
            print(f"  {name:28}{inter[-1] - intra[-1]:.4f}  (inter {inter[-1]:.3f})")
