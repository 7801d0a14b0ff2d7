"""Choices of parameters of MSAIC-Net on folds 1-6 of PTB-XL."""

import numpy as np
from _msaic_cohort import (
    BASE,
    CANDIDATES,
    CNN,
    CONTRASTIVE_WEIGHTS,
    DEFAULT,
    FULL,
    METRICS,
    NARROW,
    PAIRS,
    ROWS,
    SHORT,
    SIZES,
    WIDE,
)
from _tables import Table, drop_zeros

# What is compared on five superclasses, and with few records.
COMPARED = (WIDE, NARROW, SHORT, DEFAULT)


def choose(cohort, seeds, names=tuple(CANDIDATES), title="Candidates on folds 1-6"):
    """Return the mean scores of candidates and of their single branch on folds 1-6."""
    rows = []
    for name in names:
        params = CANDIDATES[name]
        found = {row: [] for row in (FULL, CNN)}
        for seed in seeds:
            for fold in PAIRS:
                train, test = cohort.pair(fold)
                for row, results in found.items():
                    result = cohort.fit({**params, **ROWS[row]}, train, test, seed)
                    if result is not None:
                        size = int(result["n_parameters"]), float(result["seconds"])
                        scores = scores_of(cohort, test, result)
                        results.append(((seed, fold), *scores, *size))
        if found[FULL]:
            rows.append(candidate_row(name, found))
    header = ("", FULL, CNN, "full - CNN", "AUPRC", "full - CNN", "weights", "s")
    return [Table(title, header, rows)]


def candidate_row(name, found):
    full, single = found[FULL], found[CNN]
    cells = [mean_text([s[1] for s in full]), mean_text([s[1] for s in single])]
    cells.append(difference_text(full, single, 1))
    cells += [mean_text([s[2] for s in full]), difference_text(full, single, 2)]
    cells.append(f"{full[0][3]:,}")
    cells.append(f"{np.median([s[4] for s in full]):.0f}")
    return [f"``{name}``", *map(drop_zeros, cells)]


def mean_text(values):
    """Return the mean of scores, and how many there are."""
    return f"{np.mean(values):.3f} ({len(values)})" if values else ""


def difference_text(full, single, place):
    """Return the mean difference of a score, and the single ones, on the same folds and seeds."""
    other = {scores[0]: scores[place] for scores in single}
    values = [s[place] - other[s[0]] for s in full if s[0] in other]
    by_pair = " ".join(f"{value:+.3f}" for value in values)
    return f"{np.mean(values):+.3f} ({by_pair})" if values else ""


def choose_epochs(cohort, n_draws):
    """Return the scores of 30 epochs, and of as many steps as 300 records have, on folds 5-6."""
    rows = []
    for epochs in (30, epochs_of(SIZES[0])):
        for row in (FULL, CNN):
            params = {**CANDIDATES[NARROW], **ROWS[row], "max_epochs": epochs}
            scores = few_scores(cohort, params, SIZES[0], n_draws)
            if scores:
                cells = [str(epochs), *(f"{s:.3f}" for s in np.mean(scores, axis=0))]
                rows.append([row, str(len(scores)), *map(drop_zeros, cells)])
    header = ("", "draws", "epochs", "AUROC", "AUPRC")
    return [Table(f"{SIZES[0]} records of folds 1-4, tested on folds 5-6", header, rows)]


def choose_few(cohort, n_draws):
    """Return the scores of the full network of candidates with few records, on folds 5-6."""
    rows = []
    for name in COMPARED:
        cells = []
        for size in SIZES[:3]:
            scores = few_scores(cohort, CANDIDATES[name], size, n_draws)
            cells += [f"{s:.3f}" for s in np.mean(scores, axis=0)] if scores else ["", ""]
        rows.append([f"``{name}``", *map(drop_zeros, cells)])
    header = [f"{metric}, {size} records" for size in SIZES[:3] for metric in METRICS]
    title = f"Records of folds 1-4, tested on folds 5-6, {n_draws} draws"
    return [Table(title, ["", *header], rows)]


def choose_contrastive(cohorts, seeds):
    """Return the scores of weights of the contrastive loss, minus those without it, on folds 1-6.

    Parameters
    ----------
    cohorts : dict of str to Cohort
    seeds : range
    """
    rows = []
    for task, cohort in cohorts.items():
        found = {weight: [] for weight in CONTRASTIVE_WEIGHTS}
        for seed in seeds:
            for fold in PAIRS:
                train, test = cohort.pair(fold)
                for weight, results in found.items():
                    params = {**CANDIDATES[DEFAULT], "contrastive_weight": weight}
                    result = cohort.fit(params, train, test, seed)
                    if result is not None:
                        results.append(((seed, fold), *scores_of(cohort, test, result)))
        without = found[CONTRASTIVE_WEIGHTS[0]]
        for weight, results in found.items():
            cells = [task, f"{weight:g}"]
            for place in (1, 2):
                cells.append(mean_text([scores[place] for scores in results]))
                is_first = results is without
                cells.append("" if is_first else difference_text(results, without, place))
            rows.append([*cells[:2], *map(drop_zeros, cells[2:])])
    header = ("", "weight", "AUROC", "minus 0", "AUPRC", "minus 0")
    return [Table("Weight of the contrastive loss, folds 1-6", header, rows)]


def few_scores(cohort, params, size, n_draws):
    """Return AUROC and AUPRC on folds 5-6 for each draw of records of folds 1-4."""
    scores = []
    for draw in range(n_draws):
        train, test = cohort.draw(size, draw, last=4, tested=(5, 6))
        result = cohort.fit(params, train, test, draw)
        if result is not None:
            scores.append(scores_of(cohort, test, result))
    return scores


def scores_of(cohort, test, result):
    """Return AUROC and AUPRC of the records that were tested."""
    return [score(cohort.y[test], result["probability"]) for _, score in METRICS.values()]


def epochs_of(n_records):
    """Return the number of epochs that have as many steps as 30 epochs of 300 records."""
    return max(BASE["max_epochs"], round(BASE["max_epochs"] * 300 / n_records))
