"""Strategies of hypothesis: records in every container, labels, scores, groups and weights.

Numbers come from a drawn seed: what hypothesis varies and simplifies is which shape, dtype,
container and fault they have.
"""

import os
import tempfile
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

from sklearn_ecg.leads import (
    STANDARD_LEADS,
    is_lead_frame,
    stack_signals,
    to_lead_array,
    to_lead_frame,
)

# Examples of a long run for each example of a short one.
LONG_FACTOR = 60
IS_LONG = os.environ.get("SKLEARN_ECG_PROPERTIES") == "long"

seeds = st.integers(0, 2**16)


def examples(number):
    """Return the settings of a test of so many examples; a long run has `LONG_FACTOR` times more.

    Parameters
    ----------
    number : int
        Examples of a short run.
    """
    return settings(max_examples=number * (LONG_FACTOR if IS_LONG else 1))


# --------------------------------------------------------------------------------------------------
# Records
# --------------------------------------------------------------------------------------------------

KINDS = ("array", "lead frame", "cells", "rows", "numeric frame")
DTYPES = ("float32", "float64", "float16", "int16", "int32", "uint8", "bool", "object", ">f4")
LAYOUTS = ("C", "F", "strided", "reversed", "read-only", "memmap")
VALUES = ("noise", "beats", "beats", "constant", "zeros", "offset", "uV", "V", "huge", "tiny")
FAULTS = ("none", "none", "none", "nan", "inf", "nan lead", "nan record")
# Containers that are refused, or of unusual dtypes.
ODD = (
    "complex",
    "text",
    "objects",
    "dates",
    "1-D",
    "4-D",
    "ragged",
    "masked",
    "mapping",
    "None",
    "lists",
)


@dataclass
class Records:
    """Records in a container.

    Parameters
    ----------
    X : object
        The container.
    signals : ndarray of shape (n_records, n_leads, n_times) or None
        The values that X has, in float64. None for an odd container.
    kind : str
        One of `KINDS` or of `ODD`.
    params : dict
        Parameters of an estimator that the container needs.
    values, fault, dtype : str
        What the signals are.
    """

    X: object
    signals: np.ndarray | None
    kind: str
    params: dict = field(default_factory=dict)
    values: str = ""
    fault: str = ""
    dtype: str = ""
    layout: str = ""

    @property
    def is_plain(self):
        """Whether these are records in mV as users have them: nothing may refuse them."""
        return (
            self.signals is not None
            and self.signals.size > 0
            and self.values in ("noise", "beats")
            and self.fault == "none"
            and self.dtype in ("float32", "float64", "float16", ">f4")
        )

    @property
    def has_whole_leads(self):
        """Whether no lead has a gap: each is finite, or missing throughout."""
        if self.signals is None or np.isinf(self.signals).any():
            return False
        missing = np.isnan(self.signals)
        return bool((missing == missing.all(axis=2, keepdims=True)).all())

    @property
    def is_finite(self):
        return self.signals is not None and bool(np.isfinite(self.signals).all())

    @property
    def shape(self):
        return self.signals.shape

    @property
    def output_dtype(self):
        """The dtype of transformed signals: float64 stays float64."""
        return np.float64 if self.dtype == "float64" else np.float32

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))

    def __repr__(self):
        shape = None if self.signals is None else self.signals.shape
        return (
            f"Records({self.kind}, {shape}, {self.dtype}, {self.layout}, {self.values}, "
            f"{self.fault}, {self.params})"
        )


def make_signals(values, n_records, n_leads, n_times, seed):
    """Return signals in float64, in mV unless the values say otherwise."""
    rng = np.random.RandomState(seed)
    signals = 0.1 * rng.randn(n_records, n_leads, n_times)
    if values in ("beats", "uV", "V", "offset"):
        rate = rng.uniform(0.5, 3, size=(n_records, 1, 1))
        phase = np.arange(n_times) / 100 * rate % 1
        gains = rng.uniform(0.3, 1.5, size=(1, n_leads, 1)) * np.where(
            rng.rand(n_leads, 1) < 0.3, -1, 1
        )
        signals = 0.2 * signals + gains * np.exp(-(((phase - 0.3) / 0.03) ** 2))
        signals += 0.3 * gains * np.exp(-(((phase - 0.6) / 0.1) ** 2))
    scale = {"uV": 1000.0, "V": 0.001, "huge": 1e14, "tiny": 1e-30}.get(values, 1.0)
    signals = signals * scale
    if values == "offset":
        signals += 300
    elif values == "constant":
        signals[:] = 0.5
    elif values == "zeros":
        signals[:] = 0
    elif values == "huge" and seed % 2:
        signals *= 1e278
    return signals


def _add_fault(signals, fault, seed):
    if fault == "none" or not signals.size:
        return
    rng = np.random.RandomState(seed)
    place = tuple(rng.randint(size) for size in signals.shape)
    if fault == "nan":
        signals[place] = np.nan
    elif fault == "inf":
        signals[place] = rng.choice([np.inf, -np.inf])
    elif fault == "nan lead":
        signals[place[:2]] = np.nan
    else:
        signals[place[0]] = np.nan


def _lay_out(array, layout):
    """Return an array of the same values in another layout of memory."""
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "strided":
        large = np.zeros((2 * len(array), *array.shape[1:]), dtype=array.dtype)
        large[::2] = array
        return large[::2]
    if layout == "reversed":
        return array[..., ::-1].copy()[..., ::-1]
    if layout == "memmap" and array.size and array.dtype != object:
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, dtype=array.dtype, mode="w+", shape=array.shape)
        mapped[:] = array
        mapped.flags.writeable = False
        return mapped
    array = array.copy()
    array.flags.writeable = layout != "read-only"
    return array


def _lead_names(n_leads):
    return tuple(STANDARD_LEADS[:n_leads]) + tuple(f"E{i}" for i in range(n_leads - 12))


def _index(n_records, seed):
    """An index that is not 0, 1, 2, ..."""
    options = (
        [f"r{i}" for i in range(n_records)][::-1],
        [7] * n_records,
        list(range(10, 10 + n_records)),
        list(range(n_records)),
    )
    return pd.Index(options[seed % 4])


def _cast(signals, dtype):
    """Return signals of a dtype, and the values that these have, in float64."""
    with np.errstate(all="ignore"):
        if dtype in ("int16", "int32", "uint8"):
            limits = np.iinfo(dtype)
            cast = np.clip(np.nan_to_num(100 * signals), limits.min, limits.max).astype(dtype)
        elif dtype == "bool":
            cast = signals > 0.05
        else:
            cast = signals.astype(dtype)
        return cast, cast.astype(np.float64)


def _into_container(kind, signals, seed):
    """Return a container, and the parameters that an estimator needs for it."""
    n_records, n_leads, n_times = signals.shape
    names = _lead_names(n_leads)
    if kind == "array":
        return signals, {"n_leads": n_leads} if n_leads > n_times else {}
    if kind in ("lead frame", "cells"):
        needs = {"n_leads": n_leads} if n_leads > n_times else {}
        if signals.dtype == object or seed % 3 == 0 or kind == "cells" or n_times == 0:
            cells = np.empty((n_records, n_leads), dtype=object)
            for place in np.ndindex(cells.shape):
                cells[place] = signals[place] if seed % 2 else list(signals[place])
            if kind == "cells":
                return cells, needs
            return pd.DataFrame(cells, columns=names, index=_index(n_records, seed)), needs
        notes = {"units": "mV"} if seed % 5 == 0 else {}
        return to_lead_frame(signals, names, index=_index(n_records, seed), **notes), needs
    rows = signals.reshape(n_records, n_leads * n_times)
    if kind == "rows":
        return rows, {"n_leads": n_leads}
    columns = [f"t{i}" for i in range(rows.shape[1])]
    frame = pd.DataFrame(rows, columns=columns, index=_index(n_records, seed))
    return frame, {"n_leads": n_leads}


def _odd_container(kind, signals):
    """Return a container that is refused, or a nested list, which is not."""
    if kind == "complex":
        return signals + 1j
    if kind == "text":
        return np.full(signals.shape, "1.5 mV")
    if kind == "objects":
        X = signals.astype(object)
        X.flat[:1] = {"I": 0.0}
        return X
    if kind == "dates":
        return np.zeros(signals.shape, dtype="datetime64[s]")
    if kind == "1-D":
        return signals.ravel()
    if kind == "4-D":
        return signals[..., None]
    if kind == "ragged":
        return [[list(lead) for lead in record] for record in signals] + [[[0.0, 1.0], [2.0]]]
    if kind == "masked":
        return np.ma.masked_greater(signals, 0)
    if kind == "mapping":
        return {f"lead{i}": signals[:, i] for i in range(signals.shape[1])}
    if kind == "lists":
        return signals.tolist()
    return None


@st.composite
def records(
    draw, *, kinds=KINDS, odd=True, n_records=None, n_times=None, n_leads=None, plain=False
):
    """Records in a container, as users have them or with faults.

    Parameters
    ----------
    kinds : sequence of str
        Containers.
    odd : bool, default=True
        Whether to draw containers that are refused, too.
    n_records, n_leads, n_times : sequence of int or None
        Sizes instead of the default ones.
    plain : bool, default=False
        Whether all records are as users have them.
    """
    seed = draw(seeds)
    sizes = (
        draw(st.sampled_from(n_records or (4, 1, 2, 3, 7, 12, 0))),
        draw(st.sampled_from(n_leads or (3, 1, 2, 12, 8))),
        draw(st.sampled_from(n_times or (50, 1, 2, 3, 7, 100, 300, 0))),
    )
    # Four containers that are accepted for one that is not.
    choices = (*kinds * (4 * len(ODD) // len(kinds)), *(() if plain or not odd else ODD))
    kind = draw(st.sampled_from(choices))
    if kind in ODD:
        signals = make_signals("beats", *sizes, seed)
        X = _odd_container(kind, signals)
        if kind != "lists" or not signals.size:
            return Records(X, None, kind)
        params = {"n_leads": sizes[1]} if sizes[1] > sizes[2] else {}
        return Records(X, signals, kind, params, "beats", "none", "float64")
    dtype = draw(st.sampled_from(DTYPES[:2] if plain else DTYPES))
    if kind == "numeric frame" and dtype == ">f4":
        # pandas cannot select rows of it.
        dtype = "float32"
    values = draw(st.sampled_from(VALUES[:3] if plain else VALUES))
    fault = "none" if plain else draw(st.sampled_from(FAULTS))
    layout = draw(st.sampled_from(LAYOUTS))
    signals = make_signals(values, *sizes, seed)
    _add_fault(signals, fault, seed)
    cast, signals = _cast(signals, dtype)
    X, params = _into_container(kind, cast, seed)
    if kind in ("array", "rows"):
        X = _lay_out(X, layout)
    else:
        layout = ""
    return Records(X, signals, kind, params, values, fault, dtype, layout)


def as_rows(X):
    """Return the records of any container as an array with one row per record, in float64."""
    if is_lead_frame(X):
        X = to_lead_array(X)
    X = np.asarray(X)
    if X.dtype == object and X.ndim == 2 and X.size and np.ndim(X[0, 0]) == 1:
        X = stack_signals(X)
    return (
        X.reshape(len(X), X[:1].size or 1).astype(np.float64) if X.size else np.zeros((len(X), 0))
    )


# --------------------------------------------------------------------------------------------------
# Labels, scores, groups and weights
# --------------------------------------------------------------------------------------------------

LABEL_TYPES = ("int", "str", "bool", "object", "float", "negative", "Series", "list", "column")
LABEL_FAULTS = (
    "none",
    "none",
    "none",
    "none",
    "one class",
    "nan",
    "length",
    "continuous",
    "mixed",
    "None",
    "3-D",
    "empty",
    "masked",
    "unbalanced",
    "dates",
    "sparse",
)
TARGETS = ("binary", "multiclass", "multilabel")


@dataclass
class Labels:
    """Labels of records.

    Parameters
    ----------
    y : object
        As given to the library.
    codes : ndarray of shape (n_records,) or (n_records, n_labels), or None
        The classes as numbers, or the indicator. None if the labels have a fault.
    target, label_type, fault : str
        What the labels are.
    """

    y: object
    codes: np.ndarray | None
    target: str
    label_type: str = ""
    fault: str = "none"
    n_labels: int = 1

    @property
    def is_plain(self):
        """Whether every class, and each value of every label, occurs twice or more."""
        if self.fault != "none" or self.codes is None or not len(self.codes):
            return False
        if self.target == "multilabel":
            positive = self.codes.sum(axis=0)
            return bool(((positive >= 2) & (positive <= len(self.codes) - 2)).all())
        counts = np.bincount(self.codes, minlength=self.n_classes)
        return bool((counts >= 2).all())

    @property
    def n_classes(self):
        return self.n_labels if self.target == "multilabel" else self.n_labels + 1

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))

    def __repr__(self):
        return f"Labels({self.target}, {self.label_type}, {self.fault}, y={self.y!r})"


_NAMES = np.array(["NORM", "MI", "STTC", "CD", "HYP"])


def _as_labels(codes, label_type, seed):
    """Return classes 0, 1, ... as labels of a type."""
    if label_type == "str":
        return np.sort(_NAMES)[codes]
    if label_type == "bool" and codes.max(initial=0) < 2:
        return codes.astype(bool)
    if label_type == "object":
        return np.sort(_NAMES)[codes].astype(object)
    if label_type == "float":
        return codes.astype(float)
    if label_type == "negative":
        return codes - 1
    if label_type == "Series":
        return pd.Series(codes, index=_index(len(codes), seed), name="label")
    if label_type == "list":
        return np.sort(_NAMES)[codes].tolist()
    if label_type == "column":
        return codes[:, None]
    return codes


def _as_indicator(codes, label_type, seed):
    """Return an indicator of a type."""
    if label_type in ("bool", "float", "object"):
        return codes.astype(label_type)
    if label_type == "Series":
        names = _NAMES[: codes.shape[1]]
        return pd.DataFrame(codes, columns=names, index=_index(len(codes), seed))
    if label_type == "list":
        return codes.tolist()
    if label_type == "negative":
        return np.asfortranarray(codes.astype(np.int8))
    return codes


def _spoil(y, codes, fault, seed):
    """Return labels with a fault."""
    place = (seed % max(len(codes), 1),) + (0,) * (codes.ndim - 1)
    if fault == "one class":
        return np.zeros_like(codes)
    if fault == "length":
        return codes[:-1] if seed % 2 else np.concatenate([codes, codes[:1]])
    if fault == "None":
        return None
    if fault == "empty":
        return codes[:0]
    if fault == "3-D":
        return codes[..., None, None] if codes.ndim == 1 else codes[..., None]
    if fault == "continuous":
        return codes + 0.25
    if fault == "masked":
        mask = np.zeros(codes.shape, dtype=bool)
        mask[:1] = True
        return np.ma.masked_array(codes, mask)
    if fault == "dates":
        return codes.astype("datetime64[D]")
    if fault == "sparse":
        from scipy.sparse import csr_array

        return csr_array(np.atleast_2d(codes.T).T)
    if not codes.size:
        return codes
    if fault == "unbalanced":
        y = np.zeros_like(codes)
        y[place] = 1
        return y
    if fault == "nan":
        y = codes.astype(float)
        y[place] = np.nan
        return y
    y = codes.astype(object)
    y[place] = "a"
    return y


@st.composite
def labels(draw, n_records, *, targets=TARGETS, faults=True):
    """Labels of so many records, with or without faults."""
    seed = draw(seeds)
    rng = np.random.RandomState(seed)
    target = draw(st.sampled_from(targets))
    label_type = draw(st.sampled_from(LABEL_TYPES))
    fault = draw(st.sampled_from(LABEL_FAULTS)) if faults else "none"
    if target == "multilabel":
        n_labels = draw(st.sampled_from((3, 2, 5)))
        codes = (rng.rand(n_records, n_labels) < rng.uniform(0.1, 0.9)).astype(int)
        if draw(st.booleans()):
            # Each value of each label occurs.
            codes = (np.arange(n_records)[:, None] // (1 + np.arange(n_labels)) + seed) % 2
        y = _as_indicator(codes, label_type, seed)
    else:
        n_labels = 1 if target == "binary" else draw(st.sampled_from((2, 3)))
        codes = rng.randint(n_labels + 1, size=n_records)
        if draw(st.booleans()):
            codes = rng.permutation(np.arange(n_records) % (n_labels + 1))
        y = _as_labels(codes, label_type, seed)
    if fault != "none":
        return Labels(_spoil(y, codes, fault, seed), None, target, label_type, fault, n_labels)
    return Labels(y, codes, target, label_type, "none", n_labels)


SCORES = ("probabilities", "probabilities", "ties", "constant", "perfect", "logits", "huge", "ends")
SCORE_TYPES = ("float64", "float64", "float32", "float16", "object", "list", "frame", "int", "F")
SCORE_FAULTS = ("none",) * 6 + ("nan", "inf", "length", "width", "text", "None", "3-D", "complex")


@dataclass
class Scores:
    """Scores of records, one column per class or label (one column for two classes).

    Parameters
    ----------
    y_score : object
        As given to the library.
    values : ndarray or None
        The scores in float64; None if they have a fault.
    kind, fault : str
        What the scores are.
    """

    y_score: object
    values: np.ndarray | None
    kind: str
    fault: str = "none"
    score_type: str = ""

    @property
    def is_plain(self):
        """Whether these are finite numbers without names."""
        known = self.values is not None and self.score_type not in ("frame", "object")
        return known and bool(np.isfinite(self.values).all())

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))

    @property
    def are_probabilities(self):
        return self.values is not None and bool(((self.values >= 0) & (self.values <= 1)).all())


@st.composite
def scores(draw, target, n_records, *, faults=True):
    """Scores for labels, as `Labels` describes them."""
    seed = draw(seeds)
    rng = np.random.RandomState(seed)
    kind = draw(st.sampled_from(SCORES))
    score_type = draw(st.sampled_from(SCORE_TYPES))
    fault = draw(st.sampled_from(SCORE_FAULTS)) if faults else "none"
    width = target.n_labels if target.target == "multilabel" else target.n_classes
    values = rng.rand(n_records, width)
    if kind == "ties":
        values = np.round(values, 1)
    elif kind == "constant":
        values[:] = 0.5
    elif kind == "perfect" and target.codes is not None:
        codes = target.codes
        values = 1.0 * (codes if codes.ndim == 2 else codes[:, None] == np.arange(width))
    elif kind == "logits":
        values = 20 * values - 10
    elif kind == "huge":
        values = (values - 0.5) * 1e300
    elif kind == "ends":
        values = np.round(values)
    if target.target != "multilabel" and kind in ("probabilities", "ties", "perfect"):
        values = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-9)
    if target.target == "binary":
        values = values[:, 1]
    if kind == "huge" and score_type in ("float32", "float16", "int"):
        score_type = "float64"
    return _as_scores(values, kind, score_type, fault, seed)


def _as_scores(values, kind, score_type, fault, seed):
    if score_type in ("float32", "float16", "int", "object"):
        y_score = values.astype(score_type)
        values = y_score.astype(float)
    elif score_type == "list":
        y_score = values.tolist()
    elif score_type == "frame":
        names = _NAMES[: values.shape[1]] if values.ndim == 2 and seed % 2 else None
        container = pd.DataFrame(values, columns=names) if values.ndim == 2 else pd.Series(values)
        y_score = container.set_axis(_index(len(values), seed), axis=0)
    else:
        y_score = np.asfortranarray(values) if score_type == "F" else values
    if fault == "none" or not values.size:
        return Scores(y_score, values, kind, score_type=score_type)
    place = tuple(seed % size for size in values.shape)
    y_score = values.copy()
    if fault in ("nan", "inf"):
        y_score[place] = float(fault)
    elif fault == "length":
        y_score = y_score[:-1]
    elif fault == "width":
        y_score = np.column_stack([y_score, y_score, y_score])
    elif fault == "text":
        y_score = y_score.astype(str)
    elif fault == "3-D":
        y_score = y_score[..., None, None]
    elif fault == "complex":
        y_score = y_score + 1j
    else:
        y_score = None
    return Scores(y_score, None, kind, fault)


WEIGHTS = ("none", "none", "ones", "random", "zeros in it", "integers", "tiny", "all zero")
WEIGHT_FAULTS = ("negative", "nan", "inf", "length", "2-D", "text")


@st.composite
def weights(draw, n_records, *, faults=True):
    """Return ``sample_weight``, and whether it is valid."""
    seed = draw(seeds)
    rng = np.random.RandomState(seed)
    kind = draw(st.sampled_from(WEIGHTS + (WEIGHT_FAULTS if faults else ())))
    weight = rng.uniform(0.5, 2, size=n_records)
    if kind == "none":
        return None, True
    if kind == "ones":
        return np.ones(n_records), True
    if kind == "random":
        return pd.Series(weight, index=_index(n_records, seed)), True
    if kind == "zeros in it":
        weight[seed % 2 :: 3] = 0
        return weight, bool(weight.any())
    if kind == "integers":
        return rng.randint(1, 4, size=n_records).tolist(), True
    if kind == "tiny":
        return weight * 1e-300, True
    if kind == "all zero":
        return np.zeros(n_records), False
    if kind == "length":
        return weight[:-1] if n_records else np.ones(1), False
    if kind == "2-D":
        return np.column_stack([weight, weight]), False
    if kind == "text":
        return np.full(n_records, "heavy"), False
    if n_records:
        weight[seed % n_records] = {"negative": -1, "nan": np.nan, "inf": np.inf}[kind]
    return weight, not n_records


GROUP_KINDS = (
    "none",
    "records",
    "pairs",
    "strings",
    "one",
    "floats",
    "mixed",
    "nan",
    "length",
    "2-D",
)


@st.composite
def groups(draw, n_records, *, kinds=GROUP_KINDS):
    """Return the patients of the records, and what they are: one of `GROUP_KINDS`."""
    seed = draw(seeds)
    kind = draw(st.sampled_from(kinds))
    numbers = np.arange(n_records)
    if kind == "none":
        return None, kind
    if kind == "records":
        return np.random.RandomState(seed).permutation(n_records), kind
    if kind == "pairs":
        return pd.Series(numbers // 2, index=_index(n_records, seed)), kind
    if kind == "strings":
        return [f"p{number // 2}" for number in numbers], kind
    if kind == "one":
        return np.zeros(n_records, dtype=int), kind
    if kind == "floats":
        return (numbers // 2).astype(float), kind
    if kind == "mixed":
        return np.array(
            [number if number % 2 else f"p{number}" for number in numbers], object
        ), kind
    if kind == "length":
        return numbers[:-1], kind
    if kind == "2-D":
        return np.column_stack([numbers, numbers]), kind
    missing = (numbers // 2).astype(float)
    missing[:1] = np.nan
    return missing, kind
