"""Checks that any estimator of ECG signals must pass, beside scikit-learn's own.

scikit-learn's ``check_estimator`` knows 2-D arrays. These checks hold an estimator to the X
contract (3-D arrays, lead frames, object arrays, lead-major rows) and to what a deep estimator owes
its users: bit-equal refits, untouched random state, errors that help. Use them on your own
estimators::

    from sklearn_ecg.utils.estimator_checks import parametrize_with_ecg_checks

    @parametrize_with_ecg_checks([MyECGClassifier(max_epochs=1)])
    def test_my_estimator(estimator, check):
        check(estimator)
"""

import pickle
import sys
import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from ..leads import to_lead_frame
from ._check_tools import (
    _LEADS,
    _N_TIMES,
    _TOLERANCE,
    _allows_nan,
    _assert_outputs,
    _containers,
    _data,
    _gives_images,
    _gives_signals,
    _keeps_float64,
    _make,
    _outputs,
    _predictor,
    _raises,
)
from ._image_checks import (
    check_image_channels,
    check_image_containers,
    check_image_embedding,
    check_image_kind,
    check_image_non_finite,
    check_image_pipeline,
    check_image_size,
    check_images_agree,
    check_rows_need_image_shape,
    check_signals_refused,
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

    Parameters
    ----------
    estimator : estimator instance
        Small and fast: it is fitted some dozens of times on 24 records of 4 leads and 50 time
        points. Its ``random_state``, where it has one, is set by the checks, and so are the
        parameters ``n_leads`` and ``lead_names``, which it must have. One that cannot do without
        the names of leads comes with ``lead_names=("I", "II", "V2", "V5")``. A transformer that
        makes 3-D arrays of 3-D arrays is held to the rules of transformers of signals, and one that
        makes arrays of bytes, of 3 or 4 dimensions, to those of pictures. An estimator with a
        parameter ``renderer`` which is None reads images, and is held to the rules of these.

    Returns
    -------
    checks : list of callables
        Each takes the estimator and raises when something does not hold.
    """
    of_images = getattr(estimator, "renderer", "signals only") is None
    checks = _CHECKS_OF_IMAGES if of_images else _CHECKS_OF_SIGNALS
    checks = [
        *checks,
        check_input_layouts,
        check_input_unchanged,
        check_constant_lead,
        check_one_time_point,
        check_refit_bit_equal,
        check_refit_independent,
        check_random_state_untouched,
        check_prediction_order_independent,
        check_pickle,
        check_clone,
        check_unfitted_after_failed_fit,
    ]
    if _gives_signals(estimator):
        checks += [
            check_same_container_out,
            check_signal_dtypes,
            check_set_output_does_nothing,
            check_signal_names,
            check_signal_pipeline,
            check_signals_not_shared,
        ]
    elif _gives_images(estimator):
        checks += [check_image_containers, check_image_pipeline]
    elif hasattr(estimator, "transform"):
        checks += [check_image_embedding if of_images else check_transform_output]
        checks += [check_pipeline_step]
    if is_classifier(estimator):
        checks += [
            check_label_types,
            check_multilabel,
            check_bad_labels,
            check_two_records,
            check_zero_weight_is_removal,
            check_equal_weights_are_no_weights,
            check_metadata_routing,
        ]
    return checks


def check_ecg_estimator(estimator):
    """Run all checks on an estimator; the first that fails raises.

    Parameters
    ----------
    estimator : estimator instance
        See `ecg_checks`.

    Returns
    -------
    n_checks : int
        How many were run.
    """
    checks = ecg_checks(estimator)
    for check in checks:
        check(estimator)
    return len(checks)


def parametrize_with_ecg_checks(estimators):
    """Pytest decorator: one test per estimator and check.

    Parameters
    ----------
    estimators : list of estimator instances

    Returns
    -------
    decorator : pytest.mark.parametrize
        For a test function with the arguments ``estimator`` and ``check``.
    """
    import pytest

    cases = [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.__name__}")
        for estimator in estimators
        for check in ecg_checks(estimator)
    ]
    return pytest.mark.parametrize("estimator, check", cases)


# The X contract


def check_containers_agree(estimator):
    """All five containers give the same results, bit by bit."""
    X, y = _data()
    reference = _make(estimator, lead_names=_LEADS).fit(X, y)
    for container, params in _containers(X).values():
        other = _make(estimator, **params).fit(container, y)
        _assert_outputs(reference, other, X, container, exact=True)


def check_fitted_attributes(estimator):
    """n_features_in_, n_leads_in_, n_times_in_ and feature_names_in_ are set."""
    X, y = _data()
    for name, (container, params) in _containers(X).items():
        fitted = _make(estimator, **params).fit(container, y)
        assert fitted.n_leads_in_ == len(_LEADS), name
        assert fitted.n_times_in_ == _N_TIMES, name
        assert fitted.n_features_in_ == container.shape[1], name
        assert hasattr(fitted, "feature_names_in_") == hasattr(container, "columns"), name
    frame = to_lead_frame(X, _LEADS)
    np.testing.assert_array_equal(_make(estimator).fit(frame, y).feature_names_in_, _LEADS)


def check_input_layouts(estimator):
    """Fortran order, views, read-only memory, float64, integers and lists are all read."""
    X, y = _data()
    X = np.round(100 * X)
    reference = _make(estimator).fit(X, y)
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
            other = _make(estimator).fit(layout, y)
            # Lists are read as float64, in which some transformers calculate more exactly.
            finer = np.asarray(layout).dtype == np.float64 and _keeps_float64(estimator)
            _assert_outputs(reference, other, X, layout, exact=not finer)


def check_input_unchanged(estimator):
    """Neither X nor y nor the parameters change in fit and predict."""
    X, y = _data()
    X_before, y_before = X.copy(), y.copy()
    made = _make(estimator)
    params_before = pickle.dumps(made.get_params())
    _predictor(made.fit(X, y))(X)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    assert pickle.dumps(made.get_params()) == params_before, "fit changed a parameter"


def check_rows_need_n_leads(estimator):
    """2-D rows without n_leads are refused, and so is an n_leads that does not fit."""
    X, y = _data()
    rows = X.reshape(len(X), -1)
    with _raises("n_leads"):
        _make(estimator, n_leads=None).fit(rows, y)
    with _raises("n_leads=7 does not divide"):
        _make(estimator, n_leads=7).fit(rows, y)


def check_transposed_refused(estimator):
    """(n_records, n_times, n_leads) is refused, unless n_leads says that it is meant."""
    X, y = _data()
    X = np.ascontiguousarray(X.transpose(0, 2, 1))
    with _raises("transpose"):
        _make(estimator).fit(X, y)
    params = {"n_leads": _N_TIMES}
    if estimator.lead_names is not None:
        params["lead_names"] = [*_LEADS, *(f"x{i}" for i in range(len(_LEADS), _N_TIMES))]
    _make(estimator, **params).fit(X, y)


def check_lead_count(estimator):
    """Another number of leads than fitted is an error that names both."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    with _raises("X has 3 leads", "fitted on 4 leads"):
        _predictor(fitted)(X[:, :3])
    with _raises("n_leads=5"):
        _make(estimator, n_leads=5).fit(X, y)


def check_lead_names(estimator):
    """Leads of a frame are held to the fitted ones by name and order; aliases may not clash."""
    X, y = _data()
    frame = to_lead_frame(X, _LEADS)
    fitted = _make(estimator).fit(frame, y)
    predict = _predictor(fitted)
    with _raises("another order"):
        predict(frame[["II", "I", "V2", "V5"]])
    with _raises("now missing: V5"):
        predict(frame[["I", "II", "V2"]])
    with _raises("unseen at fit time: V6"):
        predict(frame.rename(columns={"V5": "V6"}))
    with _raises("lead"):
        _make(estimator).fit(frame.set_axis(["avR", "AVR", "V2", "V5"], axis=1), y)
    with _raises("lead_names"):
        _make(estimator, lead_names=["I", "II"]).fit(X, y)
    with _raises("lead_names"):
        _make(estimator, lead_names=["II", "I", "V2", "V5"]).fit(frame, y)


def check_length(estimator):
    """Another length than fitted is an error that names both."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    with _raises("49 time points", "50 time points"):
        _predictor(fitted)(X[:, :, :-1])


def check_non_finite(estimator):
    """NaN and infinity are refused with the place of the first.

    An estimator whose tags say that it allows NaN reads it, in fit as well as afterwards.
    """
    X, y = _data()
    fitted = _make(estimator, lead_names=_LEADS).fit(X, y)
    for value, name in [(np.nan, "NaN"), (np.inf, "infinity")]:
        bad = X.copy()
        bad[3, 2, 7] = value
        if np.isnan(value) and _allows_nan(estimator):
            assert len(_predictor(_make(estimator, lead_names=_LEADS).fit(bad, y))(bad)) == len(X)
            continue
        message = f"contains {name}.*record 3, lead V2, time point 7"
        with _raises(message):
            _make(estimator, lead_names=_LEADS).fit(bad, y)
        with _raises(message):
            _predictor(fitted)(bad)


def check_ragged(estimator):
    """Signals of several lengths are refused with the place of the first."""
    X, y = _data()
    cells = to_lead_frame(X, _LEADS).to_numpy()
    cells[5, 1] = cells[5, 1][:-3]
    with _raises("47"):
        _make(estimator).fit(cells, y)
    with _raises("47"):
        _make(estimator).fit(pd.DataFrame(cells, columns=_LEADS), y)


def check_constant_lead(estimator):
    """A flat lead and a flat record give finite results."""
    X, y = _data()
    X[:, 0] = 0.7
    X[4] = 0
    fitted = _make(estimator).fit(X, y)
    for method, values in _outputs(fitted, X).items():
        if values.dtype.kind == "f":
            assert np.isfinite(values).all(), method


def check_single_lead(estimator):
    """One lead is enough, unless others are asked for by name."""
    X, y = _data()
    if estimator.lead_names is None:
        fitted = _make(estimator).fit(X[:, 2:3], y)
    else:
        made = _make(estimator, lead_names=_LEADS[2:3])
        try:
            fitted = made.fit(X[:, 2:3], y)
        except ValueError as error:
            assert "leads present are V2" in str(error), error
            return
    assert len(_predictor(fitted)(X[:, 2:3])) == len(X)


def check_one_time_point(estimator):
    """Any length from one time point on is accepted.

    A transformer of signals may refuse records that are too short, and then tells their length.
    """
    X, y = _data()
    for n_times in (1, 2, 3):
        made = _make(estimator, n_leads=len(_LEADS))
        try:
            fitted = made.fit(X[:, :, :n_times], y)
        except ValueError as error:
            if not _gives_signals(estimator) or f"{n_times} time point" not in str(error):
                raise
            continue
        assert len(_predictor(fitted)(X[:, :, :n_times])) == len(X)


# What a deep estimator owes


def check_refit_bit_equal(estimator):
    """The same seed gives the same results, bit by bit."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    _assert_outputs(fitted, _make(estimator).fit(X, y), X, exact=True)


def check_refit_independent(estimator):
    """A second fit forgets the first."""
    X, y = _data()
    other_X, other_y = _data(n_records=21, n_times=37, n_classes=3, seed=1)
    refitted = _make(estimator).fit(other_X, other_y).fit(X, y)
    _assert_outputs(_make(estimator).fit(X, y), refitted, X, exact=True)


def check_random_state_untouched(estimator):
    """The global random states of NumPy and torch come out as they went in."""
    X, y = _data()
    torch = sys.modules.get("torch")
    np.random.seed(7)
    numpy_before = np.random.get_state()[1].copy()
    torch_before = None if torch is None else torch.random.get_rng_state()
    _predictor(_make(estimator).fit(X, y))(X)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)
    if torch is not None:
        assert torch.equal(torch.random.get_rng_state(), torch_before)


def check_prediction_order_independent(estimator):
    """A record's result depends neither on its neighbours nor on how many they are."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
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
    """Fitted estimators survive pickling."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    _assert_outputs(fitted, pickle.loads(pickle.dumps(fitted)), X, exact=True)


def check_clone(estimator):
    """A clone of a fitted estimator is unfitted and fits to the same."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    copied = clone(fitted)
    assert not hasattr(copied, "n_features_in_")
    _assert_outputs(fitted, copied.fit(X, y), X, exact=True)


def check_unfitted_after_failed_fit(estimator):
    """An estimator whose second fit failed says that it is not fitted."""
    X, y = _data()
    fitted = _make(estimator).fit(X, y)
    bad = X.copy()
    bad[0, 0, 0] = np.inf
    with _raises("infinity"):
        fitted.fit(bad, y)
    with _raises("not fitted", error=NotFittedError):
        _predictor(fitted)(X)


# Transformers


def check_transform_output(estimator):
    """transform gives named columns, as an array or as a frame."""
    X, y = _data()
    # Features may be called after their leads.
    made = _make(estimator, lead_names=_LEADS)
    fitted = made.fit(X, y)
    embedding = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert embedding.shape == (len(X), len(names))
    assert len(set(names)) == len(names)
    np.testing.assert_allclose(clone(made).fit_transform(X, y), embedding, **_TOLERANCE)
    frame = to_lead_frame(X, _LEADS).set_axis(np.arange(100, 100 + len(X)))
    framed = _make(estimator).set_output(transform="pandas").fit(frame, y).transform(frame)
    assert isinstance(framed, pd.DataFrame)
    assert list(framed.columns) == list(names)
    assert list(framed.index) == list(frame.index)
    np.testing.assert_allclose(framed.to_numpy(), embedding, **_TOLERANCE)


def check_pipeline_step(estimator):
    """The estimator works as a step that others follow."""
    X, y = _data()
    pipeline = Pipeline([("embed", _make(estimator)), ("pass", "passthrough")])
    np.testing.assert_array_equal(
        pipeline.fit(X, y).transform(X), _make(estimator).fit(X, y).transform(X)
    )
    assert len(pipeline.get_feature_names_out()) == pipeline.transform(X).shape[1]


# Classifiers


def check_label_types(estimator):
    """Labels of any type come back as they are; probabilities follow classes_."""
    X, y = _data(n_classes=3)
    kinds = {
        "strings": np.array(["STTC", "MI", "NORM"])[y],
        "objects": np.array(["STTC", "MI", "NORM"], dtype=object)[y],
        "integers": np.array([7, -1, 3])[y],
        "floats": y.astype(float),
        "booleans": y == 1,
        "series": pd.Series(np.array(["STTC", "MI", "NORM"])[y], index=np.arange(len(y)) + 5),
        "list": y.tolist(),
    }
    for kind, labels in kinds.items():
        fitted = _make(estimator).fit(X, labels)
        np.testing.assert_array_equal(fitted.classes_, np.unique(labels), err_msg=kind)
        probabilities = fitted.predict_proba(X)
        assert probabilities.shape == (len(X), len(fitted.classes_)), kind
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(
            fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)], err_msg=kind
        )


def check_multilabel(estimator):
    """An indicator gives one probability per label, a label without records included."""
    X, y = _data(n_classes=3)
    Y = np.stack([y == 1, y >= 1, y == 0, y == 2], axis=1).astype(int)
    fitted = _make(estimator).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert isinstance(probabilities, np.ndarray)
    assert probabilities.shape == Y.shape
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    Y[:, 3] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert _make(estimator).fit(X, Y).predict(X).shape == Y.shape


def check_bad_labels(estimator):
    """One class, missing, continuous, other than 0 and 1, or too few labels: each is told."""
    X, y = _data()
    fit = partial(_make(estimator).fit, X)
    with _raises("1 class"):
        fit(np.full(len(X), "MI"))
    with _raises("missing.*record 2"):
        fit(np.where(np.arange(len(X)) == 2, np.nan, y))
    with _raises("missing.*record 2"):
        fit([None if i == 2 else "MI" if v else "NORM" for i, v in enumerate(y)])
    with _raises("continuous"):
        fit(np.linspace(0, 1, len(X)))
    with _raises("0 and 1 only"):
        fit(np.stack([y, -y], axis=1))
    with _raises("inconsistent numbers of samples"):
        fit(y[:-1])
    with _raises("positive sample_weight"):
        fit(y, sample_weight=(y == 1).astype(float))
    with _raises("at least one non-zero"):
        fit(y, sample_weight=np.zeros(len(y)))
    with _raises("[Nn]egative"):
        fit(y, sample_weight=-np.ones(len(y)))
    with _raises("inconsistent numbers of samples"):
        fit(y, groups=y[:-1])


def check_two_records(estimator):
    """Two records, one of each class, are enough; one is not."""
    X, y = _data(n_records=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert _make(estimator).fit(X, y).predict(X).shape == (2,)
    with _raises("1 class"):
        _make(estimator).fit(X[:1], y[:1])


def check_zero_weight_is_removal(estimator):
    """Records of weight 0 leave no trace."""
    X, y = _data(n_records=30)
    weight = np.random.RandomState(0).randint(1, 4, size=len(X)).astype(float)
    removed = np.arange(len(X)) % 5 == 0
    weight[removed] = 0
    X[removed] *= 1000
    weighted = _make(estimator).fit(X, y, sample_weight=weight)
    kept = ~removed
    reduced = _make(estimator).fit(X[kept], y[kept], sample_weight=weight[kept])
    _assert_outputs(reduced, weighted, X, exact=True)


def check_equal_weights_are_no_weights(estimator):
    """Equal weights change nothing, whatever their size."""
    X, y = _data()
    weighted = _make(estimator).fit(X, y, sample_weight=np.full(len(X), 3.0))
    _assert_outputs(_make(estimator).fit(X, y), weighted, X, exact=True)


def check_metadata_routing(estimator):
    """sample_weight and groups reach fit through a routed Pipeline, and make a difference."""
    X, y = _data()
    metadata = {
        "sample_weight": np.where(np.arange(len(X)) < 6, 0.0, 1.0),
        "groups": np.arange(len(X)) // 4,
    }
    # Groups are for the internal validation split.
    params = {"early_stopping": True, "validation_fraction": 0.34}
    params = {k: v for k, v in params.items() if k in estimator.get_params()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        direct = _make(estimator, **params).fit(X, y, **metadata)
        with config_context(enable_metadata_routing=True):
            requesting = _make(estimator, **params)
            requesting.set_fit_request(sample_weight=True, groups=True)
            routed = Pipeline([("clf", requesting)]).fit(X, y, **metadata)
        _assert_outputs(direct, routed, X, exact=True)
        for dropped in metadata if params else ["sample_weight"]:
            rest = {name: value for name, value in metadata.items() if name != dropped}
            other = _make(estimator, **params).fit(X, y, **rest)
            same = np.array_equal(direct.predict_proba(X), other.predict_proba(X))
            assert not same, f"{dropped} makes no difference"


_CHECKS_OF_SIGNALS = (
    check_containers_agree,
    check_fitted_attributes,
    check_rows_need_n_leads,
    check_transposed_refused,
    check_lead_count,
    check_lead_names,
    check_length,
    check_non_finite,
    check_ragged,
    check_single_lead,
)
_CHECKS_OF_IMAGES = (
    check_images_agree,
    check_image_channels,
    check_image_size,
    check_image_kind,
    check_rows_need_image_shape,
    check_signals_refused,
    check_image_non_finite,
)
