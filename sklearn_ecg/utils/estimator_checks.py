"""Checks that an estimator of ECG signals or images must pass, in addition to scikit-learn's own.

scikit-learn's ``check_estimator`` uses 2-D arrays only. The checks of this module test that an
estimator takes all containers of X (3-D arrays, lead frames, object arrays, lead-major rows), and
what users expect of a deep estimator: refits that are equal bit for bit, an unchanged global random
state, helpful errors. Use them for your own estimators::

    from sklearn_ecg.utils.estimator_checks import parametrize_with_ecg_checks

    @parametrize_with_ecg_checks([MyECGClassifier(max_epochs=1)])
    def test_my_estimator(estimator, check):
        check(estimator)
"""

import pickle
import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError

from ..base import SignalTransformer
from ..leads import to_lead_frame
from ._check_tools import (
    _LEADS,
    _N_TIMES,
    _TOLERANCE,
    _allows_missing_leads,
    _allows_nan,
    _assert_outputs,
    _clone_with,
    _containers,
    _kind_of_output,
    _make_records,
    _outputs,
    _prediction_method,
    _preserves_float64,
    _program_state,
    _raises,
    _takes_images,
)
from ._classifier_checks import CLASSIFIER_CHECKS, REGRESSOR_CHECKS
from ._embedding_checks import check_pipeline_step, check_transform_output
from ._image_checks import (
    check_image_channels,
    check_image_containers,
    check_image_containers_agree,
    check_image_embedding,
    check_image_kind,
    check_image_non_finite,
    check_image_pipeline,
    check_image_size,
    check_rows_need_image_shape,
    check_signals_raise,
)
from ._signal_checks import (
    check_same_container_out,
    check_set_output_does_nothing,
    check_signal_dtypes,
    check_signal_names,
    check_signal_pipeline,
    check_signals_not_shared,
)

__all__ = ["check_ecg_estimator", "ecg_checks", "parametrize_with_ecg_checks"]


def ecg_checks(estimator):
    """List the checks that apply to an estimator.

    An estimator with a parameter ``image_shape`` takes images, all others take signals. A
    transformer that returns 3-D arrays of floats for 3-D arrays is checked as a transformer from
    signals to signals, and one that returns 3-D or 4-D arrays of bytes as a transformer from
    signals to images.

    Parameters
    ----------
    estimator : estimator instance
        It should be small and fast, because it is fitted dozens of times on 24 records of 4 leads
        and 50 time points. The checks set its ``random_state``, if it has one. An estimator of
        signals must have the parameters ``n_leads`` and ``lead_names``, which the checks set as
        well. If it requires the names of leads, pass it with
        ``lead_names=("I", "II", "V2", "V5")``.

    Returns
    -------
    checks : list of callables
        Each takes the estimator and raises an error if it fails.
    """
    takes_images = _takes_images(estimator)
    checks = _IMAGE_CHECKS if takes_images else _SIGNAL_CHECKS
    checks = [
        *checks,
        check_input_layouts,
        check_input_unchanged,
        check_constant_lead,
        check_one_time_point,
        check_refit_bit_equal,
        check_refit_independent,
        check_program_state_untouched,
        check_prediction_order_independent,
        check_pickle,
        check_clone,
        check_unfitted_after_failed_fit,
    ]
    kind_of_output = _kind_of_output(estimator)
    if kind_of_output == "signals":
        checks += [
            check_same_container_out,
            check_signal_dtypes,
            check_set_output_does_nothing,
            check_signal_names,
            check_signal_pipeline,
            check_signals_not_shared,
        ]
    elif kind_of_output == "images":
        checks += [check_image_containers, check_image_pipeline]
    elif hasattr(estimator, "transform"):
        checks += [check_image_embedding if takes_images else check_transform_output]
        checks += [check_pipeline_step]
    if is_classifier(estimator):
        checks += CLASSIFIER_CHECKS
    if is_regressor(estimator):
        checks += REGRESSOR_CHECKS
    return checks


def check_ecg_estimator(estimator):
    """Run all checks on an estimator, and raise the error of the first that fails.

    Parameters
    ----------
    estimator : estimator instance
        See `ecg_checks`.

    Returns
    -------
    n_checks : int
        Number of checks that were run.
    """
    checks = ecg_checks(estimator)
    for check in checks:
        check(estimator)
    return len(checks)


def parametrize_with_ecg_checks(estimators):
    """Parametrize a test function with one case per estimator and check.

    Parameters
    ----------
    estimators : list of estimator instances
        Small and fast estimators, see `ecg_checks`.

    Returns
    -------
    decorator : pytest.mark.parametrize
        Decorator of a test function with the arguments ``estimator`` and ``check``.
    """
    import pytest

    cases = [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.__name__}")
        for estimator in estimators
        for check in ecg_checks(estimator)
    ]
    return pytest.mark.parametrize("estimator, check", cases)


# Containers of X


def check_containers_agree(estimator):
    """All five containers of the same records give results that are equal bit for bit."""
    X, y = _make_records()
    reference = _clone_with(estimator, lead_names=_LEADS).fit(X, y)
    for container, params in _containers(X).values():
        other = _clone_with(estimator, **params).fit(container, y)
        _assert_outputs(reference, other, X, container, exact=True)


def check_fitted_attributes(estimator):
    """`fit` sets n_features_in_, n_leads_in_, n_times_in_ and feature_names_in_."""
    X, y = _make_records()
    for name, (container, params) in _containers(X).items():
        fitted = _clone_with(estimator, **params).fit(container, y)
        assert fitted.n_leads_in_ == len(_LEADS), name
        assert fitted.n_times_in_ == _N_TIMES, name
        assert fitted.n_features_in_ == container.shape[1], name
        assert hasattr(fitted, "feature_names_in_") == hasattr(container, "columns"), name
    frame = to_lead_frame(X, _LEADS)
    np.testing.assert_array_equal(_clone_with(estimator).fit(frame, y).feature_names_in_, _LEADS)


def check_input_layouts(estimator):
    """Fortran order, strided and read-only arrays, other dtypes and lists are accepted."""
    X, y = _make_records()
    X = np.round(100 * X)
    reference = _clone_with(estimator).fit(X, y)
    read_only = X.copy()
    read_only.flags.writeable = False
    spread = np.zeros((len(X), len(_LEADS), 2 * _N_TIMES), dtype=X.dtype)
    spread[:, :, ::2] = X
    layouts = {
        "float64": X.astype(np.float64),
        "integers": X.astype(np.int16),
        "Fortran order": np.asfortranarray(X),
        "strided view": spread[:, :, ::2],
        "read-only": read_only,
        "nested list": X.tolist(),
    }
    for layout in layouts.values():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            other = _clone_with(estimator).fit(layout, y)
            # Lists become float64, with which some transformers are more precise.
            finer = np.asarray(layout).dtype == np.float64 and _preserves_float64(estimator)
            _assert_outputs(reference, other, X, layout, exact=not finer)


def check_input_unchanged(estimator):
    """`fit` and `predict` change neither X nor y nor the parameters."""
    X, y = _make_records()
    X_before, y_before = X.copy(), y.copy()
    made = _clone_with(estimator)
    params_before = pickle.dumps(made.get_params())
    _prediction_method(made.fit(X, y))(X)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    assert pickle.dumps(made.get_params()) == params_before, "fit changed a parameter"


def check_rows_need_n_leads(estimator):
    """2-D rows raise an error without n_leads, or if n_leads does not divide their length."""
    X, y = _make_records()
    rows = X.reshape(len(X), -1)
    with _raises("n_leads"):
        _clone_with(estimator, n_leads=None).fit(rows, y)
    with _raises("n_leads=7 does not divide"):
        _clone_with(estimator, n_leads=7).fit(rows, y)


def check_transposed_raises(estimator):
    """An array (n_records, n_times, n_leads) raises an error, unless n_leads confirms it."""
    X, y = _make_records()
    X = np.ascontiguousarray(X.transpose(0, 2, 1))
    with _raises("transpose"):
        _clone_with(estimator).fit(X, y)
    params = {"n_leads": _N_TIMES}
    if estimator.lead_names is not None:
        params["lead_names"] = [*_LEADS, *(f"x{i}" for i in range(len(_LEADS), _N_TIMES))]
    _fit_short(_clone_with(estimator, **params), X, y)


def check_lead_count(estimator):
    """A number of leads other than in `fit` raises an error that names both numbers."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    with _raises("X has 3 leads", "fitted on 4 leads"):
        _prediction_method(fitted)(X[:, :3])
    with _raises("n_leads=5"):
        _clone_with(estimator, n_leads=5).fit(X, y)


def check_lead_names(estimator):
    """Leads of a frame must have the names and the order of those in `fit`, without duplicates."""
    X, y = _make_records()
    frame = to_lead_frame(X, _LEADS)
    fitted = _clone_with(estimator).fit(frame, y)
    predict = _prediction_method(fitted)
    with _raises("another order"):
        predict(frame[["II", "I", "V2", "V5"]])
    with _raises("now missing: V5"):
        predict(frame[["I", "II", "V2"]])
    with _raises("unseen at fit time: V6"):
        predict(frame.rename(columns={"V5": "V6"}))
    with _raises("lead"):
        _clone_with(estimator).fit(frame.set_axis(["avR", "AVR", "V2", "V5"], axis=1), y)
    with _raises("lead_names"):
        _clone_with(estimator, lead_names=["I", "II"]).fit(X, y)
    with _raises("lead_names"):
        _clone_with(estimator, lead_names=["II", "I", "V2", "V5"]).fit(frame, y)


def check_length(estimator):
    """A length other than in `fit` raises an error that names both lengths."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    with _raises("49 time points", "50 time points"):
        _prediction_method(fitted)(X[:, :, :-1])


def check_non_finite(estimator):
    """NaN and infinity raise an error that names the position of the first.

    An estimator with the tag ``allow_nan`` accepts NaN in all methods. Transformers of this library
    that document it accept leads that are NaN at all time points of a record.
    """
    X, y = _make_records()
    fitted = _clone_with(estimator, lead_names=_LEADS).fit(X, y)
    for value, name in [(np.nan, "NaN"), (np.inf, "infinity")]:
        bad = X.copy()
        bad[3, 2, 7] = value
        if np.isnan(value) and (_allows_nan(estimator) or _allows_missing_leads(estimator)):
            accepted = bad if _allows_nan(estimator) else X.copy()
            accepted[3, 2] = np.nan
            accepting = _clone_with(estimator, lead_names=_LEADS).fit(accepted, y)
            assert len(_prediction_method(accepting)(accepted)) == len(X)
            if _allows_nan(estimator):
                continue
        message = f"contains {name}.*record 3, lead V2, time point 7"
        with _raises(message):
            _clone_with(estimator, lead_names=_LEADS).fit(bad, y)
        with _raises(message):
            _prediction_method(fitted)(bad)


def check_ragged(estimator):
    """Signals of different lengths raise an error that names the length of the first such lead."""
    X, y = _make_records()
    cells = to_lead_frame(X, _LEADS).to_numpy()
    cells[5, 1] = cells[5, 1][:-3]
    for ragged in (cells, pd.DataFrame(cells, columns=_LEADS)):
        with _raises("47"):
            _clone_with(estimator).fit(ragged, y)


def check_constant_lead(estimator):
    """A constant lead and a constant record give finite results."""
    X, y = _make_records()
    X[:, 0] = 0.7
    X[4] = 0
    fitted = _clone_with(estimator).fit(X, y)
    for method, values in _outputs(fitted, X).items():
        if values.dtype.kind == "f":
            assert np.isfinite(values).all(), method


def check_single_lead(estimator):
    """One lead is enough, unless the estimator selects other leads by name."""
    X, y = _make_records()
    if estimator.lead_names is None:
        fitted = _clone_with(estimator).fit(X[:, 2:3], y)
    else:
        made = _clone_with(estimator, lead_names=_LEADS[2:3])
        try:
            fitted = made.fit(X[:, 2:3], y)
        except ValueError as error:
            assert "leads present are V2" in str(error), error
            return
    assert len(_prediction_method(fitted)(X[:, 2:3])) == len(X)


def check_one_time_point(estimator):
    """Records of a single time point are accepted.

    A transformer of signals may raise an error for records that are too short, which then names
    their length.
    """
    X, y = _make_records()
    # Confirms that X is not transposed, although it has more leads than time points.
    params = {} if _takes_images(estimator) else {"n_leads": len(_LEADS)}
    for n_times in (1, 2, 3):
        fitted = _fit_short(_clone_with(estimator, **params), X[:, :, :n_times], y)
        if fitted is not None:
            assert len(_prediction_method(fitted)(X[:, :, :n_times])) == len(X)


def _fit_short(estimator, X, y):
    """Fit on short records. Return None for a permitted error that names their length."""
    try:
        return estimator.fit(X, y)
    except ValueError as error:
        may_raise = isinstance(estimator, SignalTransformer)
        may_raise |= _kind_of_output(estimator) == "signals"
        if not may_raise or f"{X.shape[2]} time point" not in str(error):
            raise
        return None


# Reproducibility and state


def check_refit_bit_equal(estimator):
    """Fits with the same seed give results that are equal bit for bit."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    _assert_outputs(fitted, _clone_with(estimator).fit(X, y), X, exact=True)


def check_refit_independent(estimator):
    """A second fit does not depend on the first."""
    X, y = _make_records()
    other_X, other_y = _make_records(n_records=21, n_times=37, n_classes=3, seed=1)
    refitted = _clone_with(estimator).fit(other_X, other_y).fit(X, y)
    _assert_outputs(_clone_with(estimator).fit(X, y), refitted, X, exact=True)


def check_program_state_untouched(estimator):
    """The state of the program does not change, such as random states and torch's settings.

    This includes calls that raise an error.
    """
    X, y = _make_records()
    bad = X.copy()
    bad[0, 0, 0] = np.inf
    np.random.seed(7)
    before = _program_state()
    fitted = _clone_with(estimator).fit(X, y)
    _outputs(fitted, X)
    for method, arguments in ((_prediction_method(fitted), (bad,)), (fitted.fit, (bad, y))):
        try:
            method(*arguments)
        except ValueError:
            pass
    after = _program_state()
    changed = [name for name, value in before.items() if after[name] != value]
    assert not changed, f"the estimator changed {', '.join(changed)} of the program"


def check_prediction_order_independent(estimator):
    """The result for a record does not depend on the other records of X."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    everything = _outputs(fitted, X)
    order = np.random.RandomState(0).permutation(len(X))
    permuted = _outputs(fitted, X[order])
    single = [_outputs(fitted, X[i : i + 1]) for i in range(len(X))]
    for method, expected in everything.items():
        if expected.dtype.kind != "f":
            continue
        np.testing.assert_allclose(permuted[method], expected[order], **_TOLERANCE)
        stacked = np.concatenate([outputs[method] for outputs in single])
        np.testing.assert_allclose(stacked, expected, **_TOLERANCE)


def check_pickle(estimator):
    """Pickling does not change the results of a fitted estimator."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    _assert_outputs(fitted, pickle.loads(pickle.dumps(fitted)), X, exact=True)


def check_clone(estimator):
    """A clone of a fitted estimator is unfitted, and its fit gives the same results."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    copied = clone(fitted)
    assert not hasattr(copied, "n_features_in_")
    _assert_outputs(fitted, copied.fit(X, y), X, exact=True)


def check_unfitted_after_failed_fit(estimator):
    """An estimator whose second fit failed is not fitted."""
    X, y = _make_records()
    fitted = _clone_with(estimator).fit(X, y)
    bad = X.copy()
    bad[0, 0, 0] = np.inf
    with _raises("infinity"):
        fitted.fit(bad, y)
    with _raises("not fitted", error=NotFittedError):
        _prediction_method(fitted)(X)


_SIGNAL_CHECKS = (
    check_containers_agree,
    check_fitted_attributes,
    check_rows_need_n_leads,
    check_transposed_raises,
    check_lead_count,
    check_lead_names,
    check_length,
    check_non_finite,
    check_ragged,
    check_single_lead,
)
_IMAGE_CHECKS = (
    check_image_containers_agree,
    check_image_channels,
    check_image_size,
    check_image_kind,
    check_rows_need_image_shape,
    check_signals_raise,
    check_image_non_finite,
)
