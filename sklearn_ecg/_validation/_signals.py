"""The input contract for signals.

=====================  =======================================  ==========================
container              shape                                    needs
=====================  =======================================  ==========================
3-D array              (n_records, n_leads, n_times)
lead frame             (n_records, n_leads), a signal per cell
object array           (n_records, n_leads), a signal per cell
2-D array, lead-major  (n_records, n_leads * n_times)           ``n_leads=``
numeric DataFrame      (n_records, n_leads * n_times)           ``n_leads=``
`LazyRecords`          (n_records, n_leads, n_times)
column of them         (n_records, 1), a record per cell
=====================  =======================================  ==========================

Images have their own containers, see `check_images`.
"""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..leads import (
    STANDARD_LEADS,
    LazyRecords,
    is_lead_frame,
    normalize_lead_names,
    stack_signals,
    to_lead_array,
)
from ..leads._lead_order import check_standard_order
from ..leads._record_columns import read_column
from ._containers import SINGLE_RECORD, as_array, check_container, refuse_other_objects
from ._finite import check_finite
from ._millivolts import check_millivolts
from ._notes import check_noted_rate, check_notes


def check_signals(estimator, X, *, reset, dtype=np.float32, allow_nan=False):
    """Convert X to an array of signals, and compare it with the fitted signals.

    Parameters
    ----------
    estimator : estimator
        Its parameters ``n_leads`` and ``lead_names`` are used if it has them. With ``reset=True``,
        its attributes ``n_features_in_``, ``feature_names_in_`` (for named columns only),
        ``n_leads_in_``, ``n_times_in_``, ``lead_names_in_``, ``sampling_rate_in_`` and
        ``units_in_`` are set. If its class attribute ``_needs_millivolts`` is true, X must be in
        mV; ``_scale_errors`` is then what `check_millivolts` raises errors for. Unless its class
        attribute ``_checks_lead_order`` is false, `check_standard_order` is called.
    X : array, DataFrame or lead frame
        See the table at the top of this module.
    reset : bool
        True in ``fit``, False in every other method.
    dtype : dtype or list of dtypes, default=np.float32
        Data type of the result. If a list, the dtype of X is kept if it is in the list; otherwise
        X is converted to the first of them.
    allow_nan : bool or "leads", default=False
        Whether X may contain NaN. "leads": only leads that are NaN at all time points of a record.
        Infinity always raises an error.

    Returns
    -------
    signals : ndarray of shape (n_records, n_leads, n_times), C-order, or LazyRecords
        Not a copy if X already has this layout and dtype; this includes memory maps. Lazy records
        stay lazy: ``numpy.asarray`` of a part of them is an array.
    lead_names : tuple of str or None

    Raises
    ------
    ValueError
        If X is ambiguous, contains NaN or infinity, or differs from the fitted X in its leads,
        their order (by name), their length, or the sampling rate or unit that it notes.
    TypeError
        If X contains objects that are neither numbers nor signals.
    """
    X = read_column(X)
    check_container(X)
    n_leads = getattr(estimator, "n_leads", None)
    columns, are_rows = None, False
    if is_lead_frame(X):
        columns = [str(column) for column in X.columns]
        if not reset:
            _check_lead_columns(estimator, columns)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        # Amplitudes beyond float32 become infinite; `check_finite` reports them below.
        with np.errstate(over="ignore"):
            signals = to_lead_array(X, dtype=None if isinstance(dtype, list) else dtype)
            signals = _cast(signals, dtype)
    elif is_signal_table(X):
        # Meta-estimators convert lead frames to such tables, without the column names.
        if not reset:
            _check_lead_count(estimator, X.shape[1])
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        with np.errstate(over="ignore"):
            signals = stack_signals(X, dtype=None if isinstance(dtype, list) else dtype)
            signals = _cast(signals, dtype)
    elif isinstance(X, LazyRecords):
        columns = None if X.lead_names is None else list(X.lead_names)
        signals = check_lazy(estimator, X, reset, dtype, columns)
    else:
        signals, are_rows = _check_numeric(estimator, X, reset, dtype, n_leads)
    _check_leads_and_times(estimator, signals, n_leads)
    is_nameless = reset and is_signal_table(X)
    lead_names = _resolve_lead_names(estimator, signals.shape[1], columns, is_nameless)
    if reset:
        estimator.n_leads_in_ = signals.shape[1]
        estimator.n_times_in_ = signals.shape[2]
        estimator.lead_names_in_ = lead_names
        estimator._fitted_on_rows = are_rows
    _check_fitted(estimator, signals, lead_names)
    check_notes(estimator, X, reset=reset)
    check_finite(signals, lead_names, allow_nan)
    # Names that were given are another tuple.
    if reset and lead_names is STANDARD_LEADS and getattr(estimator, "_checks_lead_order", True):
        check_standard_order(signals, name=type(estimator).__name__)
    if getattr(estimator, "_needs_millivolts", False):
        errors = set(estimator._scale_errors)
        # A fitted estimator meets single records, of which some have a disconnected electrode.
        check_millivolts(
            signals,
            name=type(estimator).__name__,
            error_for=errors if reset else errors - {"offset"},
        )
    return signals, lead_names


def read_container(X, *, name, n_leads=None):
    """Identify the container and the leads of X, without checking the signals.

    For functions that pass X on to an estimator, which checks the rest.

    Parameters
    ----------
    X : array, DataFrame or lead frame
        See the table at the top of this module.
    name : str
        Name of the calling function or class, for error messages.
    n_leads : int or None, default=None
        Required for rows and numeric frames; compared with the leads of the other containers.

    Returns
    -------
    X : array or DataFrame
        As given, except that a nested list is converted to an array. `LazyRecords` are of the kind
        "array".
    kind : {"array", "lead frame", "cells", "rows", "numeric frame"}
    n_leads : int
    lead_names : tuple of str or None
        The lead names of a lead frame or of lazy records; None for other containers.
    """
    X = read_column(X)
    check_container(X)
    if isinstance(X, LazyRecords):
        found = _check_given_leads(X.shape[1], n_leads, X.shape[2])
        _check_not_transposed(X.shape, n_leads)
        return X, "array", found, X.lead_names
    if is_lead_frame(X):
        lead_names = normalize_lead_names([str(column) for column in X.columns], strict=False)
        return X, "lead frame", _check_given_leads(len(lead_names), n_leads), lead_names
    if not hasattr(X, "iloc"):
        X = as_array(X)
        if is_signal_table(X):
            return X, "cells", _check_given_leads(X.shape[1], n_leads), None
        if X.ndim == 3:
            found = _check_given_leads(X.shape[1], n_leads, X.shape[2])
            _check_not_transposed(X.shape, n_leads)
            return X, "array", found, None
    _check_rank(X)
    _check_row_length(X.shape, n_leads, name)
    return X, "numeric frame" if hasattr(X, "iloc") else "rows", n_leads, None


def read_signals(X, *, name, n_leads=None, lead_names=None, sampling_rate=None):
    """Convert X to an array of signals, without an estimator.

    Parameters
    ----------
    X : array, DataFrame or lead frame
        See the table at the top of this module.
    name : str
        Name of the calling function, for error messages.
    n_leads : int or None, default=None
        Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Lead names of an array.
    sampling_rate : float or None, default=None
        Compared with the sampling rate that X notes.

    Returns
    -------
    signals : ndarray of shape (n_records, n_leads, n_times)
        Of the dtype of X. Not checked for NaN and infinity.
    lead_names : tuple of str or None

    Raises
    ------
    TypeError
        If X does not contain real numbers.
    ValueError
        If X is ambiguous or empty, or `lead_names` or `sampling_rate` does not match it.
    """
    X = read_column(X)
    check_container(X)
    if isinstance(X, LazyRecords):
        size = X.size
    else:
        size = None if hasattr(X, "iloc") else as_array(X).size
    if size == 0:
        raise ValueError(f"X is empty: its shape is {np.shape(X)}.")
    check_noted_rate(X, sampling_rate, name=name)
    X, kind, n_leads, names = read_container(X, name=name, n_leads=n_leads)
    if kind == "lead frame":
        X = to_lead_array(X)
    elif kind == "cells":
        X = stack_signals(X)
    X = np.asarray(X)
    if X.dtype.kind not in "iuf":
        raise TypeError(f"X must contain real numbers, got dtype {X.dtype}.")
    if X.size == 0:
        raise ValueError(f"X is empty: its shape is {X.shape}.")
    if lead_names is not None:
        given = normalize_lead_names(lead_names, strict=False)
        if len(given) != n_leads or names not in (None, given):
            present = f"{n_leads} leads" if names is None else f"the leads {', '.join(names)}"
            raise ValueError(f"lead_names={given} does not match X, which has {present}.")
        names = given
    elif names is None and n_leads == len(STANDARD_LEADS) and kind != "cells":
        names = STANDARD_LEADS
    return X.reshape(len(X), n_leads, -1), names


def check_lazy(estimator, X, reset, dtype, columns):
    """Compare the leads of lazy records with the fitted ones, and cast the records."""
    if not reset:
        _check_lead_count(estimator, X.shape[1])
        if columns is not None:
            _check_lead_columns(estimator, columns)
    if reset or (columns is None and not was_fitted_on_rows(estimator)):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    if not isinstance(dtype, list):
        return X.astype(dtype)
    return X if X.dtype in dtype else X.astype(dtype[0])


def _cast(signals, dtype):
    """Cast the signals to a dtype, or to the first of a list that does not include theirs."""
    if not isinstance(dtype, list) or signals.dtype in dtype:
        return signals
    return signals.astype(dtype[0])


def is_signal_table(X):
    """Return whether X is an object array whose cells are signals rather than numbers."""
    if not (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and X.size):
        return False
    first = next((cell for cell in X.flat if cell is not None), None)
    return isinstance(first, (list, tuple, np.ndarray))


def _check_numeric(estimator, X, reset, dtype, n_leads):
    """Convert a 3-D array, lead-major rows or a numeric frame to signals.

    Also return whether X consists of rows.
    """
    name = type(estimator).__name__
    if isinstance(X, (list, tuple)):
        X = as_array(X)
    ndim = getattr(X, "ndim", None)
    if ndim is not None:
        _check_rank(X)
    if not reset:
        if ndim == 3:
            _check_lead_count(estimator, X.shape[1])
        check_not_single(estimator, X)
        if _needs_no_conversion(estimator, X, dtype):
            return X, False
    options = {"dtype": dtype, "order": "C", "allow_nd": True, "ensure_all_finite": False}
    # Amplitudes beyond float32 become infinite; `check_finite` reports them later.
    with np.errstate(over="ignore"):
        # Rows may be passed to an estimator fitted on a 3-D array, and vice versa. scikit-learn
        # would compare the number of columns with the number of leads.
        with refuse_other_objects():
            if reset or (ndim == 2) == was_fitted_on_rows(estimator):
                X = validate_data(estimator, X, reset=reset, **options)
            else:
                X = check_array(X, estimator=estimator, input_name="X", **options)
    # Frames of another byte order keep it.
    X = X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))
    if X.ndim == 3:
        return X, False
    _check_row_length(X.shape, n_leads, name)
    return X.reshape(len(X), n_leads, -1), True


def _needs_no_conversion(estimator, X, dtype):
    """Return whether scikit-learn would return X as it is, without a warning.

    This is nearly always so for predictions. scikit-learn takes longer for its checks of a single
    record than a small network for the prediction.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 3
        and len(X) > 0
        and X.dtype in (dtype if isinstance(dtype, list) else [dtype])
        and X.dtype.kind == "f"
        and X.dtype.isnative
        and X.flags.c_contiguous
        and not hasattr(estimator, "feature_names_in_")
        and not was_fitted_on_rows(estimator)
    )


def _check_rank(X):
    """Raise unless X has two or three dimensions."""
    if X.ndim not in (2, 3):
        raise ValueError(
            f"Expected 3D array (n_records, n_leads, n_times) or 2D array, got {X.ndim}D array "
            f"with shape {X.shape} instead. Reshape your data. {SINGLE_RECORD}; a single signal is "
            "signal.reshape(1, 1, -1)."
        )


def check_not_single(estimator, X):
    """Raise if X has the shape of one of the fitted records, rather than that of several."""
    single = (estimator.n_leads_in_, getattr(estimator, "n_times_in_", None))
    # Rows of one lead may have this shape, too.
    if getattr(X, "shape", None) == single and single[0] > 1:
        raise ValueError(
            f"X has the shape {single} of one of the records that {type(estimator).__name__} was "
            f"fitted on, (n_leads, n_times). {SINGLE_RECORD}."
        )


def _check_row_length(shape, n_leads, name):
    """Raise if the number of leads in rows is unknown, or does not divide their length."""
    if n_leads is None:
        raise ValueError(
            f"X has shape {shape}. If its rows are records in lead-major order, (n_records, "
            f"n_leads * n_times), pass the number of leads to {name}, as in n_leads=12. "
            "Otherwise, pass an array of shape (n_records, n_leads, n_times) or a lead frame "
            f"(to_lead_frame). {SINGLE_RECORD}."
        )
    if shape[1] % n_leads:
        raise ValueError(
            f"X has {shape[1]} columns, which n_leads={n_leads} does not divide. Rows must "
            f"contain n_leads * n_times values in lead-major order. {SINGLE_RECORD}. If a tool has "
            "removed columns, as RFE and SequentialFeatureSelector do, use SequentialLeadSelector. "
            "If it has added columns, as ClassifierChain does, place it after a transformer in a "
            "Pipeline."
        )


def was_fitted_on_rows(estimator):
    """Return whether ``n_features_in_`` counts values rather than leads.

    For records of one time point, the numbers are equal.
    """
    differs = estimator.n_features_in_ != estimator.n_leads_in_
    return getattr(estimator, "_fitted_on_rows", differs)


def _check_leads_and_times(estimator, signals, n_leads):
    """Raise for empty signals, an unexpected number of leads, and transposed signals."""
    name = type(estimator).__name__
    n_records, found, n_times = signals.shape
    if 0 in (found, n_times):
        raise ValueError(
            f"X has {found} lead(s) and {n_times} time point(s) per record: a minimum of 1 of "
            "each is required."
        )
    if n_records == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={signals.shape}) while a minimum of 1 is "
            f"required by {name}."
        )
    _check_given_leads(found, n_leads, n_times)
    _check_not_transposed(signals.shape, n_leads)


def _check_given_leads(found, n_leads, n_times=None):
    """Return the number of leads found, which must be the one given, if any."""
    if n_leads is not None and found != n_leads:
        hint = " It looks transposed: pass X.transpose(0, 2, 1)." if n_times == n_leads else ""
        raise ValueError(f"X has {found} leads, but n_leads={n_leads} was given.{hint}")
    return found


def _check_not_transposed(shape, n_leads):
    """Raise if there are more leads than time points, unless `n_leads` is given."""
    _, found, n_times = shape
    if n_leads is None and found > n_times:
        raise ValueError(
            f"X has shape {shape}: {found} leads of {n_times} time points. It is probably "
            "(n_records, n_times, n_leads): pass X.transpose(0, 2, 1). If it really has more leads "
            f"than time points, pass n_leads={found}."
        )


def _resolve_lead_names(estimator, n_leads, columns, is_nameless=False):
    """Return the lead names: of the frame, of `lead_names`, or of the twelve standard leads.

    ``is_nameless`` is True for an object array in `fit`. Meta-estimators make such arrays of lead
    frames with any order of the leads, so that twelve leads may be in another order.
    """
    given = getattr(estimator, "lead_names", None)
    if given is not None:
        given = normalize_lead_names(given, strict=False)
        if len(given) != n_leads:
            raise ValueError(
                f"lead_names has {len(given)} names ({', '.join(given)}), but X has {n_leads} "
                "leads."
            )
    if columns is not None:
        columns = normalize_lead_names(columns, strict=False)
        if given is not None and given != columns:
            raise ValueError(
                f"lead_names={given} differs from the columns of X, {columns}. For lead frames, "
                "leave lead_names=None, or pass X[list(lead_names)]."
            )
        return columns
    if given is None and n_leads == len(STANDARD_LEADS) and not is_nameless:
        return STANDARD_LEADS
    return given


def _check_lead_columns(estimator, columns):
    """Compare the leads of a frame with the fitted leads, by name and order.

    The leads of an estimator fitted on an array are those of `lead_names`, or the standard leads.
    """
    fitted = getattr(estimator, "feature_names_in_", None)
    known_as = "feature_names_in_"
    if fitted is None:
        fitted, known_as = getattr(estimator, "lead_names_in_", None), "lead_names_in_"
        columns = list(normalize_lead_names(columns, strict=False))
    if fitted is None or columns == [str(column) for column in fitted]:
        return
    fitted = [str(column) for column in fitted]
    missing = [column for column in fitted if column not in columns]
    unseen = [column for column in columns if column not in fitted]
    parts = ["The feature names should match those that were passed during fit."]
    if missing:
        parts.append(f"Leads seen at fit time, yet now missing: {', '.join(missing)}.")
    if unseen:
        parts.append(f"Leads unseen at fit time: {', '.join(unseen)}.")
    same = sorted(normalize_lead_names(columns, strict=False)) == sorted(
        normalize_lead_names(fitted, strict=False)
    )
    if same and unseen:
        parts.append("These are the same leads spelled differently: rename the columns.")
    elif same:
        parts.append("The leads are the same but in another order.")
    parts.append(
        f"{type(estimator).__name__} was fitted on {', '.join(fitted)}; "
        f"X has {', '.join(columns)}. Select the fitted leads in their order: "
        f"X[list(estimator.{known_as})]."
    )
    raise ValueError(" ".join(parts))


def _check_lead_count(estimator, found):
    """Raise if the number of leads differs from the fitted one."""
    if found != estimator.n_leads_in_:
        raise ValueError(
            f"X has {found} leads, but {type(estimator).__name__} was fitted on "
            f"{estimator.n_leads_in_} leads."
        )


def _check_fitted(estimator, signals, lead_names):
    """Compare the leads, their order by name and their length with the fitted ones."""
    name = type(estimator).__name__
    _check_lead_count(estimator, signals.shape[1])
    fitted_names = estimator.lead_names_in_
    if None not in (lead_names, fitted_names) and lead_names != fitted_names:
        raise ValueError(
            f"X has the leads {', '.join(lead_names)}, but {name} was fitted on "
            f"{', '.join(fitted_names)}. Twelve unnamed leads are assumed to be in standard "
            "order: for any other order, pass a lead frame (to_lead_frame)."
        )
    if signals.shape[2] != estimator.n_times_in_:
        raise ValueError(
            f"X has {signals.shape[2]} time points, but {name} was fitted on "
            f"{estimator.n_times_in_} time points: crop, pad or resample the records to that "
            "length."
        )
