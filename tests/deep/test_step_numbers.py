"""Tests of the numbers of training steps."""

import numpy as np
import pytest
import torch

from sklearn_ecg.deep._training.step_numbers import _MOST_UNREAD, StepNumbers
from sklearn_ecg.nn._self_supervised_losses import EffectiveRank


def check(loss, norm, number):
    if not np.isfinite([loss, norm]).all():
        raise ValueError(f"step {number}")


def add(numbers, rows, loss, norm=1.0, **parts):
    rows.append({})
    numbers.add(rows[-1], "train_loss", 4, torch.tensor(loss), torch.tensor(norm), parts)


def test_numbers_are_read_when_asked_for_or_when_there_are_many():
    numbers, rows = StepNumbers(check, None), []
    for step in range(_MOST_UNREAD + 3):
        assert all(rows) == (step in (0, _MOST_UNREAD))
        add(numbers, rows, float(step), 2.0 * step)
    assert [row.get("train_loss") for row in rows[-4:]] == [_MOST_UNREAD - 1, None, None, None]
    numbers.read()
    numbers.read()
    assert [row["train_loss"] for row in rows] == list(range(len(rows)))
    assert numbers.norms == list(range(0, 2 * len(rows), 2))


def test_means_of_parts_are_weighted_by_the_number_of_records():
    numbers = StepNumbers(check, None)
    ranks = []
    for size, value in ((4, 1.0), (2, 4.0)):
        batch = torch.randn(size + 5, 3, generator=torch.Generator().manual_seed(size))
        ranks.append(float(EffectiveRank(batch)))
        parts = {"a": torch.tensor(value), "rank": EffectiveRank(batch), "b": -value}
        numbers.add({}, "train_loss", size, torch.tensor(0.0), torch.tensor(0.0), parts)
    numbers.read()
    # A number of Python is a scalar as well.
    expected = {"a": 2.0, "rank": (4 * ranks[0] + 2 * ranks[1]) / 6, "b": -2.0}
    assert numbers.part_means() == pytest.approx(expected)


@pytest.mark.parametrize("bad", [{"loss": np.nan}, {"loss": 1.0, "norm": np.inf}])
def test_the_first_step_that_is_not_finite_is_named(bad):
    numbers, rows = StepNumbers(check, None), []
    for _ in range(3):
        add(numbers, rows, 1.0)
    add(numbers, rows, **bad)
    add(numbers, rows, 1.0)
    with pytest.raises(ValueError, match="step 4"):
        numbers.read()
    assert [row.get("train_loss") for row in rows] == [1, 1, 1, None, None]
