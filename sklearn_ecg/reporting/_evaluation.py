"""Scores, calibration and subgroups of the evaluation records, with intervals by patient."""

import io
from functools import partial

import numpy as np
import pandas as pd

from ..inspection import ReliabilityDisplay
from ..metrics import (
    ScoreInterval,
    brier_score,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    label_table,
    score_by_group,
    sensitivity_at_specificity,
)
from ._render import Figure, Table

_ENDS = ("", "_low", "_high")
SPECIFICITY = 0.9
_SCORES = {
    "brier": brier_score,
    "sensitivity_at_90_specificity": partial(
        sensitivity_at_specificity, specificity=SPECIFICITY, undefined="skip"
    ),
}
_CALIBRATION = {
    "calibration_slope": partial(calibration_slope, undefined="skip"),
    "calibration_intercept": partial(calibration_intercept, undefined="skip"),
    "expected_calibration_error": expected_calibration_error,
}
# Columns of the tables of a card, and their headings.
_SCORE_HEADINGS = {
    "auroc": "AUROC",
    "auprc": "AUPRC (average precision)",
    "brier": "Brier score",
    "sensitivity_at_90_specificity": "Sensitivity at 90 % specificity",
}
_CALIBRATION_HEADINGS = {
    "calibration_slope": "Slope (1 is best)",
    "calibration_intercept": "Intercept (0 is best)",
    "expected_calibration_error": "Expected calibration error",
}


def score_tables(predictions, **options):
    """Return the scores and the calibration of each class or label, with intervals.

    Parameters
    ----------
    predictions : Predictions
    **options
        Of `label_table`: groups, n_resamples, confidence_level, random_state.

    Returns
    -------
    scores, calibration : DataFrame
    """
    options = {"threshold": None, **options}
    positive = predictions.positive.astype(int)
    probability = predictions.probability
    # One label at a time, such that its intervals are those of the table of subgroups.
    table = pd.concat(
        [
            label_table(*label, label_names=[name], metrics={**_SCORES, **_CALIBRATION}, **options)
            for name, *label in zip(predictions.columns, positive.T, probability.T)
        ]
    )
    kept = [f"{metric}{end}" for metric in _CALIBRATION for end in _ENDS]
    scores, calibration = table.drop(columns=kept), table[kept]
    if len(predictions.columns) > 1:
        together = label_table(
            positive, probability, label_names=predictions.columns, metrics=_SCORES, **options
        )
        scores = pd.concat([scores, together.iloc[-1:]])
    return scores, calibration


def subgroup_table(predictions, subgroups, metric, **options):
    """Return the result of `score_by_group` for each class or label, or the mean over labels.

    Parameters
    ----------
    predictions : Predictions
    subgroups : Series, DataFrame, mapping or array-like
    metric : str or callable
    **options
        Of `score_by_group`.

    Returns
    -------
    table : DataFrame
        With "label" as the first level of the index.
    """
    tables = {}
    for name, positive, probability in zip(
        predictions.columns, predictions.positive.T, predictions.probability.T
    ):
        if positive.any() and not positive.all():
            table = score_by_group(metric, positive.astype(int), probability, subgroups, **options)
            # The metric is given 0 and 1; readers know the names.
            for code, words in ((1, f"of {name}"), (0, f"without {name}")):
                table["note"] = table["note"].str.replace(f"of class {code}", words, regex=False)
            tables[name] = table
    return pd.concat(tables, names=["label"])


def reliability_figure(predictions, groups):
    """Return the reliability diagram as a figure of the card."""
    from matplotlib.figure import Figure as MatplotlibFigure

    defined = predictions.positive.any(axis=0) & ~predictions.positive.all(axis=0)
    figure = MatplotlibFigure(figsize=(4.6, 4.4), layout="constrained")
    positive = predictions.positive[:, defined].astype(int)
    probability = predictions.probability[:, defined]
    names = [_without_math(name) for name, one in zip(predictions.columns, defined) if one]
    if positive.shape[1] == 1:
        positive, probability = positive[:, 0], probability[:, 0]
    ReliabilityDisplay.from_predictions(
        positive, probability, groups=groups, label_names=names, ax=figure.subplots()
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return Figure(
        buffer.getvalue(),
        "Reliability diagram: the share of positive records over the mean predicted probability, "
        "in bins with the same number of records, with 95 % confidence intervals.",
    )


def score_blocks(scores):
    """Return the table of scores of a card."""
    return Table(
        ["Class or label", "Records", "Positive", *_SCORE_HEADINGS.values()],
        [
            [
                label,
                row["n_records"],
                "" if pd.isna(row["n_positive"]) else row["n_positive"],
                *(format_interval(row, metric) for metric in _SCORE_HEADINGS),
            ]
            for label, row in scores.iterrows()
        ],
    )


def calibration_blocks(calibration):
    """Return the table of the calibration of a card."""
    return Table(
        ["Class or label", *_CALIBRATION_HEADINGS.values()],
        [
            [label, *(format_interval(row, metric) for metric in _CALIBRATION_HEADINGS)]
            for label, row in calibration.iterrows()
        ],
    )


def subgroup_blocks(table, heading):
    """Return the tables of subgroups of a card: one, or one for each label."""
    blocks = []
    labels = table.index.unique("label")
    for label in labels:
        part = table.loc[label]
        if len(labels) > 1:
            blocks.append(f"{label}:")
        rows = []
        for (variable, group), row in part.iterrows():
            counts = [
                "" if pd.isna(row[column]) else row[column]
                for column in ("n_records", "n_patients", "n_positive")
            ]
            score = format_interval(row, "score", ("score", "low", "high"))
            rows.append([variable, group, *counts, score, row["note"]])
        header = ["Variable", "Group", "Records", "Patients", "Positive", heading, "Note"]
        blocks.append(Table(header, rows))
    return blocks


def format_interval(row, metric, columns=None):
    """Return a score with its interval as text."""
    columns = columns or [f"{metric}{end}" for end in _ENDS]
    score = ScoreInterval(*(row[column] for column in columns))
    if np.isnan(score.score):
        return "not defined"
    return f"{score.score:.3f} [no interval]" if np.isnan(score.low) else str(score)


def _without_math(name):
    """Return a name in which matplotlib sees no formula and no hidden label."""
    return name.replace("$", r"\$").lstrip("_")
