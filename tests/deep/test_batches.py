"""Tests of batches: each record once, classes spread evenly, partners added where needed."""

import numpy as np
import pytest
import torch

from sklearn_ecg.deep._training import Batches, stratification_labels


def make(n_records, batch_size, **options):
    signals = torch.arange(n_records, dtype=torch.float32)[:, None, None].expand(-1, 5, 2).clone()
    return Batches(signals, torch.arange(n_records), batch_size=batch_size, **options)


def records_of(batches):
    return [targets.tolist() for _, (targets, *_) in batches]


@pytest.mark.parametrize("n_records", [1, 2, 7, 8, 9, 16, 17, 18])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_record_once_and_no_batch_of_one(n_records, shuffle):
    torch.manual_seed(0)
    batches = make(n_records, 8, shuffle=shuffle)
    drawn = records_of(batches)
    assert len(drawn) == len(batches)
    assert sorted(sum(drawn, [])) == list(range(n_records))
    if n_records > 1:
        assert min(map(len, drawn)) >= 2
    if not shuffle:
        assert sum(drawn, []) == list(range(n_records))


def test_batch_is_leads_before_time_in_channels_last_memory():
    batches = make(6, 4, shuffle=True)
    x, (targets, weights, n_classified) = next(iter(batches))
    assert x.shape == (4, 2, 5) and weights is None and n_classified == 4
    assert x.unsqueeze(2).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(x[:, 0, 0], targets.float())


def test_weights_go_with_their_records():
    weights = torch.arange(10) / 10
    for _, (targets, drawn, _) in make(10, 3, shuffle=True, weights=weights):
        torch.testing.assert_close(drawn, targets / 10)


def test_passes_differ_and_depend_on_the_seed_of_torch():
    batches = make(32, 8, shuffle=True)
    torch.manual_seed(0)
    first, second = records_of(batches), records_of(batches)
    assert first != second
    torch.manual_seed(0)
    assert records_of(batches) == first


def test_augmentation_gets_batches():
    x, _ = next(iter(make(6, 4, augmentation=lambda x: x + 100)))
    assert x.min() >= 100


@pytest.mark.filterwarnings("ignore:A class has a single training record")
@pytest.mark.parametrize("counts", [(40, 40), (77, 3), (60, 15, 5), (79, 1), (78, 2)])
def test_two_records_of_every_class_in_every_batch(counts):
    torch.manual_seed(0)
    y = np.repeat(np.arange(len(counts)), counts)
    membership = y[:, None] == np.arange(len(counts))
    batches = make(80, 16, shuffle=True, membership=membership)
    drawn, classified = [], []
    for _, (targets, _, n_classified) in batches:
        drawn.append(targets.tolist())
        classified += targets[:n_classified].tolist()
    assert sorted(classified) == list(range(80))
    for batch in drawn:
        assert (np.bincount(y[batch], minlength=len(counts)) >= 2).all()
        # Only missing classes are added, and only as many records as needed.
        assert len(batch) <= 16 + 2 * len(counts)
        if min(counts) > 1:
            assert len(set(batch)) == len(batch), "repeated although others were available"


def test_single_record_of_a_class_warns():
    membership = np.eye(2, dtype=bool)[[0, 0, 0, 1]]
    with pytest.warns(UserWarning, match="single training record.*repeat"):
        make(4, 2, shuffle=True, membership=membership)


def test_classes_are_spread_evenly():
    torch.manual_seed(0)
    y = np.repeat([0, 1], [48, 16])
    batches = make(64, 16, shuffle=True, membership=y[:, None] == np.arange(2))
    assert [int((y[batch] == 1).sum()) for batch in records_of(batches)] == [4, 4, 4, 4]


def test_two_records_of_every_label_of_a_multilabel_target():
    torch.manual_seed(0)
    membership = np.random.RandomState(0).rand(64, 4) < [0.5, 0.2, 0.1, 0.05]
    for batch in records_of(make(64, 8, shuffle=True, membership=membership)):
        assert (membership[batch].sum(axis=0) >= 2).all()


def test_label_without_records_is_ignored():
    membership = np.zeros((8, 2), dtype=bool)
    membership[:, 0] = True
    assert len(records_of(make(8, 4, shuffle=True, membership=membership))) == 2


def test_stratification_label_is_the_rarest_class():
    membership = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], dtype=bool)
    assert stratification_labels(membership).tolist() == [0, 1, 0, 3, 2]
