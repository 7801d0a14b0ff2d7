"""Augmentations: any batch and parameters give a batch of the same shape, or an error."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from outcomes import Refused, attempt, covers
from strategies import LAYOUTS, _lay_out, examples, make_signals, seeds

from sklearn_ecg.augmentation import (
    AmplitudeScale,
    BaselineWander,
    CardiacCycleMask,
    ColorJitter,
    Compose,
    GaussianBlur,
    GaussianNoise,
    JPEGCompression,
    LeadDropout,
    PaperFolds,
    PaperStains,
    PowerlineNoise,
    RandomApply,
    RandomHorizontalFlip,
    RandomPerspective,
    RandomPhoto,
    RandomResizedCrop,
    RandomRotation,
    RandomScaleCrop,
    RandomScan,
    SensorNoise,
    TemporalShift,
    TimeMask,
    UnevenLight,
    pad_peaks,
)

AMOUNTS = st.sampled_from((0.1, 0, 0.5, 1, 1.0, 2, -1, np.nan, np.inf, None, "a", (0.1, 0.2), True))
RATES = st.sampled_from((100, 500, 2.5, None, 0, -1, "a", np.nan, np.inf))
SIGNALS = {
    AmplitudeScale: ("max_change",),
    BaselineWander: ("scale", "max_frequency", "sampling_rate"),
    CardiacCycleMask: ("fraction", "sampling_rate"),
    GaussianNoise: ("scale",),
    LeadDropout: ("probability",),
    PowerlineNoise: ("scale", "frequency", "sampling_rate"),
    RandomScaleCrop: ("min_scale", "max_scale"),
    TemporalShift: ("max_shift", "sampling_rate"),
    TimeMask: ("fraction",),
}
IMAGES = {
    ColorJitter: ("brightness", "contrast", "saturation"),
    GaussianBlur: ("max_sigma",),
    RandomHorizontalFlip: ("probability",),
    RandomResizedCrop: ("min_scale",),
    RandomRotation: ("max_angle", "fill"),
    JPEGCompression: ("min_quality",),
    PaperFolds: ("max_folds", "strength"),
    PaperStains: ("max_stains", "strength"),
    RandomPerspective: ("max_shift", "fill"),
    RandomPhoto: ("severity",),
    RandomScan: ("severity",),
    SensorNoise: ("max_sigma",),
    UnevenLight: ("strength",),
}
NESTED = (Compose, RandomApply)


def draw_transform(cls, data):
    if cls in NESTED:
        inner = data.draw(
            st.sampled_from(
                (
                    GaussianNoise(),
                    [TimeMask(), TemporalShift(sampling_rate=100)],
                    [],
                    None,
                    "a",
                    [3],
                    abs,
                    lambda x: x[:1],
                    lambda x: x.double(),
                    CardiacCycleMask(sampling_rate=100),
                )
            )
        )
        return cls(inner)
    names = {**SIGNALS, **IMAGES}[cls]
    values = {
        name: data.draw(RATES if name == "sampling_rate" else AMOUNTS)
        for name in names
        if data.draw(st.booleans()) or name == "sampling_rate"
    }
    return cls(**values)


def draw_batch(cls, data):
    seed = data.draw(seeds)
    n_records = data.draw(st.sampled_from((3, 1, 0)))
    if cls in IMAGES:
        shape = (
            n_records,
            *data.draw(st.sampled_from(((1, 8, 9), (3, 4, 4), (2, 1, 1), (3, 1, 7)))),
        )
        batch = np.random.RandomState(seed).rand(*shape)
    else:
        sizes = data.draw(st.sampled_from(((3, 60), (1, 1), (2, 2), (12, 300), (2, 0), (0, 9))))
        batch = make_signals("beats", n_records, *sizes, seed)
    dtype = data.draw(st.sampled_from(("f4", "f8", "f2", "i2", "?", "c8", "bf16")))
    fault = data.draw(st.sampled_from(("none", "none", "none", "nan", "1-D", "list", "4-D")))
    if fault == "nan" and batch.size:
        batch.flat[seed % batch.size] = np.nan
    elif fault == "1-D":
        batch = batch.ravel()
    elif fault == "4-D":
        batch = batch[None]
    elif fault == "list":
        return batch.tolist()
    if dtype == "bf16":
        return torch.as_tensor(batch).to(torch.bfloat16)
    with np.errstate(all="ignore"):
        batch = batch.astype(dtype)
    if data.draw(st.booleans()) and dtype != "c8":
        tensor = torch.as_tensor(batch)
        return tensor.mT.contiguous().mT if seed % 2 and tensor.ndim > 1 else tensor
    return _lay_out(batch, data.draw(st.sampled_from(LAYOUTS)))


@covers(*SIGNALS, *IMAGES, *NESTED)
@pytest.mark.parametrize("covered", [*SIGNALS, *IMAGES, *NESTED], ids=lambda c: c.__name__)
@examples(25)
@given(data=st.data())
def test_transform(covered, data):
    transform = draw_transform(covered, data)
    x = draw_batch(covered, data)
    peaks = data.draw(st.sampled_from((None, None, None, "good", "unsorted", "wrong", "list")))
    if peaks is not None:
        n_records = len(x)
        peaks = {
            "good": np.tile(np.array([5.0, 20.0, np.nan]), (n_records, 1)),
            "unsorted": np.tile(np.array([np.inf, 3, -7]), (n_records, 1)),
            "wrong": np.zeros(3),
            "list": [[1.0]],
        }[peaks]
    random_state = data.draw(st.sampled_from((0, 0, 7, "a", -1, 1.5)))
    before = torch.get_rng_state()
    out = attempt(transform, x, peaks, random_state=random_state)
    if covered not in NESTED:
        assert torch.equal(before, torch.get_rng_state())
    if isinstance(out, Refused):
        return
    out, new_peaks = out if peaks is not None else (out, None)
    assert type(out) is type(np.asarray(x) if isinstance(x, np.ndarray) else x)
    assert out.dtype == x.dtype and out.shape == x.shape
    values, given_values = (
        torch.as_tensor(out).double(),
        torch.as_tensor(np.array(x) if isinstance(x, np.ndarray) else x).double(),
    )
    if given_values.isfinite().all() and out.dtype not in (np.float16, torch.float16):
        assert values.isfinite().all()
    if new_peaks is not None:
        assert new_peaks.shape == peaks.shape
    if random_state in (0, 7) and covered not in NESTED:
        again = attempt(transform, x, peaks, random_state=random_state)
        again = again[0] if peaks is not None else again
        np.testing.assert_array_equal(torch.as_tensor(again).double(), values)


@covers(pad_peaks)
@examples(60)
@given(
    st.lists(
        st.sampled_from(([1, 5], [], np.array([3]), [1.5], "a", None, [[1]], [np.nan])), max_size=3
    )
    | st.sampled_from((None, "a", 3, np.ones((2, 2)), {}))
)
def test_pad_peaks(peaks):
    padded = attempt(pad_peaks, peaks)
    if not isinstance(padded, Refused):
        assert padded.shape[0] == len(peaks) and padded.ndim == 2
        for row, given_peaks in zip(padded, peaks):
            known = np.asarray(given_peaks, dtype=float)
            np.testing.assert_array_equal(np.asarray(row)[: len(known)], known)
            assert np.isnan(np.asarray(row)[len(known) :]).all()
