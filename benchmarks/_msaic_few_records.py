"""The ablation of MSAIC-Net with few training records, as in the paper."""

import numpy as np
from _msaic_cohort import (
    ATTENTION,
    CANDIDATES,
    CNN,
    FULL,
    LITERAL,
    METRICS,
    NARROW,
    ROWS,
    SIZES,
    tested,
)
from _study import stack_seeds
from _tables import Table, drop_zeros
from scipy.stats import t as student_t

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

WINDOW, OF_PAPER = "windows, ", "network of the paper, "
N_DRAWS, N_SEEDS = 10, 2
# AUROC and AUPRC of the paper: of the CNN and of the full network.
IN_PAPER = {
    "UVA, scar": ((0.7853, 0.9366), (0.8935, 0.9757)),
    "PTB-XL, infarction": ((0.9531, 0.9678), (0.9042, 0.9343)),
}


def low_data_jobs(n_draws):
    """Yield parameters, whether windows are used, the size and the draw, important ones first."""
    arms = {row: ({**CANDIDATES[NARROW], **params}, False) for row, params in ROWS.items()}
    for row in (FULL, CNN):
        arms[WINDOW + row] = {**CANDIDATES[NARROW], **ROWS[row]}, True
        arms[OF_PAPER + row] = {**CANDIDATES[LITERAL], **ROWS[row]}, False
    main, few = (FULL, CNN), SIZES[:2]
    others = [row for row in ROWS if row not in (*main, ATTENTION)]
    stages = [(main, few), (main, SIZES[3:]), (main, SIZES[2:3]), ((ATTENTION,), few)]
    stages += [((WINDOW + FULL, WINDOW + CNN), SIZES[:3]), (others, few)]
    stages += [((ATTENTION, *others), SIZES[2:])]
    of_paper = OF_PAPER + FULL, OF_PAPER + CNN
    stages += [(of_paper, SIZES[:1]), (of_paper, SIZES[1:3])]
    for names, sizes in stages:
        for draw in range(N_SEEDS if None in sizes else n_draws):
            for size in sizes:
                for name in names:
                    yield name, *arms[name], size, draw


def low_data(cohort, n_draws):
    """Return the scores with few training records, means over draws, on folds 7-9."""
    found = {}
    for arm, params, windows, size, draw in low_data_jobs(n_draws):
        result = cohort.fit(params, *cohort.draw(size, draw), draw, windows=windows)
        if result is not None:
            found.setdefault((size, arm), {})[draw] = result["probability"]
    tables = [gain_table(cohort, found)]
    for size in SIZES:
        n_records = f"{size or (cohort.folds <= 6).sum()} training records"
        rows = [
            low_data_row(cohort, found, size, arm)
            for arm in order_of_rows()
            if (size, arm) in found
        ]
        header = ["", "draws"]
        for title in METRICS:
            header += [title, f"full minus this, {title}", "over draws", "full is ahead in"]
        if rows:
            tables.append(Table(n_records, header, rows))
    return tables


def order_of_rows():
    return [*ROWS, *(kind + row for kind in (WINDOW, OF_PAPER) for row in (CNN, FULL))]


def reference_of(arm):
    """Return the full network of the same kind."""
    return next((kind + FULL for kind in (WINDOW, OF_PAPER) if arm.startswith(kind)), FULL)


def low_data_row(cohort, found, size, arm):
    draws, reference = found[size, arm], found.get((size, reference_of(arm)), {})
    cells = [str(len(draws))]
    for title in METRICS:
        cells.append(score_of_draws(cohort, title, draws))
        is_compared = arm != reference_of(arm) and set(draws) & set(reference)
        cells += compare_draws(cohort, title, reference, draws) if is_compared else ["", "", ""]
    return [arm, *map(drop_zeros, cells)]


def score_of_draws(cohort, title, draws):
    """Return the mean score over draws, with its interval over patients."""
    y, options = tested(cohort)
    return bootstrap_interval(METRICS[title][0], *stack_seeds(y, list(draws.values())), **options)


def compare_draws(cohort, title, reference, draws):
    """Return the mean difference with intervals over patients and over draws, and a count."""
    y, options = tested(cohort)
    metric, score = METRICS[title]
    shared = sorted(set(draws) & set(reference))
    target, ours = stack_seeds(y, [reference[draw] for draw in shared])
    other = stack_seeds(y, [draws[draw] for draw in shared])[1]
    difference = bootstrap_difference(metric, target, ours, other, **options)
    by_draw = [score(y, reference[draw]) - score(y, draws[draw]) for draw in shared]
    better = f"{sum(value > 0 for value in by_draw)} of {len(shared)}"
    return str(difference), interval_over_draws(by_draw), better


def interval_over_draws(values):
    """Return the interval of a mean, by Student's t distribution."""
    if len(values) < 2:
        return ""
    half = student_t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    low, high = np.mean(values) - half, np.mean(values) + half
    return f"[{low:.3f}{', ' if low < 0 else '-'}{high:.3f}]"


def gain_table(cohort, found):
    """Return the gain of the full network over the CNN by number of records, and in the paper."""
    rows = []
    for size in SIZES:
        if (size, FULL) in found and (size, CNN) in found:
            row = [f"{size or (cohort.folds <= 6).sum()} records"]
            for title in METRICS:
                ours = compare_draws(cohort, title, found[size, FULL], found[size, CNN])
                row += [score_of_draws(cohort, title, found[size, CNN]), *ours[:2]]
            rows.append(list(map(drop_zeros, row)))
    for name, scores in IN_PAPER.items():
        row = [f"the paper, {name}"]
        for single, full in scores:
            row += [f"{single:.3f}", f"{full - single:.3f}", ""]
        rows.append(list(map(drop_zeros, row)))
    header = ["", *(f"{title}{part}" for title in METRICS for part in (" of the CNN", " gain", ""))]
    header = [name if name not in METRICS else "gain over draws" for name in header]
    return Table("The gain of the full network over the CNN with a focal loss", header, rows)
