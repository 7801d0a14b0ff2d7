"""A table of a score with one row per subgroup of records, such as sexes, age bands and sites."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._validation._samples import check_groups, number_groups
from ..utils._warnings import NotedWarnings
from ._bootstrap import (
    BOOTSTRAP_CONSTRAINTS,
    evaluate_on_resamples,
    metric_of_counts,
    percentile_interval,
)
from ._label_columns import label_indicator
from ._matching import as_array, as_label_array, check_same_records, column_names, match_columns
from ._resampling import Resamples, are_continuous
from ._subgroups import OVERALL, find_reference, read_subgroups

_ENDS = ("", "_low", "_high")
# The seed of the resamples of all rows is drawn below this number.
_MAX_SEED = 2**31 - 1


@validate_params(
    {
        **BOOTSTRAP_CONSTRAINTS,
        "y_score": ["array-like"],
        "subgroups": ["array-like", Mapping],
        "reference": [str, Mapping, None],
        "missing": [StrOptions({"group", "drop", "raise"})],
        "require_all_classes": ["boolean"],
        "min_per_class": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def score_by_group(
    metric,
    y_true,
    y_score,
    subgroups,
    *,
    groups=None,
    reference=None,
    missing="group",
    require_all_classes=True,
    min_per_class=100,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Compute a metric for all records and for subgroups of them, with intervals by patient.

    Parameters
    ----------
    metric : {"roc_auc", "average_precision"} or callable
        Metric to compute, as in `bootstrap_interval`. A callable is called as
        ``metric(y_true, y_score)`` with arrays, and must return a float.
    y_true : array-like of shape (n_records,) or (n_records, n_labels)
        True labels. In a binary target, the larger label is the positive one.
    y_score : array-like of shape (n_records,), (n_records, n_labels) or (n_records, n_classes)
        Out-of-fold scores or predictions for the same records in the same order. If it and
        ``y_true`` are DataFrames with named columns, the columns are matched by name.
    subgroups : Series, DataFrame, mapping or array-like of shape (n_records,) or \
            (n_records, n_variables)
        One variable, such as the sex of each record, or several, each of which divides the records.
        A mapping has names and arrays of shape (n_records,). Values are strings, integers, bools or
        categories; `pandas.cut` divides ages into bands. The groups of a categorical variable have
        the order of its categories, and unused categories are groups without records.
    groups : array-like of shape (n_records,), default=None
        Patient of each record. None resamples records.
    reference : "overall", mapping of str to object, or None, default=None
        What each group is compared with: all records, or for some variables the group with the
        given value, such as ``{"sex": "male"}``. None computes no differences.
    missing : {"group", "drop", "raise"}, default="group"
        What to do with records for which a variable is missing (NaN, None). "group" makes them a
        group with the name "missing". "drop" leaves them out of the groups of this variable, but
        not out of the row of all records. "raise" raises an error.
    require_all_classes : bool, default=True
        If True, the score of a group is NaN unless the group has records of every class, or both
        values of every label of a multilabel target: averages over different classes cannot be
        compared. If False, the metric is computed in any case, and must know the classes by itself,
        as `sklearn.metrics.accuracy_score` does.
    min_per_class : int, default=100
        A group is named as small if it has fewer records of any class, or of any value of a label,
        >= 0. With fewer than 100 positive records, scores of external validations vary widely
        [1]_.
    n_resamples : int, default=1000
        Number of bootstrap resamples, >= 1.
    confidence_level : float, default=0.95
        Confidence level of the intervals, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Determines the resamples. Pass an int for reproducible intervals.

    Returns
    -------
    table : DataFrame
        The first row, with the index ("overall", "all records"), has all records. The others have
        the name of a variable and a group of it, as a str. The columns are:

        - ``n_records``; ``n_patients``, missing without ``groups``; ``n_positive``, the records of
          the positive class, or with any label of a multilabel target, missing for a multiclass
          target; ``n_rarest``, the records of the rarest class or value of a label;
        - ``score``, ``low``, ``high``: the metric and its percentile bootstrap interval. Those of a
          group are the result of `bootstrap_interval` for its records;
        - with ``reference``, ``difference``, ``difference_low``, ``difference_high``: the score
          minus that of the reference, and its interval;
        - ``note``: why a value is NaN, what limits its interval, and whether the group is small.

    Raises
    ------
    ValueError
        If the metric fails for all records; if the lengths, the names of columns or the order of
        the records differ, as in `bootstrap_interval`; if a variable has numbers with a fractional
        part, more than 100 values, or values that are equal as strings; if the reference is not a
        group; or if a variable is missing and ``missing="raise"``.

    Warns
    -----
    UserWarning, UndefinedMetricWarning
        As in `bootstrap_interval`, for the row of all records. Reasons for the values of other rows
        are in the column ``note``.

    See Also
    --------
    bootstrap_interval : Interval of the metric of all records.
    label_table : Scores of each label.

    Notes
    -----
    The difference is computed on resamples of the records of the group and of its reference
    together, in which a patient who is in both is drawn for both. The resamples are stratified by
    class and by group, so that differences are conditional on their sizes; a patient with records
    in several strata belongs to one of them. For a multilabel target, there are no strata.

    Intervals of many groups are not corrected for multiple comparisons: of 20 groups without any
    difference, one is expected to differ at the level 0.95.

    References
    ----------
    .. [1] Collins, Ogundimu, Altman (2016). Sample size considerations for the external validation
       of a multivariable prognostic model. Statistics in Medicine 35:214-226.
       doi:10.1002/sim.6787

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_ecg.metrics import score_by_group
    >>> rng = np.random.RandomState(0)
    >>> patients = np.arange(900) // 2
    >>> people = pd.DataFrame(
    ...     {"sex": rng.choice(["female", "male"], 450), "age": rng.randint(20, 95, 450)}
    ... ).loc[patients].reset_index(drop=True)
    >>> y = rng.rand(900) < 0.3
    >>> score = y + rng.randn(900) * np.where(people["sex"] == "male", 0.7, 1.2)
    >>> subgroups = people[["sex"]].assign(
    ...     age=pd.cut(people["age"], [18, 40, 65, 90], right=False)
    ... )
    >>> table = score_by_group(
    ...     "roc_auc", y, score, subgroups, groups=patients, reference={"sex": "male"},
    ...     random_state=0,
    ... )
    >>> table[["n_patients", "n_positive", "score", "low", "high", "difference"]].round(2)
                          n_patients  n_positive  score   low  high  difference
    variable group
    overall  all records         450         276   0.77  0.73  0.80         NaN
    sex      female              211         134   0.71  0.65  0.76       -0.13
             male                239         142   0.83  0.79  0.87        0.00
    age      [18, 40)            121          70   0.78  0.71  0.84         NaN
             [40, 65)            147          97   0.80  0.74  0.85         NaN
             [65, 90)            148          87   0.74  0.68  0.80         NaN
             missing              34          22   0.72  0.55  0.86         NaN
    >>> table.loc[("age", "missing"), "note"]
    'Small: 22 records of class True.'
    """
    check_same_records(y_true=y_true, y_score=y_score, groups=groups, subgroups=subgroups)
    check_consistent_length(y_true, y_score, groups)
    names = column_names(y_true)
    y_score = as_array(match_columns(y_true, y_score), "y_score")
    y_true = as_label_array(y_true)
    members = read_subgroups(subgroups, len(y_true), missing)
    if isinstance(reference, str) and reference != OVERALL[0]:
        raise ValueError(
            f'reference must be "overall", a mapping of variables to groups, or None, got '
            f"{reference!r}."
        )
    references = find_reference(reference, members)
    if groups is not None:
        groups = check_groups(groups, len(y_true))
    if not isinstance(random_state, Integral):
        random_state = check_random_state(random_state).randint(_MAX_SEED)
    records = _Records(metric, y_true, y_score, groups, names, require_all_classes)
    options = (n_resamples, confidence_level, random_state)

    # What is wrong with the arguments is an error, before it is a note of each group.
    rows = {OVERALL: records.row(None, *options)}
    for key, member in members.items():
        rows[key] = records.row(member, *options)
        if reference is not None:
            other = references.get(key)
            rows[key].update(records.difference(member, other, rows, key, *options))
    for row in rows.values():
        row["note"] = " ".join([*row["note"], *records.small_note(row, min_per_class)])
    index = pd.MultiIndex.from_tuples(rows, names=["variable", "group"])
    table = pd.DataFrame(list(rows.values()), index=index)
    table["note"] = table.pop("note")
    del table["rarest"]
    counts = {column: "Int64" for column in table if column.startswith("n_")}
    return table.astype({**counts, "note": str})


class _Records:
    """Records, and the metric of any part of them.

    Parameters
    ----------
    metric : str or callable
    y_true, y_score : ndarray
    groups : ndarray of shape (n_records,) or None
    names : list of str or None
        Names of the labels of a multilabel target.
    require_all_classes : bool
    """

    def __init__(self, metric, y_true, y_score, groups, names, require_all_classes):
        self.metric, self.y_true, self.y_score, self.groups = metric, y_true, y_score, groups
        self.require_all_classes = require_all_classes
        self.is_multilabel = y_true.ndim > 1
        if self.is_multilabel:
            self.membership = label_indicator(y_true)
            self.names = list(range(y_true.shape[1])) if names is None else names
            return
        classes, codes = np.unique(y_true, return_inverse=True)
        self.membership = codes[:, None] == np.arange(len(classes))
        self.names = classes.tolist()
        self.is_binary = len(classes) == 2
        unclear = self.is_binary and classes.dtype.kind in "iuf" and classes.tolist() != [0, 1]
        if unclear and not require_all_classes:
            raise ValueError(
                f"y_true has the labels {self.names}. A metric of a group with one class only "
                "cannot know which of them is the positive one. Encode the labels as 0 and 1, or "
                "pass require_all_classes=True."
            )

    def row(self, member, n_resamples, confidence_level, seed):
        """Return the row of a group, or of all records if `member` is None."""
        chosen = np.ones(len(self.y_true), dtype=bool) if member is None else member
        row = {**self._counts(chosen), "note": []}
        row.update(zip(("score", "low", "high"), (np.nan,) * 3))
        if member is not None:
            reason = self._missing_classes(chosen)
            if reason is not None:
                row["note"].append(f"Undefined: {reason}.")
                return row
        noted = _Noted() if member is not None else _Unchanged()
        with noted:
            metric = self._metric(chosen)
            row["score"] = float(metric(np.ones((np.count_nonzero(chosen), 1)))[0])
            if not np.isnan(row["score"]):
                resamples = self._resamples(chosen, n_resamples, seed)
                ((_, resampled),) = evaluate_on_resamples([metric], resamples)
                row["low"], row["high"] = percentile_interval(resampled, confidence_level)
        if np.isnan(row["score"]) and not noted.messages:
            noted.messages.append("The metric is NaN.")
        row["note"] += noted.messages
        return row

    def difference(self, member, other, rows, key, n_resamples, confidence_level, seed):
        """Return the difference between a group and its reference, another group or OVERALL."""
        columns = [f"difference{end}" for end in _ENDS]
        result = dict.fromkeys(columns, np.nan)
        if other is None:
            return result
        other_key, other_member = other
        score = rows[key]["score"] - self._score_of(other_key, other_member, rows)
        if key == other_key:
            return {**result, "difference": score}
        if np.isnan(score):
            return result
        chosen = member | other_member
        parts = [part[chosen] for part in (member, other_member)]
        with _Noted() as noted:
            metrics = [
                _RestrictedMetric(self._metric(of), part)
                for of, part in zip((member, other_member), parts)
            ]
            strata = self._strata(chosen, *parts)
            groups = None if self.groups is None else self.groups[chosen]
            # There are more strata than classes.
            continuous = are_continuous(np.unique(self.y_true[chosen]))
            resamples = Resamples(
                strata, groups, n_resamples, np.random.RandomState(seed), continuous=continuous
            )
            (_, of_group), (_, of_other) = evaluate_on_resamples(metrics, resamples)
            low, high = percentile_interval(of_group - of_other, confidence_level)
            result.update(zip(columns[1:], (low, high)))
        if np.isnan(result[columns[1]]):
            reason = "a class or label is too rare." if noted.failed else noted.messages[0]
            rows[key]["note"].append(f"The interval of the difference is undefined: {reason}")
        return {**result, "difference": score}

    def small_note(self, row, min_per_class):
        """Return a list with a note if a group is small, otherwise an empty one."""
        if row["n_rarest"] >= min_per_class or not row["n_records"]:
            return []
        return [f"Small: {row['n_rarest']} {row['rarest']}."]

    def _counts(self, chosen):
        """Return the numbers of records and patients, and the rarest class in words."""
        counts = self.membership[chosen].sum(axis=0)
        n_records = int(np.count_nonzero(chosen))
        counts_of = {f"class {name!r}": n for name, n in zip(self.names, counts)}
        n_positive = pd.NA
        if self.is_multilabel:
            counts_of = {f"label {name!r}": n for name, n in zip(self.names, counts)}
            for name, n in zip(self.names, counts):
                counts_of[f"label {name!r} negative"] = n_records - n
            n_positive = int(self.membership[chosen].any(axis=1).sum())
        elif self.is_binary:
            n_positive = int(counts[1])
        rarest = min(counts_of, key=counts_of.get)
        description = f"records of {rarest}"
        if rarest.endswith(" negative"):
            description = f"records without {rarest.removesuffix(' negative')}"
        n_patients = pd.NA
        if self.groups is not None:
            n_patients = number_groups(self.groups[chosen])[1]
        return {
            "n_records": n_records,
            "n_patients": n_patients,
            "n_positive": n_positive,
            "n_rarest": int(counts_of[rarest]),
            "rarest": description,
        }

    def _missing_classes(self, chosen):
        """Return which classes are missing from a group, or None."""
        n_records = np.count_nonzero(chosen)
        if not n_records:
            return "no records"
        if not self.require_all_classes:
            return None
        counts = self.membership[chosen].sum(axis=0)
        if self.is_multilabel:
            reasons = [
                f"{n} of {n_records} records have label {name!r}"
                for name, n in zip(self.names, counts)
                if n in (0, n_records)
            ]
        else:
            missing = [repr(name) for name, n in zip(self.names, counts) if not n]
            reasons = [f"no records of class {', '.join(missing)}"] if missing else []
        return "; ".join(reasons) or None

    def _metric(self, chosen):
        y_true, y_score = self.y_true[chosen], self.y_score[chosen]
        return metric_of_counts(self.metric, y_true, y_score, "y_score")

    def _resamples(self, chosen, n_resamples, seed):
        groups = None if self.groups is None else self.groups[chosen]
        return Resamples(self.y_true[chosen], groups, n_resamples, np.random.RandomState(seed))

    def _score_of(self, key, member, rows):
        """Return the score of a reference, whose row may be a later one."""
        if key in rows:
            return rows[key]["score"]
        if self._missing_classes(member) is not None:
            return np.nan
        with _Noted() as noted:
            score = float(self._metric(member)(np.ones((np.count_nonzero(member), 1)))[0])
        return np.nan if noted.failed else score

    def _strata(self, chosen, member, other):
        """Return labels from which `Resamples` derives strata by class and group."""
        membership = self.membership[chosen]
        if not self.is_multilabel:
            pattern = member + 2 * other
            return np.argmax(membership, axis=1) * 4 + pattern
        # Each resample must have both values of every label, in the group and in its reference.
        parts = [
            label & part[:, None] for part in (member, other) for label in (membership, ~membership)
        ]
        strata = np.concatenate(parts, axis=1)
        # A column of a single value has nothing to check.
        return strata[:, ~strata.all(axis=0) & strata.any(axis=0)].astype(int)


class _RestrictedMetric:
    """The metric of a part of the records, for counts of all of them."""

    def __init__(self, metric, part):
        self.metric, self.part = metric, part

    def __call__(self, counts):
        return self.metric(counts[self.part])


class _Unchanged:
    """Let errors and warnings pass."""

    messages = ()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.messages = []


class _Noted(NotedWarnings):
    """Collect a ValueError as well, such as one about an undefined value.

    Attributes
    ----------
    messages : list of str
        Each message once.
    failed : bool
        Whether there was an error.
    """

    failed = False

    def __exit__(self, kind, error, traceback):
        super().__exit__(kind, error, traceback)
        self.failed = isinstance(error, ValueError)
        if self.failed:
            self.messages.append(str(error))
        return self.failed
