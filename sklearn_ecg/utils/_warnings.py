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


class NotedWarnings:
    """Collect the user warnings of a block, and issue the others as usual.

    Attributes
    ----------
    messages : list of str
        Each message once, after the block. Several blocks of one object add up.
    """

    def __init__(self):
        self.messages = []

    def __enter__(self):
        self._catcher = warnings.catch_warnings(record=True)
        self._caught = self._catcher.__enter__()
        warnings.simplefilter("always", UserWarning)
        return self

    def __exit__(self, *error):
        self._catcher.__exit__(None, None, None)
        for caught in self._caught:
            # Others, such as those about deprecation, are not about the data.
            if not issubclass(caught.category, UserWarning):
                warnings.warn_explicit(
                    caught.message, caught.category, caught.filename, caught.lineno
                )
            elif str(caught.message) not in self.messages:
                self.messages.append(str(caught.message))
