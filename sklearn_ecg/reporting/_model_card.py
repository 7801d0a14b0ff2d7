"""Make a model card from a classifier and evaluation records."""

from collections.abc import Callable, Mapping
from numbers import Integral, Real

from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._validation._samples import check_groups
from ..metrics._matching import check_same_records
from ..utils._warnings import NotedWarnings, warn
from ._card import ModelCard
from ._data_summary import shared_with_training, summarize_data
from ._evaluation import reliability_figure, score_tables, subgroup_table
from ._parameters import parameter_table, versions
from ._predictions import check_classifier, read_predictions
from ._render import Items, Section, Table
from ._sections import (
    data_section,
    interval_text,
    parameters_section,
    result_sections,
    subgroups_section,
    text_section,
    tripod_for,
    tripod_section,
)
from ._training_evidence import evidence_of_training
from ._tripod import check_statements

_METRIC_HEADINGS = {"roc_auc": "AUROC", "average_precision": "AUPRC"}
_MAX_SEED = 2**31 - 1


@validate_params(
    {
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like"],
        "y_prob": ["array-like", None],
        "evaluation": [StrOptions({"held-out", "out-of-fold", "training"}), None],
        "groups": ["array-like", None],
        "subgroups": ["array-like", Mapping, None],
        "subgroup_metric": [StrOptions(set(_METRIC_HEADINGS)), callable],
        "X_train": ["array-like", None],
        "groups_train": ["array-like", None],
        "title": [str, None],
        "intended_use": [str, list, tuple, None],
        "limits": [str, list, tuple, None],
        "statements": [Mapping, None],
        "label_names": ["array-like", None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def model_card(
    estimator,
    X,
    y,
    *,
    y_prob=None,
    evaluation=None,
    groups=None,
    subgroups=None,
    subgroup_metric: str | Callable = "roc_auc",
    X_train=None,
    groups_train=None,
    title=None,
    intended_use=None,
    limits=None,
    statements=None,
    label_names=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Make a model card: data, parameters, scores, calibration, subgroups and open questions.

    The items of the TRIPOD+AI statement [1]_ that can be seen from the estimator and the records
    are filled in. The others are listed as open.

    Parameters
    ----------
    estimator : classifier
        Fitted, with ``predict_proba``: a classifier of this package or of scikit-learn, a Pipeline,
        or a wrapper such as `sklearn_ecg.MultilabelCalibratedClassifierCV`. With ``y_prob``, it may
        be unfitted.
    X : array-like, DataFrame or lead frame
        Evaluation records, in any container that the estimator accepts.
    y : array-like of shape (n_records,) or (n_records, n_labels)
        Labels of the records: binary, multiclass or a multilabel indicator.
    y_prob : array-like of shape (n_records,), (n_records, n_classes) or (n_records, n_labels), \
            default=None
        Probabilities of these records, such as out-of-fold predictions of
        `sklearn.model_selection.cross_val_predict`. Columns of DataFrames are matched by name. None
        predicts the records with the estimator.
    evaluation : {"held-out", "out-of-fold", "training"} or None, default=None
        What the evaluation records are. "held-out": the estimator was not trained on them.
        "out-of-fold": ``y_prob`` holds out-of-fold predictions. "training": the estimator was
        trained on them; the card then says that the scores are no performance. None: the card says
        that it was not stated.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. Intervals then resample patients. None resamples records.
    subgroups : Series, DataFrame, mapping or array-like, default=None
        Variables such as sex, age band and site, as in `sklearn_ecg.metrics.score_by_group`.
    subgroup_metric : {"roc_auc", "average_precision"} or callable, default="roc_auc"
        Metric of the subgroups, for each class or label compared with the others.
    X_train : array-like, DataFrame or lead frame, default=None
        Records that the estimator was trained on. They are counted and compared with X.
    groups_train : array-like of shape (n_training_records,), default=None
        Patient of each training record.
    title : str, default=None
        Title of the card. None takes the name of the class of the estimator.
    intended_use, limits : str, list of str or None, default=None
        Texts for the card: for whom and what the model is intended, and where it must not be used.
        None is listed as open.
    statements : mapping of str to str, default=None
        Texts for further items of TRIPOD+AI, such as ``{"5b": "Recorded 1989 to 1996."}``.
    label_names : array-like of str, default=None
        Names of the classes or labels. None takes the columns of a DataFrame y, or the classes.
    n_resamples : int, default=1000
        Number of bootstrap resamples, >= 1.
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1). That of the figure is 0.95.
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible cards.

    Returns
    -------
    card : ModelCard
        With the methods ``to_markdown``, ``to_html`` and ``save``.

    Raises
    ------
    ValueError
        If the estimator has no ``predict_proba``; if y is not a classification target, or has
        labels that the estimator does not know; if lengths or the order of records differ; if
        probabilities are not between 0 and 1; if ``evaluation="out-of-fold"`` without ``y_prob``;
        or if an item of ``statements`` does not exist.
    TypeError
        If ``estimator`` is not an estimator.

    Warns
    -----
    UserWarning
        If ``evaluation="held-out"``, but records or patients are in the training, or fitted
        statistics show that the estimator was trained on these records. The card says so as well.

    See Also
    --------
    sklearn_ecg.metrics.label_table : The table of scores.
    sklearn_ecg.metrics.score_by_group : The table of subgroups.

    Notes
    -----
    A fitted estimator does not know its training records. That it was trained on X is recognized
    from ``X_train``, and otherwise only if fitted statistics of a scaler, of an imputer or of the
    normalization of a network equal those of X; records and patients are compared exactly.

    With 1000 resamples, a card of 1713 records and five labels takes about half a minute.

    Warnings about the records, such as labels without positive records, are listed in the card.

    References
    ----------
    .. [1] Collins et al. (2024). TRIPOD+AI statement: updated guidance for reporting clinical
       prediction models that use regression or machine learning methods. BMJ 385:e078378.
       doi:10.1136/bmj-2023-078378

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_predict
    >>> from sklearn_ecg.reporting import model_card
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randn(300, 4)
    >>> y = np.where(X[:, 0] + rng.randn(300) > 1, "infarction", "NORM")
    >>> y_prob = cross_val_predict(LogisticRegression(), X, y, method="predict_proba")
    >>> card = model_card(
    ...     LogisticRegression(), X, y, y_prob=y_prob, evaluation="out-of-fold",
    ...     subgroups={"sex": rng.choice(["female", "male"], 300)},
    ...     limits="Synthetic records.", n_resamples=50, random_state=0,
    ... )
    >>> card.scores[["auroc", "auroc_low", "auroc_high"]].round(2)
                auroc  auroc_low  auroc_high
    label
    infarction   0.83       0.77        0.88
    >>> card.tripod.loc["26", "status"], card.tripod.loc["17", "status"]
    ('filled', 'open')
    """
    check_classifier(estimator)
    if evaluation == "out-of-fold" and y_prob is None:
        raise ValueError(
            'evaluation="out-of-fold" requires y_prob: pass the result of cross_val_predict(..., '
            'method="predict_proba").'
        )
    if evaluation == "out-of-fold" and X_train is not None:
        raise ValueError(
            'X_train is for a single fitted estimator. Leave it out with evaluation="out-of-fold".'
        )
    if groups_train is not None and X_train is None:
        raise ValueError("groups_train requires X_train. Pass the training records, too.")
    statements = check_statements(statements)
    check_same_records(X=X, y=y, y_prob=y_prob, groups=groups, subgroups=subgroups)
    check_consistent_length(X, y, y_prob, groups)
    if not isinstance(random_state, Integral):
        random_state = check_random_state(random_state).randint(_MAX_SEED)

    predictions = read_predictions(estimator, X, y, y_prob, label_names)
    if groups is not None:
        groups = check_groups(groups, len(predictions.positive))
    data = summarize_data(estimator, X, predictions, groups)
    shared = None
    if X_train is not None:
        if groups_train is not None:
            check_consistent_length(X_train, groups_train)
            groups_train = check_groups(groups_train, len(groups_train))
        shared = shared_with_training(X, groups, X_train, groups_train)
    evidence = evidence_of_training(estimator, X) if y_prob is None else None
    evaluation, evidence = _what_is_evaluated(evaluation, evidence, shared, data)

    options = {
        "groups": groups,
        "n_resamples": n_resamples,
        "confidence_level": confidence_level,
        "random_state": random_state,
    }
    by_group, figure = None, None
    with NotedWarnings() as remarks:
        scores, calibration = score_tables(predictions, **options)
        if (predictions.positive.any(axis=0) & ~predictions.positive.all(axis=0)).any():
            figure = reliability_figure(predictions, groups)
            if subgroups is not None:
                by_group = subgroup_table(predictions, subgroups, subgroup_metric, **options)
    source = (
        f"predict_proba of {type(estimator).__name__}, called for this card."
        if y_prob is None
        else "Probabilities that the author passed as y_prob."
    )
    facts = {
        "data": data,
        "shared": shared,
        "evaluation": evaluation,
        "evidence": evidence,
        "intended_use": intended_use,
        "limits": limits,
        "subgroups": by_group,
        "source": source,
        "statements": statements,
    }
    tripod = tripod_for(estimator, facts)
    parameters, used = parameter_table(estimator), versions()
    heading = _METRIC_HEADINGS.get(subgroup_metric, getattr(subgroup_metric, "__name__", "Score"))
    sections = [
        text_section("Intended use", intended_use),
        text_section("Limits", limits),
        data_section(data, shared),
        *result_sections(
            evaluation,
            evidence,
            interval_text(confidence_level, n_resamples, groups),
            scores,
            calibration,
            figure,
        ),
        subgroups_section(by_group, heading, evaluation),
        *([Section("Remarks", [Items(remarks.messages)])] if remarks.messages else []),
        parameters_section(parameters),
        Section("Versions", [Table(["Library", "Version"], [list(item) for item in used.items()])]),
        tripod_section(tripod),
    ]
    return ModelCard(
        type(estimator).__name__ if title is None else title,
        sections,
        data=data,
        parameters=parameters,
        scores=scores,
        calibration=calibration,
        subgroups=by_group,
        versions=used,
        tripod=tripod,
        evaluation=evaluation,
    )


def _what_is_evaluated(stated, evidence, shared, data):
    """Return what the evaluation records are, and a sentence that shows it, or None."""
    found = None if evidence is None else "training"
    if shared is not None:
        n_records, n_patients = shared["n_shared_records"], shared["n_shared_patients"]
        if n_records or n_patients:
            sentence = f"{n_records} of {data['n_records']} records are also in X_train"
            if n_patients is not None:
                sentence += f", and {n_patients} of {data['n_patients']} patients"
            evidence = " ".join(filter(None, (evidence, f"{sentence}.")))
            if found is None:
                found = "training" if n_records == data["n_records"] else "overlap"
    if stated == "held-out" and found is not None:
        warn(
            f'evaluation="held-out", but these are not held-out records: {evidence} The card says '
            "so. Pass other records.",
            UserWarning,
        )
    if stated == "training" or found is None:
        return stated or "not stated", evidence
    return found, evidence
