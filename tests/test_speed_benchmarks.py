"""Tests of the speed benchmarks: what is compared, and what is reported."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import skorch
import torch
from sklearn.inspection import permutation_importance

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import load_wfdb, make_ecg
from sklearn_ecg.nn import MSAICNet
from sklearn_ecg.preprocessing import ECGImageRenderer

ROOT = Path(__file__).parents[1]
SECONDS = {"ours": [1.0, 1.0, 1.0], "fast": [2.0, 0.5, 0.8], "slow": [9.0, 3.0, 4.0], "gone": []}


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """Make the scripts importable, as they are for each other."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return a function that returns the comparisons that were reported."""
    path = tmp_path / "results.jsonl"
    monkeypatch.setenv("BENCH_RESULTS", str(path))
    return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --------------------------------------------------------------------------------------------------
# Reports
# --------------------------------------------------------------------------------------------------


def test_what_is_not_installed_is_listed(results, capsys):
    from _timing import import_peer, interleave, report

    assert import_peer("json") is json
    assert import_peer("no_such_library") is None
    assert "not installed: no_such_library" in capsys.readouterr().out
    calls = []
    seconds = interleave({"ours": lambda: calls.append(1), "gone": None}, repeats=3, warmup=2)
    assert len(calls) == 5 and len(seconds["ours"]) == 3 and seconds["gone"] == []
    report("Title", seconds, n_records=1, reference="ours")
    assert [line.split() for line in capsys.readouterr().out.splitlines()][-1] == [
        *("gone", "not", "installed")
    ]
    assert results()[0]["rows"][1] == ["gone", None, None, None, None]


@pytest.mark.parametrize(
    "goals, not_slower, target, unmet",
    [
        ({"ours": 3}, (), "ours: ratio >= 3", []),
        ({"ours": 5}, (), "ours: ratio >= 5", ["ours: ratio 4 instead of 5: why"]),
        (
            {"ours": 3},
            ("slow", "fast", "gone"),
            "ours: ratio >= 3; ours: not slower than slow, fast, gone (not installed)",
            ["ours: 0.8 times as fast as fast instead of 1: why"],
        ),
        ({"ours": 3}, ("slow",), "ours: ratio >= 3; ours: not slower than slow", []),
    ],
)
def test_targets(results, capsys, goals, not_slower, target, unmet):
    from _timing import report

    report(
        "Title",
        SECONDS,
        n_records=1,
        reference="slow",
        goals=goals,
        not_slower=not_slower,
        reason="why",
    )
    (comparison,) = results()
    assert comparison["target"] == target
    assert comparison["unmet"] == unmet
    out = capsys.readouterr().out
    assert f"target: {target}{'' if unmet else ' (met)'}\n" in out
    assert [line.strip() for line in out.splitlines() if "NOT MET" in line] == [
        f"NOT MET: {part}" for part in unmet
    ]


def test_reasons_by_function(results):
    from _timing import report

    report(
        "Title",
        SECONDS,
        n_records=1,
        reference="slow",
        goals={"ours": 5, "fast": 9},
        not_slower=["fast"],
        reason={"ours": "why"},
    )
    assert results()[0]["unmet"] == [
        "ours: ratio 4 instead of 5: why",
        "fast: ratio 5 instead of 9: no reason is known",
        "ours: 0.8 times as fast as fast instead of 1: why",
    ]


def test_table_and_list_of_targets(results):
    import bench_all
    from _timing import report

    options = {"n_records": 1, "reference": "slow", "reason": "why"}
    report("Met", SECONDS, goals={"ours": 3}, **options)
    report("Missed", SECONDS, goals={"ours": 3}, not_slower=["fast"], **options)
    comparisons = results()
    missing = ["", "Not installed, and therefore not compared: gone."]
    assert bench_all.list_unmet(comparisons[:1]) == ["All targets are met.", *missing]
    assert bench_all.list_unmet(comparisons) == [
        "Targets that are not met, with the reasons:",
        "",
        "- Missed: ours: 0.8 times as fast as fast instead of 1: why.",
        *missing,
    ]
    rows = bench_all.make_table("Title", comparisons[:1]).rows
    assert rows[1] == ("ours", "1", "1 to 1", "4.00", "")
    assert rows[4] == ("gone", "not installed", "", "", "")


def test_words_that_select_benchmarks(monkeypatch, capsys):
    import bench_all

    assert bench_all.choose_scripts(None) == list(bench_all.SCRIPTS)
    assert bench_all.choose_scripts(["train", "data"]) == ["bench_training.py", "bench_data.py"]
    monkeypatch.setattr(bench_all, "run_script", lambda *_: pytest.fail("a benchmark ran"))
    for words in (["trainign"], ["train", "trainign"], []):
        monkeypatch.setattr(sys, "argv", ["bench_all.py", "--only", *words])
        with pytest.raises(SystemExit) as error:
            bench_all.main()
        assert error.value.code == 2
        message = capsys.readouterr().err
        assert ("no benchmark has 'trainign' in its name: bench_tr" in message) == bool(words)


# --------------------------------------------------------------------------------------------------
# Networks
# --------------------------------------------------------------------------------------------------


def make_pair(clf, n_outputs):
    """Return our network and the plain one, with the same weights, in training mode."""
    from _training_peers import PlainNet, load_weights

    names = ("filters", "dilations", "kernel_size", "stride", "pool_size", "embedding_dim")
    options = {name: getattr(clf, name) for name in (*names, "attention", "dropout")}
    projection_dim = clf.projection_dim if clf.contrastive_weight else None
    network = MSAICNet(12, n_outputs, **options, projection_dim=projection_dim)
    plain = load_weights(PlainNet(clf, 12, n_outputs), network)
    return network.double().train(), plain.double().train()


def test_the_large_network_has_the_size_of_the_target():
    from bench_training import LARGE

    network, plain = make_pair(MSAICNetClassifier(**LARGE), 5)
    for module in (network, plain):
        assert sum(parameter.numel() for parameter in module.parameters()) == 652_985


@pytest.mark.parametrize("is_large", [False, True])
def test_plain_networks_compute_the_same(is_large):
    from _training_peers import make_loss
    from bench_training import LARGE

    torch.manual_seed(0)
    # Rounding to single precision would change which of two pooled values is the larger one.
    x, y = torch.randn(6, 12, 200).double(), torch.arange(6.0).double() % 2
    clf = MSAICNetClassifier(**LARGE if is_large else {}, dropout=0)
    loss = make_loss(clf)
    if is_large:
        cross_entropy, y = torch.nn.CrossEntropyLoss(), (y + 1).long()
        pair = make_pair(clf, 5)
        values = [cross_entropy(pair[0](x)[0], y), cross_entropy(pair[1](x), y)]
    else:
        pair = make_pair(clf, 1)
        values = [loss(network(x), y) for network in pair]
    torch.testing.assert_close(*values)
    gradients = []
    for network, value in zip(pair, values):
        value.backward()
        gradients.append({name: p.grad.flatten() for name, p in network.named_parameters()})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)


def test_classifier_of_another_library():
    """With skorch: the tests do not install braindecode, whose classifier is derived from it."""
    import bench_training as script

    rng = np.random.RandomState(0)
    X, y = rng.randn(128, 2, 50).astype(np.float32), np.arange(128) % 2
    X[:, 0] += 2 * y[:, None]
    clf = MSAICNetClassifier(**script.TINY, random_state=0, device="cpu").fit(X, y)
    loss = script.LogitLoss(script.make_loss(clf))
    mean, scale = (value.numpy() for value in (clf.normalizer_.mean, clf.normalizer_.scale))
    other = script.make_classifier(skorch, script.Logits(clf.net_.module_), loss).initialize()
    found = other.predict_proba((X - mean) / scale)
    np.testing.assert_allclose(found[:, 0], clf.predict_proba(X)[:, 1], atol=1e-6)
    # Trained by the other library, from the start.
    untrained = MSAICNetClassifier(**{**script.TINY, "max_epochs": 0}).fit(X, y)
    module = script.Logits(untrained.net_.module_)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    script.fit_classifier(skorch, module, loss, X, y.astype(np.float32), clf)
    assert all((a != b).any() for a, b in zip(before, module.parameters()))


def test_ceiling_has_all_convolutions():
    import _ceiling

    network = MSAICNet(12, 1, filters=(4, 6), kernel_size=7, dilations=(1, 2), embedding_dim=8)
    x = torch.randn(3, 12, 41)
    layers = _ceiling.list_layers(network, x)
    shapes = [tuple(layer.output_shape) for layer in layers]
    assert shapes == 2 * [(3, 4, 1, 21), (3, 6, 1, 11)] + [(3, 8, 1, 6)]
    assert [layer.needs_gradient for layer in layers] == 2 * [False, True] + [True]
    assert [layer.n_pooled for layer in layers] == 2 * [3 * 4 * 11, 3 * 6 * 6] + [0]
    first, second, last = 3 * 4 * 21 * 12 * 7, 3 * 6 * 11 * 4 * 7, 3 * 8 * 6 * 12
    assert _ceiling.count_operations(layers) == 2 * (2 * (2 * first + 3 * second) + 3 * last)
    # The functions of a pass compute the same in both layouts.
    for layer in layers:
        passes = _ceiling.passes_of(layer)
        shapes = [layer.output_shape, layer.conv.weight.shape, layer.input_shape]
        assert len(passes) == 2 + layer.needs_gradient
        for shape, layouts in zip(shapes, passes):
            first, second = (function() for function in layouts)
            if isinstance(first, tuple):
                (first,), (second,) = (
                    [x for x in part if x is not None] for part in (first, second)
                )
            assert first.shape == shape
            torch.testing.assert_close(first, second)
    _ceiling.bare_convolutions(layers)()


def test_ceiling_counts_memory_traffic(monkeypatch):
    import _ceiling

    network = MSAICNet(12, 1, filters=(4,), dilations=(1,), embedding_dim=8)
    block, last = layers = _ceiling.list_layers(network, torch.randn(3, 12, 41))
    assert block.n_moved == 4 * 3 * 4 * 21 + 3 * 3 * 4 * 11
    assert last.n_moved == 4 * 3 * 8 * 11
    copied = []
    copy = torch.Tensor.copy_
    monkeypatch.setattr(
        torch.Tensor, "copy_", lambda *arrays: copied.append(arrays[0].numel()) or copy(*arrays)
    )
    _ceiling.copies(layers)()
    assert 2 * sum(copied) == block.n_moved + last.n_moved
    assert max(copied) == 3 * 8 * 11


# --------------------------------------------------------------------------------------------------
# Importance, images and files
# --------------------------------------------------------------------------------------------------


def test_captum_is_compared_with_the_same_permutations():
    import bench_inspection as script
    from sklearn.linear_model import LogisticRegression

    rng = np.random.RandomState(0)
    X, y = rng.randn(40, 3), np.arange(40) % 2
    X[:, 1] += y
    model = LogisticRegression().fit(X, y)
    options = {"n_repeats": script.REPEATS, "scoring": "roc_auc", "random_state": 0}
    expected = permutation_importance(model, X, y, **options).importances
    permute, x = script.SamePermutations(40, 3), torch.from_numpy(X)
    found = np.empty_like(expected)
    for repeat in range(script.REPEATS):
        for column in range(3):
            mask = (torch.arange(3) == column)[None]
            permuted = permute(x, mask).numpy()
            np.testing.assert_array_equal(permuted[:, ~mask[0]], X[:, ~mask[0]])
            scores = [script.roc_auc_score(y, model.decision_function(Z)) for Z in (X, permuted)]
            found[column, repeat] = scores[0] - scores[1]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_peers_draw_the_same_page(color):
    import bench_render as script

    X = make_ecg(2, sampling_rate=500, random_state=0).data
    renderer = ECGImageRenderer(sampling_rate=500, image_size=224, color=color).fit(X)
    expected = renderer.transform(X).astype(int)
    blank = np.abs(expected - script.blank_page(renderer)).mean()
    # Pillow's lines are not anti-aliased.
    for draw, limit in ((script.draw_with_pillow, 0.7), (script.draw_with_matplotlib, 0.3)):
        images = draw(renderer, X)
        assert images.shape == expected.shape
        assert np.abs(images - expected).mean() < limit * blank


@pytest.mark.parametrize("rate", [100, 500])
def test_records_that_are_read(rate, tmp_path):
    import bench_data as script

    ecg = make_ecg(3, sampling_rate=rate, random_state=0)
    paths = script.write_records(tmp_path, ecg)
    loaded = load_wfdb(tmp_path)
    assert loaded.sampling_rate == rate and loaded.lead_names == ecg.lead_names
    np.testing.assert_allclose(loaded.data, ecg.data, atol=6e-4)
    read = [script.wfdb.rdsamp(str(path))[0].T for path in paths]
    np.testing.assert_allclose(loaded.data, read, atol=1e-6)
    # As if wfdb had written them.
    record = script.wfdb.rdrecord(str(paths[0]), physical=False)
    assert record.checksum == record.calc_checksum()
    assert record.init_value == list(record.d_signal[0])
