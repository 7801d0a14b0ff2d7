"""The checks of imbalanced-learn and of scikit-learn for the samplers."""

from functools import partial

import pytest
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
)
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

from sklearn_ecg.augmentation import AmplitudeScale
from sklearn_ecg.imbalance import (
    AugmentationOverSampler,
    BeatSMOTE,
    RecordOverSampler,
    RecordUnderSampler,
)

INSTANCES = [
    RecordOverSampler(random_state=0),
    RecordUnderSampler(random_state=0),
    AugmentationOverSampler(AmplitudeScale(0.1), n_leads=1, random_state=0),
    # The smallest class in the checks has three records.
    BeatSMOTE(100, k_neighbors=2, n_leads=1, random_state=0),
]

MULTILABEL = {"check_target_type": "expects that multilabel targets are refused"}
DENSE = {
    "check_samplers_pandas_sparse": "signals are dense: frames of sparse columns are refused",
}
BY_POSITION = {"check_dtype_object": "records are taken by position, whatever they contain"}
EXPECTED_FAILURES = {
    "RecordOverSampler": {**MULTILABEL, **BY_POSITION},
    "RecordUnderSampler": {**MULTILABEL, **BY_POSITION},
    "AugmentationOverSampler": {**MULTILABEL, **DENSE},
    "BeatSMOTE": {**MULTILABEL, **DENSE},
}

# Skipped by scikit-learn unless the environment variable SCIPY_ARRAY_API is set.
NEEDS_ARRAY_API = "check_array_api_input"


def checks(sampler):
    """Yield all checks of a sampler, those of imbalanced-learn first."""
    yield from imblearn_checks(sampler)
    # imbalanced-learn runs these two for its own samplers, outside the generator.
    for check in (check_param_validation, check_dataframe_column_names_consistency):
        yield sampler, partial(check, type(sampler).__name__)
    yield from sklearn_checks(sampler)


def cases():
    for sampler in INSTANCES:
        name = type(sampler).__name__
        for instance, check in checks(sampler):
            check_name = check.func.__name__
            if check_name == NEEDS_ARRAY_API:
                continue
            reason = EXPECTED_FAILURES[name].get(check_name)
            marks = pytest.mark.xfail(reason=reason, strict=True) if reason else ()
            yield pytest.param(instance, check, marks=marks, id=f"{name}-{check_name}")


CASES = list(cases())


@pytest.mark.parametrize("sampler, check", CASES)
# The rows of the checks are not ECGs.
@pytest.mark.filterwarnings("ignore:.*new records are repeated unchanged:UserWarning")
def test_check(sampler, check):
    check(sampler)


@pytest.mark.parametrize("sampler", INSTANCES, ids=lambda s: type(s).__name__)
def test_enough_checks_run(sampler):
    names = [
        check.func.__name__
        for instance, check in (case.values for case in CASES)
        if type(instance) is type(sampler)
    ]
    assert len(names) >= 55
    assert set(EXPECTED_FAILURES[type(sampler).__name__]) <= set(names)
    assert "check_samplers_fit_resample" in names
