"""Tables of the studies of ACL-ECG and of pretraining, on made-up results."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.nn import VGG1d


def test_losses_of_repelling_regions():
    import study_acl as script

    seeds = [{"intra": np.array([1.5]), "inter": np.array([1.75])}] * 2
    table = script.gap_table({script.FULL: seeds, script.SEPARATE: seeds})
    assert [row[:2] for row in table.rows[:2]] == [[script.SEPARATE, "0"], [script.SEPARATE, "1"]]
    weight = (np.exp(1.75 / 4) - np.exp(1.5 / 4)) / 6 / ((np.exp(1.5 / 4) - 1) / 126)
    assert table.rows[0][2:] == ["1.500", "1.750", ".250", f"{weight:.2f}"]
    # Two views of 64 records and four regions: each vector is compared with 127 or 133 others.
    assert table.rows[2][2:] == [f"{4 * np.log(127):.3f}", f"{4 * np.log(133):.3f}", ".185", "1.00"]


def test_rows_of_rates():
    from _rates import HEADER, rows_of_rates

    rng = np.random.default_rng(0)
    y, patients = rng.integers(2, size=(80, 3)), np.arange(80) // 2
    former, other = (1e-4, 1e-3), (3e-5, 1e-4)
    found = {
        rates: {fit: np.clip(rng.uniform(size=y.shape) * 0.8 + 0.1 * y, 0.1, 0.9) for fit in "abc"}
        for rates in (None, former, other)
    }
    # Of one draw, the probe is missing.
    del found[None]["b"]
    scores = {rates: [roc_auc_score(y, fits[k]) for k in "ac"] for rates, fits in found.items()}
    rows = rows_of_rates(y, patients, 15, found)
    assert {len(row) for row in rows} == {len(HEADER)}
    assert [row[:2] for row in rows] == [
        ["15", name] for name in ("probe", "1e-4, 1e-3", "3e-5, 1e-4")
    ]
    assert rows[0][3:5] == ["", ""]
    for row, (rates, of_fits) in zip(rows, scores.items(), strict=True):
        assert float(row[2].split()[0]) == pytest.approx(np.mean(of_fits), abs=6e-4)
        correct = [np.where(y == 1, found[rates][k], 1 - found[rates][k]) for k in "ac"]
        assert float(row[5]) == pytest.approx(-np.log(correct).mean(), abs=6e-4)
        if rates is not None:
            change = np.mean(of_fits) - np.mean(scores[None])
            assert float(row[3].split()[0]) == pytest.approx(change, abs=6e-4)
            n_ahead = sum(a >= b for a, b in zip(of_fits, scores[None]))
            assert row[4] == f"{n_ahead} of 2"
    with_former = rows_of_rates(y, patients, 15, found, former)
    assert [row[:-1] for row in with_former] == rows
    change = np.mean(scores[other]) - np.mean(scores[former])
    assert [row[-1] == "" for row in with_former] == [True, True, False]
    assert float(with_former[2][-1].split()[0]) == pytest.approx(change, abs=6e-4)
    # Without a draw of the former rates, that of the others is left out.
    del found[former]["a"]
    rows = rows_of_rates(y, patients, 15, found, former)
    assert [float(row[2].split()[0]) for row in rows] == pytest.approx(
        [of_fits[1] for of_fits in scores.values()], abs=6e-4
    )


def test_chosen_rates_are_the_defaults():
    import _pretraining_rates
    import study_acl

    from sklearn_ecg import ACLECGClassifier, BeatFeatureClassifier

    for clf, chosen in (
        (ACLECGClassifier(), study_acl.CHOSEN),
        (BeatFeatureClassifier(), _pretraining_rates.CHOSEN),
    ):
        assert (clf.encoder_learning_rate, clf.learning_rate) == chosen


def test_steps_of_preparation():
    import study_acl_preparation as script

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=(90, 2)), np.repeat(np.arange(1, 10), 10)
    data = SimpleNamespace(y=y, folds=folds, patients=np.arange(90))
    steps = list(script.STEPS.values())
    found = {
        arm: {step: rng.uniform(size=(3, 10, 2)) + 0.3 * y[folds == 9] for step in steps}
        for arm in script.ARMS
    }
    table = script.make_table(found, data, 0.5)
    assert [row[0] for row in table.rows] == [f"{arm}, {step}" for arm in found for step in steps]
    scores = {
        (arm, step): np.mean([roc_auc_score(y[folds == 9], p) for p in seeds])
        for arm, of_steps in found.items()
        for step, seeds in of_steps.items()
    }
    for i, (row, (arm, step)) in enumerate(zip(table.rows, scores, strict=True)):
        expected = [scores[arm, step], None, None]
        if step != steps[0]:
            expected[1] = scores[arm, step] - scores[arm, steps[i % len(steps) - 1]]
        if arm != script.RANDOM:
            expected[2] = scores[arm, step] - scores[script.RANDOM, step]
        for cell, value in zip((row[1], row[3], row[4]), expected):
            assert (cell == "") == (value is None)
            if value is not None:
                assert float(cell.split()[0]) == pytest.approx(value, abs=6e-4)


def test_scores_by_ranks():
    import study_acl_labels as script

    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(30, 3))
    # With ties.
    probabilities = rng.integers(8, size=(4, 30, 3)) / 8
    expected = [roc_auc_score(y, p, average="macro") for p in probabilities]
    np.testing.assert_allclose(script.macro_auroc(y, probabilities), expected)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.5, 0.0), (0.6, 0.5), (0.65, np.sqrt(10) / 2), (0.7, 5.0), (0.78, 50.0), (0.9, np.inf)],
)
def test_factor_of_labels(score, expected):
    """20 labels, and a curve that falls once: .65 is halfway between 10 and 100 labels."""
    import study_acl_labels as script

    labels, curve = np.array([10.0, 100.0, 500.0, 1000.0]), np.array([0.6, 0.7, 0.69, 0.78])
    assert script.find_factor(score, 20, labels, curve) == pytest.approx(expected)


def test_table_of_labels():
    import study_acl_labels as script

    n_labels = {0.1: 10.0, 1.0: 100.0}
    # One resample of 41 is left out at each end.
    random = np.tile([0.6, 0.8], (42, 1))
    ours = random + 0.1
    ours[1, 0], ours[2, 0] = 0.55, 0.85
    curves = {script.FULL: ours, script.RANDOM: random, script.SCRATCH: random + 0.15}
    few, every = script.make_table(curves, n_labels).rows
    assert few[:2] == ["10", ".700 [.700-.700]"]
    # .7 is halfway between .6 and .8, and below what training from scratch has at least.
    assert few[4] == "3.2 [3.2, 3.2]" and few[5] == "< 1.0 [< 1.0, < 1.0]"
    assert every[:2] == ["100", ".900 [.900-.900]"] and every[4:] == ["", ""]
    factors = np.concatenate([[1.5], np.zeros(2), np.arange(37), np.full(2, np.inf)])
    assert script.factor_text(factors, 10.0, 5.0, 100.0) == "1.5 [< 0.5, > 10.0]"


def test_curves_of_labels(monkeypatch):
    import study_acl_labels as script

    monkeypatch.setattr(script, "N_RESAMPLES", 200)
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(30, 2))
    data = SimpleNamespace(y=y, folds=np.full(30, 9), patients=np.repeat(np.arange(15), 2))
    # Two encoders; only the first draw is of any use.
    p = rng.uniform(size=(2 * script.N_DRAWS, 30, 2))
    p[:: script.N_DRAWS] += y
    curves = script.compare_curves({script.FULL: {0.1: p}, script.RANDOM: {0.1: p}}, data)
    scores = [roc_auc_score(y, values) for values in p]
    assert curves[script.FULL][0, 0] == pytest.approx(np.mean(scores))
    # Curves share their resamples, which include the draws: the patients alone vary much less.
    np.testing.assert_array_equal(curves[script.FULL], curves[script.RANDOM])
    assert curves[script.FULL][1:].std() > 0.07


def test_table_of_epochs():
    import study_acl_epochs as script

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=(90, 2)), np.repeat(np.arange(1, 10), 10)
    data = SimpleNamespace(y=y, folds=folds, patients=np.arange(90))

    def draws():
        shape = (len(script.FRACTIONS), 2, 10, 2)
        return dict(zip(script.FRACTIONS, rng.uniform(size=shape) + 0.3 * y[folds == 9]))

    # The second number of epochs has one seed, which is compared with the same one.
    found = {5: {0: draws(), 1: draws()}, 20: {1: draws()}}
    few, more = script.make_table(found, {5: {0: 2.0, 1: 3.0}, 20: {1: 1.5}}, data).rows
    assert few[:3] == ["5", "2", "2.50"] and more[:3] == ["20", "1", "1.50"]
    assert few[4::2] == ["", "", ""]
    for i, fraction in enumerate(script.FRACTIONS):
        scores = {
            (epochs, seed): np.mean([roc_auc_score(y[folds == 9], p) for p in shares[fraction]])
            for epochs, by_seed in found.items()
            for seed, shares in by_seed.items()
        }
        assert float(few[3 + 2 * i].split()[0]) == pytest.approx(
            (scores[5, 0] + scores[5, 1]) / 2, abs=6e-4
        )
        assert abs(scores[20, 1] - scores[5, 1]) > 0.01
        difference = float(more[4 + 2 * i].split()[0])
        assert difference == pytest.approx(scores[20, 1] - scores[5, 1], abs=6e-4)


def test_table_of_objectives():
    import study_acl_objectives as script

    rng = np.random.default_rng(0)
    y, folds = rng.integers(2, size=(90, 2)), np.repeat(np.arange(1, 10), 10)
    data = SimpleNamespace(y=y, folds=folds, patients=np.arange(90))

    def draws():
        shape = (len(script.FRACTIONS), 2, 10, 2)
        return dict(zip(script.FRACTIONS, rng.uniform(size=shape) + 0.3 * y[folds == 9]))

    # LFBT has one seed, which is compared with the same one; the random start is not finished.
    found = {script.FULL: {0: draws(), 1: draws()}, "LFBT": {1: draws()}}
    table = script.make_table("Objectives", ["SimCLR", "LFBT"], found, data)
    acl, lfbt = table.rows
    assert acl[:2] == [script.FULL, "2"] and lfbt[:2] == ["LFBT", "1"] and acl[3::2] == [""] * 3
    for i, fraction in enumerate(script.FRACTIONS):
        scores = [
            np.mean([roc_auc_score(y[folds == 9], p) for p in shares[fraction]])
            for shares in (found[script.FULL][1], found["LFBT"][1])
        ]
        assert abs(scores[1] - scores[0]) > 0.01
        assert float(lfbt[2 + 2 * i].split()[0]) == pytest.approx(scores[1], abs=6e-4)
        assert float(lfbt[3 + 2 * i].split()[0]) == pytest.approx(scores[1] - scores[0], abs=6e-4)


def test_arms_of_objectives_are_parameters_of_the_encoder():
    import study_acl_objectives as script

    from sklearn_ecg import ACLECGEncoder

    X = make_ecg(8, duration=2, random_state=0).data
    for name, params in script.ALL.items():
        params = {**script.FAST, **params, "max_epochs": 0, "projection_dim": 4}
        kind = params.pop("kind", ACLECGEncoder)
        encoder = kind(sampling_rate=100, random_state=0, **params).fit(X)
        assert encoder.transform(X).shape == (8, 8 * 128), name


def test_hidden_leads_are_predicted_from_the_others():
    from _masked_latent import DECAY, MaskedLatentLoss, MaskedLatentNet

    torch.manual_seed(0)
    net = MaskedLatentNet(4, make_backbone=VGG1d, n_times=100)
    before = [weights.clone() for weights in net.teacher.parameters()]
    with torch.no_grad():
        for weights in net.encoders.parameters():
            weights.add_(1.0)
    seen = []
    net.predict.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.randn(6, 4, 100)
    output = predicted, targets, hidden, embedding = net(x)
    for old, mean in zip(before, net.teacher.parameters()):
        torch.testing.assert_close(mean, old + 1 - DECAY)
        assert not mean.requires_grad
    # Half of the leads of each record, whose vectors are not shown.
    assert hidden.sum(dim=1).tolist() == [2.0] * 6
    shown = seen[0][:, :-4].unflatten(1, (4, -1))
    expected = embedding.unflatten(1, (4, -1)).masked_fill(hidden[:, :, None] > 0, 0.0)
    torch.testing.assert_close(shown, expected)
    assert shown.any()
    # The targets are those of the other view, standardized over the records.
    torch.testing.assert_close(targets.mean(dim=0), torch.zeros(4, 64), atol=1e-5, rtol=0)
    vectors = torch.stack([e(x[:, i : i + 1]) for i, e in enumerate(net.teacher)], dim=1)
    vectors = torch.cat([vectors[3:], vectors[:3]])
    deviation = vectors.std(dim=0, unbiased=False)
    clear = deviation > 0.01
    standardized = (vectors - vectors.mean(dim=0)) / deviation
    torch.testing.assert_close(targets[:, clear], standardized[:, clear], atol=0.06, rtol=0)
    loss = MaskedLatentLoss()
    expected = torch.nn.functional.smooth_l1_loss(predicted[hidden > 0], targets[hidden > 0])
    torch.testing.assert_close(loss(output), expected)
    assert set(loss.parts) == {"uniformity", "effective_rank"}
