"""Tests of batches: each record once, classes spread evenly, partners added where needed."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from sklearn_ecg.deep._training import (
    Batches,
    recompute_batch_norm_statistics,
    stratification_labels,
)
from sklearn_ecg.deep._training import batches as batches_module
from sklearn_ecg.deep._training_data import TrainingData
from sklearn_ecg.nn._normalizers import LeadNormalizer


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


@pytest.mark.parametrize(("free", "expected"), [(0, "cpu"), (479, "cpu"), (480, "meta")])
def test_records_are_kept_on_a_gpu_with_enough_memory(free, expected, monkeypatch):
    """The device "meta" has no values, and is available everywhere."""
    monkeypatch.setattr(batches_module, "_free_memory", lambda device: free)
    made = make(6, 4, shuffle=True, device=torch.device("meta"))  # 240 bytes
    assert made.records.device.type == expected
    for x, (targets, *_) in made:
        assert x.device.type == targets.device.type == "meta"
        assert x.shape[1:] == (2, 5)
    made.replace_records(torch.zeros(6, 20))  # 480 bytes
    assert made.records.device.type == "cpu"


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


def test_batch_norm_statistics_are_those_of_shuffled_records():
    """Batches of sorted records would have almost no variance within them."""
    n_records, batch_size = 640, 32
    batches = make(n_records, batch_size)  # record i has the value i everywhere
    layer = torch.nn.BatchNorm1d(2)
    found = []
    for seed in (0, 0, 1):
        state = torch.get_rng_state()
        recompute_batch_norm_statistics(layer, layer, batches, seed)
        assert torch.equal(torch.get_rng_state(), state)
        found.append(layer.running_var.clone())
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    values = batches.records[:, 0, 0]
    assert layer.running_mean[0].item() == pytest.approx(values.mean().item(), rel=1e-5)
    assert found[0][0].item() == pytest.approx(values.var().item(), rel=0.05)
    within_sorted = values.reshape(-1, batch_size).var(dim=1).mean()
    assert within_sorted < 0.01 * values.var()
    assert not layer.training and layer.momentum == 0.1


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


class ReadInParts:
    """Records that refuse to be read all at once."""

    def __init__(self, records):
        self.records, self.shape = records, records.shape

    def __len__(self):
        return len(self.records)

    def __getitem__(self, part):
        chunk = self.records[part]
        assert len(chunk) <= 1024
        return chunk


@pytest.mark.parametrize("mode", ["dataset", "record", "record_lead", None])
@pytest.mark.parametrize("leads", [None, [2, 0]])
def test_normalization_reads_signals_in_chunks(mode, leads):
    records = np.random.RandomState(0).randn(2500, 3, 7).astype(np.float32)
    expected = LeadNormalizer(mode, 3, leads).fit(torch.from_numpy(records))
    read_only = records.copy()
    read_only.flags.writeable = False
    normalizer = LeadNormalizer(mode, 3, leads).fit(ReadInParts(read_only))
    assert torch.equal(normalizer.mean, expected.mean)
    assert torch.equal(normalizer.scale, expected.scale)
    kept = normalizer.to_training_memory(ReadInParts(read_only))
    assert torch.equal(kept, expected(torch.from_numpy(records)).transpose(1, 2))


def test_selected_records_are_read_in_chunks():
    records = np.random.RandomState(0).randn(3000, 2, 5).astype(np.float32)
    index = np.arange(0, 3000, 2)
    selected = TrainingData(records).take_records(index)
    assert selected.shape == (1500, 2, 5) and len(selected) == 1500
    np.testing.assert_array_equal(selected[3:6], records[[6, 8, 10]])
    assert TrainingData(records).take_records(np.arange(3000)) is records
    normalizer = LeadNormalizer("dataset", 2).fit(selected)
    expected = LeadNormalizer("dataset", 2).fit(torch.from_numpy(records[index]))
    assert torch.equal(normalizer.mean, expected.mean)


MEMORY = """
import sys
import numpy as np
from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.inspection import grad_cam, lead_importance

def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

X = np.memmap(sys.argv[1], dtype=np.float32, mode="r", shape=(6000, 12, 1000))
y = np.arange(6000) % 2
network = {"filters": (2,), "dilations": (1,), "stride": 8, "kernel_size": 3, "attention": None}
clf = MSAICNetClassifier(**network, max_epochs=0, random_state=0).fit(X[:40], y[:40])
clf.predict(X[:40])
before = memory("VmHWM")
weight = (np.arange(6000) % 10 > 0).astype(float)
if sys.argv[2] == "fit":
    clf.fit(X, y, sample_weight=weight)
elif sys.argv[2] == "predict":
    clf.predict(X)
elif sys.argv[2] == "grad_cam":
    grad_cam(clf, X)
else:
    lead_importance(clf, X, y, n_repeats=1, random_state=0)
print((memory("VmHWM") - before) / X.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    "what, most",
    # The mapped pages are 1. A copy of X would add 1, training has one copy, of which it is part.
    [("fit", 2.6), ("predict", 1.6), ("grad_cam", 1.7), ("lead_importance", 2.6)],
)
def test_memory_map_is_not_copied_as_a_whole(what, most, tmp_path):
    with open(tmp_path / "records.dat", "wb") as file:
        file.truncate(6000 * 12 * 1000 * 4)
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY, str(tmp_path / "records.dat"), what],
        capture_output=True,
        text=True,
    )
    assert float(out.stdout) < most, out.stderr
