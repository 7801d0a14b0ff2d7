"""Warnings that name the line of the user's program."""

import sys
import warnings

# Packages that may stand between the user's line and the warning.
_INTERNAL = {"imblearn", "joblib", "sklearn", "sklearn_ecg", "skorch"}


def warn(message, category=UserWarning):
    """Issue a warning at the innermost line outside this package and those it runs in.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _package(frame) in _INTERNAL:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
