"""How many labels pretraining with ACL-ECG replaces: label-efficiency curves and their distance.

    python benchmarks/study_acl_labels.py DATA_FOLDER --write

DATA_FOLDER and labels are those of study_acl.py. Records are band-pass filtered and standardized
per lead, and encoders have ``backbone="strided"`` and three seeds; those of
study_acl_preparation.py are used again. Linear probes of them, and of their random starts, are
fitted with 1 to 100 % of the labels, of which each share is drawn five times by patient. Networks
are also trained from scratch, one per draw. Scores are those of fold 9, on which nothing is chosen.

The factor of n labels is k if the mean curve without pretraining, linear in the logarithm of the
number of labels, reaches the score of pretraining with n labels at k times n labels. Its interval
is of a bootstrap over the patients of fold 9 and over the draws, which all curves share. Finished
fits are kept in benchmarks/results.
"""

import argparse

import numpy as np
from _results import RESULTS, Kept, code_hash
from _study import hash_arrays, list_params
from _tables import Table, drop_zeros, make_rst, write_tables
from scipy.stats import rankdata
from sklearn.frozen import FrozenEstimator
from study_acl import FROM_SCRATCH, FULL, PAGE, RANDOM, draw, fine_tuned, load, pretrain
from study_acl_preparation import ARMS, N_DRAWS, N_ENCODERS, embed, probe

FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SCRATCH = "from scratch"
DATA, N_RESAMPLES = "filtered leads", 1000


def probabilities_of_probes(embedding, data):
    """Return the probabilities of fold 9 by fraction, of (n_draws, n_records, n_labels)."""
    found = {}
    for fraction in FRACTIONS:
        rows = probe(embedding, data, fraction)
        # All labels are drawn once.
        found[fraction] = np.array(rows * (N_DRAWS // len(rows)))
    return found


def probabilities_from_scratch(data, args, key):
    """Return the same of networks that start at random, one for each draw."""
    found = {fraction: [] for fraction in FRACTIONS}
    for seed in range(N_DRAWS):
        encoder, encoder_key = pretrain(ARMS[RANDOM], seed, data, args, key)
        for fraction in FRACTIONS:
            train = draw(data, fraction, seed)
            model = fine_tuned(FrozenEstimator(encoder), seed, len(train), rates=FROM_SCRATCH)

            def compute(train=train, model=model):
                model.fit(data.X[train], data.y[train])
                return {"probability": model.predict_proba(data.X[data.folds == 9])}

            fit_key = f"{list_params(model)} on records {hash_arrays(train)}, {encoder_key}"
            found[fraction].append(args.kept.arrays(fit_key, compute)["probability"])
        print(f"  {SCRATCH}, seed {seed}", flush=True)
    return {fraction: np.array(rows) for fraction, rows in found.items()}


def macro_auroc(y, probabilities):
    """Return the AUROC of several predictions, means over labels, from the ranks of records.

    Parameters
    ----------
    y : ndarray of shape (n_records, n_labels)
    probabilities : ndarray of shape (n_predictions, n_records, n_labels)

    Returns
    -------
    scores : ndarray of shape (n_predictions,)
    """
    ranks = rankdata(probabilities, axis=1)
    n_positive = y.sum(axis=0)
    above = (ranks * y).sum(axis=1) - n_positive * (n_positive + 1) / 2
    return (above / (n_positive * (len(y) - n_positive))).mean(axis=1)


def find_factor(score, n_labels, other_labels, curve):
    """Return how many times as many labels a curve needs for a score.

    It is infinite if the curve has too few labels, and 0 if it is above the score with the fewest.

    Parameters
    ----------
    score : float
        Of `n_labels` labels.
    n_labels : float
    other_labels, curve : ndarray of shape (n_points,)
        Labels and scores of the curve, of which the former increase. Scores that fall below that of
        fewer labels are raised to it.
    """
    curve = np.maximum.accumulate(curve)
    if score > curve[-1]:
        return np.inf
    after = int(np.argmax(curve >= score))
    if after == 0:
        return 0.0 if curve[0] > score else other_labels[0] / n_labels
    low, high = curve[after - 1 : after + 1]
    first, last = np.log(other_labels[after - 1 : after + 1])
    return float(np.exp(first + (score - low) / (high - low) * (last - first)) / n_labels)


def compare_curves(found, data):
    """Return the curve of each arm: of all draws and records, and of resamples of both.

    Parameters
    ----------
    found : dict of dict
        Probabilities of fold 9 by arm and by share of the labels, (n_fits, n_records, n_labels):
        those of all draws for each encoder, one encoder after the other.
    data : Data

    Returns
    -------
    curves : dict of ndarray of shape (1 + n_resamples, n_shares)
    """
    test = data.folds == 9
    y, patients = data.y[test], data.patients[test]
    indices = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    rng = np.random.default_rng(0)
    samples = [(np.arange(len(y)), np.arange(N_DRAWS))]
    while len(samples) <= N_RESAMPLES:
        chosen = rng.integers(len(indices), size=len(indices))
        records = np.concatenate([indices[i] for i in chosen])
        if (y[records].any(axis=0) & ~y[records].all(axis=0)).all():
            samples.append((records, rng.integers(N_DRAWS, size=N_DRAWS)))
    return {
        arm: np.array(
            [
                [mean_over_draws(y[records], p[:, records], draws) for p in by_share.values()]
                for records, draws in samples
            ]
        )
        for arm, by_share in found.items()
    }


def mean_over_draws(y, probabilities, draws):
    """Return the mean AUROC of fits with some draws of the labels, of all encoders."""
    return macro_auroc(y, probabilities).reshape(-1, N_DRAWS)[:, draws].mean()


def percentiles(values):
    """Return the ends of the interval of 95 %; infinite values are the largest."""
    low, high = np.sort(values)[[int(0.025 * len(values)), int(np.ceil(0.975 * len(values))) - 1]]
    return low, high


def factor_text(factors, n_labels, fewest, most):
    """Return the factor of all records, and its interval; what is not reached is "more than"."""

    def text(value):
        if value == 0:
            return f"< {fewest / n_labels:.1f}"
        return f"> {most / n_labels:.1f}" if np.isinf(value) else f"{value:.1f}"

    low, high = percentiles(factors[1:])
    return f"{text(factors[0])} [{text(low)}, {text(high)}]"


def make_table(curves, n_labels):
    labels = np.array(list(n_labels.values()))
    rows = []
    for j, n in enumerate(labels):
        cells = [f"{n:,.0f}"]
        for arm in (FULL, RANDOM, SCRATCH):
            low, high = percentiles(curves[arm][1:, j])
            cells.append(f"{curves[arm][0, j]:.3f} [{low:.3f}-{high:.3f}]")
        for arm in (RANDOM, SCRATCH):
            factors = np.array(
                [
                    find_factor(ours[j], n, labels, other)
                    for ours, other in zip(curves[FULL], curves[arm])
                ]
            )
            # With all labels, the curve ends.
            text = factor_text(factors, n, labels[0], labels[-1])
            cells.append(text if j + 1 < len(labels) else "")
        rows.append([cells[0], *map(drop_zeros, cells[1:4]), *cells[4:]])
    header = ["labels", f"{FULL}, probe", f"{RANDOM}, probe", SCRATCH]
    header += [f"factor over the {RANDOM}", "factor over training from scratch"]
    return Table("", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="contains ptbxl, challenge2011 and ptbxl_z100")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of pretraining")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    args.kept = Kept(RESULTS)
    data = load(args.folder, DATA)
    code = code_hash("preprocessing", "beats", "datasets")
    key = f"{DATA}, data {hash_arrays(data.unlabeled, data.X, data.y)}, code {code}"
    found = {}
    for arm, params in ARMS.items():
        of_seeds = []
        for seed in range(N_ENCODERS):
            embedding = embed(params, seed, data, args, key)
            of_seeds.append(probabilities_of_probes(embedding, data))
            print(f"  {arm}, seed {seed}", flush=True)
        found[arm] = {f: np.concatenate([rows[f] for rows in of_seeds]) for f in FRACTIONS}
    found[SCRATCH] = probabilities_from_scratch(data, args, key)
    n_labels = {
        f: np.mean([len(draw(data, f, seed)) for seed in range(N_DRAWS)]) for f in FRACTIONS
    }
    table = make_table(compare_curves(found, data), n_labels)
    print(make_rst(table))
    if args.write:
        command = f"study_acl_labels.py DATA_FOLDER --epochs {args.epochs}"
        write_tables(PAGE, "labels", [table], command)


if __name__ == "__main__":
    main()
