"""The sections of a model card in words."""

from ..imbalance import PriorCorrectedClassifier
from ._evaluation import calibration_blocks, score_blocks, subgroup_blocks
from ._parameters import iter_parts
from ._render import Items, Section, Table, Warned
from ._tripod import tripod_table

HEADINGS = {
    "held-out": "Performance on held-out records",
    "out-of-fold": "Performance in cross-validation",
    "not stated": "Scores on the evaluation set",
    "overlap": "Scores on records that overlap with the training records",
    "training": "Fit to the training records, which is not performance",
}
_EXPLANATIONS = {
    "held-out": "The author states that the model was not trained on these records.",
    "out-of-fold": (
        "The author passed out-of-fold predictions: each record was predicted by a copy of the "
        "estimator that was trained on other records. The scores are those of the procedure, not "
        "of one fitted model."
    ),
    "not stated": (
        "The author passed these records as an evaluation set. Whether the model was trained on "
        "some of them was not stated and cannot be seen from the estimator."
    ),
    "overlap": (
        "Some of these records or patients were used for training, so that the scores are too "
        "optimistic."
    ),
    "training": (
        "The model was trained on these records. The scores show how well it fits them, and not "
        "how well it predicts other records."
    ),
}
NOT_STATED = "Not stated."


def explain(evaluation, evidence):
    """Return the paragraphs that say what the scores are."""
    text = " ".join(filter(None, (_EXPLANATIONS[evaluation], evidence)))
    return [text if evaluation in ("held-out", "out-of-fold") else Warned(text)]


def text_section(title, text, status=None):
    """Return a section with a text of the author, a list of texts, or that it is open."""
    if text is None or not len(text):
        return Section(title, [Warned(NOT_STATED)])
    return Section(title, [text if isinstance(text, str) else Items(list(text))])


def data_section(data, shared):
    """Return the section about the evaluation records."""
    rows = [
        ["Records", data["n_records"]],
        ["Patients", _or_unknown(data["n_patients"], "pass groups")],
        ["Largest number of records of a patient", _or_unknown(data["max_records_per_patient"])],
        ["A record is", data["records_are"]],
        ["Leads", _or_unknown(data["lead_names"] and ", ".join(map(str, data["lead_names"])))],
        ["Sampling rate (Hz)", _or_unknown(data["sampling_rate"], "lead frames note it")],
        ["Unit", _or_unknown(data["unit"], "lead frames note it")],
        ["Duration (s)", _or_unknown(data["duration"] and f"{data['duration']:g}")],
        ["Records with missing values", _or_unknown(data["n_missing"])],
        ["Records that occur more than once", _duplicates(data)],
        ["Kind of target", data["target"]],
    ]
    if shared:
        rows += [
            ["Training records", shared["n_training_records"]],
            ["Training patients", _or_unknown(shared["n_training_patients"])],
            ["Records that are also training records", shared["n_shared_records"]],
            ["Patients who are also in the training", _or_unknown(shared["n_shared_patients"])],
        ]
    positive_class = []
    if data["target"] == "binary":
        positive_class = [f"The positive class is {data['columns'][0]!r}, classes_[1]."]
    prevalences = [
        [name, n, f"{share:.1%}"]
        for name, n, share in zip(data["columns"], data["n_positive"], data["prevalence"])
    ]
    return Section(
        "Evaluation data",
        [
            Table(["Fact", "Value"], rows),
            *positive_class,
            Table(["Class or label", "Records", "Prevalence"], prevalences),
        ],
    )


def parameters_section(parameters):
    """Return the section with all parameters."""
    return Section("Parameters", [Table(list(parameters.columns), parameters.values.tolist())])


def interval_text(confidence_level, n_resamples, groups):
    """Return a sentence about the intervals."""
    unit = "records, as if each were of another patient" if groups is None else "patients"
    return (
        f"In brackets: {confidence_level:.0%} percentile bootstrap intervals of {n_resamples} "
        f"resamples of {unit}."
    )


def result_sections(evaluation, evidence, intervals, scores, calibration, figure):
    """Return the sections about scores and calibration."""
    return [
        Section(
            HEADINGS[evaluation],
            [
                *explain(evaluation, evidence),
                score_blocks(scores),
                f"{intervals} The threshold of the sensitivity was chosen on the same records, "
                "which makes it optimistic.",
            ],
        ),
        Section(
            "Calibration",
            [
                *([] if evaluation in ("held-out", "out-of-fold") else explain(evaluation, None)),
                calibration_blocks(calibration),
                "The expected calibration error is greater than 0 for calibrated probabilities, "
                "too, and its interval may lie above it.",
                *([] if figure is None else [figure]),
            ],
        ),
    ]


def subgroups_section(table, heading, evaluation):
    """Return the section about subgroups."""
    if table is None:
        return Section("Subgroups", [Warned(f"{NOT_STATED} Pass subgroups.")])
    smallest = []
    for label in table.index.unique("label"):
        part = table.loc[label].iloc[1:]
        variable, group = part["n_rarest"].astype(int).idxmin()
        n = part.loc[(variable, group), "n_rarest"]
        smallest.append(f"{label}: {variable} {group} ({n} records of the rarer value)")
    blocks = [
        *([] if evaluation in ("held-out", "out-of-fold") else explain(evaluation, None)),
        *subgroup_blocks(table, heading),
        "Groups with the fewest records of a class:",
        Items(smallest),
    ]
    return Section("Subgroups", blocks)


def tripod_for(estimator, facts):
    """Return the items of TRIPOD+AI, filled from what is known.

    Parameters
    ----------
    estimator : classifier
    facts : dict
        "data", "shared", "evaluation", "evidence", "intended_use", "limits", "subgroups",
        "source", "statements".
    """
    data, shared, evaluation = facts["data"], facts["shared"], facts["evaluation"]
    parts = [type(part).__name__ for part in iter_parts(estimator)]
    filled, partly = {}, {}
    intended_use, limits = (_joined(facts[key]) for key in ("intended_use", "limits"))
    if intended_use:
        filled["3b"] = f"See intended use: {intended_use}"
    if limits:
        filled["26"] = f"See limits: {limits}"
    partly["7"] = f"Steps before and in the classifier, in this order: {', '.join(parts)}."
    leads = data["lead_names"]
    partly["9b"] = f"A record is {data['records_are']}."
    if leads:
        partly["9b"] += f" Leads: {', '.join(map(str, leads))}."
    counts = ", ".join(f"{n} {name}" for name, n in zip(data["columns"], data["n_positive"]))
    numbers = f"Evaluation: {_records_and_patients(data)}; {counts}."
    partly["10"] = numbers
    if data["n_missing"] is not None:
        partly["11"] = f"{data['n_missing']} of {data['n_records']} records have missing values."
    partly["12a"] = f"{_EXPLANATIONS[evaluation]} {facts['evidence'] or ''}".strip()
    partly["12b"] = "See the parameters of the steps before the classifier."
    partly["12c"] = f"{type(estimator).__name__}. All parameters are in the table of parameters."
    filled["12e"] = (
        "AUROC, AUPRC, Brier score, sensitivity at 90 % specificity; calibration slope, intercept "
        "and expected calibration error; reliability diagram."
    )
    filled["12g"] = facts["source"]
    imbalance = _against_imbalance(estimator)
    partly["13"] = imbalance or "No class weights, samplers or corrections among the parameters."
    if facts["subgroups"] is not None:
        partly["14"] = "Scores of subgroups are in the table of subgroups."
        partly["20b"] = f"{numbers} Numbers of subgroups are in the table of subgroups."
    else:
        partly["20b"] = numbers
    partly["15"] = f"Probabilities of {', '.join(data['classes'])}.{_thresholds(estimator)}"
    partly["21"] = numbers
    if shared:
        partly["16"] = (
            f"{shared['n_shared_records']} records are in both. "
            f"{_or_unknown(shared['n_shared_patients'])} patients are in both."
        )
        partly["21"] += f" Training: {shared['n_training_records']} records."
    partly["22"] = (
        "Classes, parameters and versions are in this card. The fitted model itself can be shared "
        "with sklearn_ecg.persistence.save."
    )
    if evaluation in ("held-out", "out-of-fold"):
        by_group = "and of subgroups " if facts["subgroups"] is not None else ""
        target = filled if facts["subgroups"] is not None else partly
        target["23a"] = f"Scores with intervals {by_group}are in this card."
    else:
        partly["23a"] = f"The scores in this card are no performance estimate: {evaluation}."
    return tripod_table(filled, partly, facts["statements"])


def tripod_section(tripod):
    """Return the section about TRIPOD+AI."""
    counts = tripod["status"].value_counts()
    summary = ", ".join(
        f"{counts.get(status, 0)} {status}" for status in ("filled", "partly", "open")
    )
    return Section(
        "TRIPOD+AI",
        [
            "Items of TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378), in short words. What can "
            "be seen from the estimator and the records is filled in; the rest is for the author. "
            f"Of {len(tripod)} items and parts of items: {summary}.",
            Table(
                ["Item", "Topic", "Status", "Content"],
                [[item, *row] for item, row in zip(tripod.index, tripod.values.tolist())],
            ),
        ],
    )


def _records_and_patients(data):
    patients = "" if data["n_patients"] is None else f" of {data['n_patients']} patients"
    return f"{data['n_records']} records{patients}"


def _duplicates(data):
    if data["n_duplicates"] is None:
        return "not computed"
    if not data["n_duplicates"]:
        return 0
    return f"{data['n_duplicates']}, in {data['n_duplicate_groups']} sets of equal records"


def _against_imbalance(estimator):
    """Return what among the parts of an estimator is a method against class imbalance."""
    found = []
    for part in iter_parts(estimator):
        name = type(part).__name__
        weight = part.get_params(deep=False).get("class_weight")
        if weight is not None:
            found.append(f"{name} has class_weight={weight!r}")
        if hasattr(part, "fit_resample"):
            found.append(f"{name} resamples the training records")
        if isinstance(part, PriorCorrectedClassifier):
            found.append(f"{name} corrects the prevalence")
        elif "Calibrated" in name:
            found.append(f"{name} calibrates probabilities")
    return f"{'; '.join(found)}." if found else None


def _thresholds(estimator):
    for attribute in ("thresholds_", "best_threshold_"):
        value = getattr(estimator, attribute, None)
        if value is not None:
            return f" Thresholds that were chosen in training: {value}."
    return ""


def _joined(text):
    if text is None or not len(text):
        return None
    return text if isinstance(text, str) else " ".join(map(str, text))


def _or_unknown(value, hint=None):
    if value is None:
        return "not known" if hint is None else f"not known ({hint})"
    return value
