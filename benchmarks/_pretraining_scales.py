"""Scales of MSAIC-Net and a pretrained network on infarction: fits and tables."""

import numpy as np
from _arms import TABLED
from _pretraining_fits import TUNING_BASE
from _study import hash_arrays, join_folds, split_folds, stack_seeds
from _tables import Table, drop_zeros
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_ecg import BeatFeatureClassifier, BeatFeatureEncoder, MSAICNetClassifier
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

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
    **TABLED,
    "dilations": (1, 2, 4, 8),
    "stride": 2,
    "pool_size": 2,
    "attention": "eca",
    "lead_attention": None,
}
SINGLE = {"dilations": (1,), "attention": None, "contrastive_weight": 0}
PAPER = "as in the paper"
KERNEL_3 = "kernel 3, dilations 1 and 2"
PRETRAINED = "strided, pretrained on beat features"
# Pairs of folds that are tested, by the first of them.
PAIRS = (1, 3, 5)
ROWS = {
    "CNN": SINGLE,
    "+ scales": {"attention": None, "contrastive_weight": 0},
    "+ channel attention": {"contrastive_weight": 0},
    "full": {},
    "full, lead attention": {"lead_attention": "eca"},
}


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


def scale_jobs(run, mi, data):
    """Return the fits that choose the scales of MSAIC-Net, on folds 1-6."""
    jobs = []
    order = [PAPER, *[scale for scale in SCALES if scale != PAPER]]
    for fold in PAIRS:
        train, test = split_folds(mi.folds, (fold, fold + 1), last=6)
        for scale in order:
            rows = ROWS if scale in (PAPER, KERNEL_3) else ("CNN", "full")
            for row in rows:
                params = {**SCALES[scale], **ROWS[row]}
                jobs.append(((scale, row, fold), (fit_msaic, run, mi, params, train, test, 0)))
        name = (PRETRAINED, "fine-tuned", fold)
        jobs.append((name, (fit_on_beat_features, run, mi, data, train, test, 0)))
    return jobs


def scale_table(mi, results):
    """Return the best of the complete candidates on folds 1-6, and a table of all."""
    best, chosen, rows = -1.0, None, []
    pairs = [(fold, fold + 1) for fold in PAIRS]
    for scale, row in dict.fromkeys(name[:2] for name in results):
        found = {pair: results.get((scale, row, pair[0])) for pair in pairs}
        probability = join_folds(mi.folds, found)
        run = [result for result in found.values() if result is not None]
        if not run:
            continue
        # Networks of different folds have different scales.
        scores = {"AUROC": [], "AUPRC": []}
        for pair in pairs:
            part = np.isin(mi.folds, pair)
            for name, metric in (("AUROC", roc_auc_score), ("AUPRC", average_precision_score)):
                value = metric(mi.y[part], probability[part]) if found[pair] is not None else np.nan
                scores[name].append(value)
        each = " ".join("-" if np.isnan(v) else f"{v:.3f}" for v in scores["AUROC"])
        # A mean over other folds than those of the other rows would be misleading.
        means = [np.mean(values) for values in scores.values()]
        cells = ["" if np.isnan(mean) else f"{mean:.3f}" for mean in means]
        n_parameters = f"{int(run[0]['n_parameters']):,}"
        seconds = f"{np.mean([result['seconds'] for result in run]):.0f}"
        cells = [cells[0], each, cells[1], n_parameters, seconds]
        rows.append([scale, row, *map(drop_zeros, cells)])
        if row == "full" and means[0] > best:
            best, chosen = means[0], scale
    header = ("", "", "AUROC", "folds 1-2, 3-4, 5-6", "AUPRC", "weights", "s")
    return chosen, Table("Infarction, folds 1-6, one seed", header, rows)


def test_jobs_of_scales(run, mi, data, chosen, seeds):
    """Return the fits of the chosen scales and of the pretrained network, for folds 7-9."""
    jobs = []
    for seed in seeds:
        for scale, row in ((chosen, "full"), (PRETRAINED, "fine-tuned"), (chosen, "CNN")):
            for fold in (7, 8, 9):
                train, test = split_folds(mi.folds, (fold,))
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
        name = "infarction", scale, row, seed
        found = {(fold,): results.get((*name, fold)) for fold in (7, 8, 9)}
        probability = join_folds(mi.folds, found)
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
