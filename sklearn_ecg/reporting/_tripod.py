"""The items of TRIPOD+AI, and what of them is known from the estimator and the records.

The topics are summarized in our own words: Collins et al. (2024). TRIPOD+AI statement: updated
guidance for reporting clinical prediction models that use regression or machine learning methods.
BMJ 385:e078378. doi:10.1136/bmj-2023-078378
"""

import pandas as pd

# Item, topic, and what is to be written if it is open.
ITEMS = (
    ("1", "Title", "development or evaluation of a model, population and outcome"),
    ("2", "Abstract", "a structured summary (TRIPOD+AI for Abstracts)"),
    ("3a", "Clinical context", "the diagnostic or prognostic setting, and existing models"),
    ("3b", "Population and purpose", "for whom, where in care, and who uses the model"),
    ("3c", "Health inequalities", "known inequalities between groups of people"),
    ("4", "Objectives", "whether the study develops or evaluates a model, or both"),
    ("5a", "Source of the data", "sources of development and evaluation data, and why these"),
    ("5b", "Dates", "start and end of the collection of data, and of follow-up"),
    ("6a", "Setting", "kind of care, number and location of centers"),
    ("6b", "Eligibility", "who was included and excluded"),
    ("6c", "Treatments", "treatments that were received, and how they were handled"),
    ("7", "Preparation of the data", "preprocessing and quality checks, also between groups"),
    ("8a", "Outcome", "definition of the labels, time of assessment, and why this outcome"),
    ("8b", "Assessors of the outcome", "their qualification, if labels are a judgment"),
    ("8c", "Blinding of the outcome", "what those who labeled records knew"),
    ("9a", "Choice of predictors", "why these leads or measurements"),
    ("9b", "Definition of predictors", "how and when they were recorded"),
    ("9c", "Assessors of predictors", "their qualification, if predictors are a judgment"),
    ("10", "Sample size", "how the number of records was chosen, and whether it suffices"),
    ("11", "Missing data", "how missing values and records were handled"),
    ("12a", "Use of the data", "how records were divided for development and evaluation"),
    ("12b", "Predictors in the analysis", "functional form, scaling and transformation"),
    ("12c", "Model and its development", "type, building steps, tuning, internal validation"),
    ("12d", "Clusters", "differences between sites or countries, and how they were handled"),
    ("12e", "Measures of performance", "measures and plots, and why these"),
    ("12f", "Updating", "whether the model was recalibrated after evaluation"),
    ("12g", "Calculation of predictions", "how predictions of the evaluation were computed"),
    ("13", "Class imbalance", "methods against it, and recalibration after them"),
    ("14", "Fairness", "what was done for fairness, and why"),
    ("15", "Output", "probabilities or classes, and how thresholds were chosen"),
    ("16", "Training and evaluation data", "differences in setting, people, outcome, predictors"),
    ("17", "Ethical approval", "board, approval and consent"),
    ("18a", "Funding", "source and role of funders"),
    ("18b", "Conflicts of interest", "of all authors"),
    ("18c", "Protocol", "where it is, or that there is none"),
    ("18d", "Registration", "register and number, or that there is none"),
    ("18e", "Sharing of data", "where the data are available"),
    ("18f", "Sharing of code", "where the code is available"),
    ("19", "Patients and the public", "their part in the study, or that they had none"),
    ("20a", "Flow of participants", "numbers with and without the outcome, with a diagram"),
    ("20b", "Characteristics", "of people, overall and by source, with dates and missing values"),
    ("20c", "Comparison of predictors", "between development and evaluation data"),
    ("21", "Numbers in each analysis", "participants and outcome events"),
    ("22", "Specification of the model", "what others need to predict, and limits of access"),
    ("23a", "Performance", "with intervals, also of key groups, and plots"),
    ("23b", "Performance between clusters", "differences between sites"),
    ("24", "Results of updating", "the updated model and its performance"),
    ("25", "Interpretation", "of the main results, with fairness and earlier studies"),
    ("26", "Limitations", "such as selection, small numbers, overfitting, missing data"),
    ("27a", "Poor or missing input", "how it is recognized and handled in use"),
    ("27b", "Users", "whether they interact with the model, and what they must know"),
    ("27c", "Next steps", "further research, for use in other places"),
)


def check_statements(statements):
    """Return statements by item, after checking that the items exist."""
    if statements is None:
        return {}
    known = [item for item, _, _ in ITEMS]
    statements = {str(item): text for item, text in dict(statements).items()}
    unknown = [item for item in statements if item not in known]
    if unknown:
        raise ValueError(
            f"statements has the items {', '.join(unknown)}, which TRIPOD+AI does not have. Its "
            f"items are {', '.join(known)}."
        )
    return statements


def tripod_table(filled, partly, statements):
    """Return one row per item.

    Parameters
    ----------
    filled, partly : dict of str to str
        What is known, by item: all that the item asks for, or a part of it.
    statements : dict of str to str
        What the caller stated.

    Returns
    -------
    table : DataFrame
        With the index "item" and the columns "topic", "status" and "content".
    """
    rows = []
    for item, topic, missing in ITEMS:
        known = filled.get(item) or partly.get(item)
        status = "filled" if item in filled else "partly" if item in partly else "open"
        parts = [known] if known else []
        if item in statements:
            parts.append(f"Stated by the author: {statements[item]}")
            status = "filled"
        if status != "filled":
            parts.append(f"{'Still open' if parts else 'Not stated'}: {missing}.")
        rows.append((item, topic, status, " ".join(parts)))
    return pd.DataFrame(rows, columns=["item", "topic", "status", "content"]).set_index("item")
