"""Age and sex of subjects, as the comments of headers and the cells of tables state them."""

import re

import numpy as np

MAX_AGE = 120  # years
_YEARS = re.compile(r"\d{1,3}(\.\d*)?", re.ASCII)
_UNKNOWN = ("", "unknown", "nan", "none", "na", "n/a", "-")


def collect_comments(comments, separator=":"):
    """Return what comments such as "Age: 56" state, by key in lower case.

    Parameters
    ----------
    comments : list of str
    separator : str, default=":"
        What separates the key from the value.

    Returns
    -------
    stated : dict of str to list of str
        Different values of a key, in their order; more than one if comments contradict each other.
    """
    stated = {}
    for comment in comments:
        key, found, value = comment.partition(separator)
        values = stated.setdefault(key.strip().lower(), [])
        if found and value.strip() not in values:
            values.append(value.strip())
    return stated


def is_plausible_age(age):
    """Whether a number is an age in years."""
    return 0 <= age <= MAX_AGE


def parse_age(stated, notes):
    """Return an age in years, NaN if it is unknown; append to the notes what is wrong with it.

    Parameters
    ----------
    stated : list of str
        Different values of a header.
    notes : list of str
    """
    text = _choose("age", stated, notes)
    if text is None:
        return np.nan
    if not _YEARS.fullmatch(text) or not is_plausible_age(float(text)):
        notes.append(f"age {text!r} in the header is not a number of years from 0 to {MAX_AGE}")
        return np.nan
    return float(text)


def parse_sex(stated, names, notes):
    """Return a sex, None if it is unknown; append to the notes what is wrong with it.

    Parameters
    ----------
    stated : list of str
        Different values of a header.
    names : dict of str to str
        What to return, by the text in lower case.
    notes : list of str
    """
    text = _choose("sex", stated, notes)
    if text is not None and text.lower() not in names:
        notes.append(f"sex {text!r} in the header is not known")
    return None if text is None else names.get(text.lower())


def _choose(key, stated, notes):
    """Return the value of a key, or None if there is none, or several of them."""
    known = [text for text in stated if text.lower() not in _UNKNOWN]
    if len({text.lower() for text in known}) > 1:
        values = " and ".join(map(repr, known))
        notes.append(f"{key} {values} in the header, neither of them is used")
        return None
    return known[0] if known else None
