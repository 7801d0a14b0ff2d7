"""Summary of a lead frame, one row per lead."""

import numpy as np
import pandas as pd

from ._frames import to_lead_array


def describe_lead_frame(frame):
    """Describe the signals of each lead of a lead frame.

    ``frame.describe()`` of pandas is for numbers, not for signals, and raises an error.

    Parameters
    ----------
    frame : DataFrame
        A lead frame, see `to_lead_frame`. Signals may contain NaN.

    Returns
    -------
    description : DataFrame of shape (n_leads, 9)
        One row per lead, with the columns

        - "records": number of records in which the lead is not missing;
        - "missing": number of records in which it is NaN at all time points;
        - "flat": number of records in which it is constant;
        - "n_times": number of time points of a record;
        - "mean", "std", "min", "median", "max": of all values that are not NaN, in the unit of the
          frame.

        Its ``attrs`` are those of the frame: sampling rate and unit, if they are known.

    Raises
    ------
    TypeError
        If `frame` is not a DataFrame.
    ValueError
        If a column does not contain signals, a cell is null, or the signals of a lead differ in
        length.

    See Also
    --------
    to_lead_frame : Convert an array to a lead frame.
    sklearn_ecg.preprocessing.SignalQuality : Find unusable leads of each record.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.leads import describe_lead_frame
    >>> frame = make_ecg(50, as_frame=True, random_state=0).data
    >>> describe_lead_frame(frame)[["records", "missing", "n_times", "min", "max"]].round(1).head(3)
          records  missing  n_times  min  max
    lead
    I          50        0     1000 -0.2  1.0
    II         50        0     1000 -0.4  1.8
    III        50        0     1000 -0.5  1.3
    """
    if not isinstance(frame, pd.DataFrame) or not frame.shape[1]:
        # Raises the error for what is not a lead frame.
        to_lead_array(frame)
    # One lead at a time: its values are copied.
    columns = [frame.iloc[:, [position]] for position in range(frame.shape[1])]
    rows = [_describe(to_lead_array(column)[:, 0]) for column in columns]
    description = pd.DataFrame(rows, columns=_COLUMNS, index=frame.columns.rename("lead"))
    description = description.astype({name: int for name in _COLUMNS[:4]})
    description.attrs.update(frame.attrs)
    return description


_COLUMNS = ["records", "missing", "flat", "n_times", "mean", "std", "min", "median", "max"]


def _describe(signals):
    is_nan = np.isnan(signals)
    missing = is_nan.all(axis=1)
    low, high = (reduce(signals, axis=1) for reduce in (np.fmin.reduce, np.fmax.reduce))
    values = signals[~is_nan].astype(np.float64)
    # The mean and the standard deviation of infinity are NaN.
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = [np.nan] * 5
        if values.size:
            numbers = [values.mean(), values.std(), values.min(), np.median(values), values.max()]
    counts = [len(signals) - missing.sum(), missing.sum(), np.sum(low == high), signals.shape[1]]
    return counts + numbers
