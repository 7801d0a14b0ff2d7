"""Tables of the studies of SimCardioNet on prints, on made-up results."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score


@pytest.fixture
def tables_of_prints(monkeypatch):
    """The module, with few resamples."""
    import _prints_tables as script

    for name in ("bootstrap_interval", "bootstrap_difference", "bootstrap_seeds"):
        compute = getattr(script, name)

        def with_few(*args, compute=compute, **options):
            return compute(*args, **{**options, "n_resamples": 20})

        monkeypatch.setattr(script, name, with_few)
    return script


def test_prints_are_tested_on_rendered_records(tables_of_prints):
    script = tables_of_prints
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=40)
    values = {
        (arm.name, seed): rng.dirichlet(np.ones(4), size=40)
        for arm in (script.RANDOM, script.PRETRAINED, script.HOG)
        for seed in range(3)
    }
    prints = SimpleNamespace(
        classes=["abnormal_heartbeat", "history_mi", "mi", "normal"],
        distinct=np.arange(7),
        external=(None, None, y, np.arange(40)),
    )
    study = SimpleNamespace(
        prints=prints, predict_external=lambda arm, seed: values[arm.name, seed]
    )
    table = script.table_of_external(study)
    assert "trained on 7 prints, tested on 40 rendered" in table.title
    # Infarctions are new or old; the class without a counterpart is left out.
    scores = {
        key: roc_auc_score(y, (p[:, 1] + p[:, 2]) / (p[:, 1] + p[:, 2] + p[:, 3]))
        for key, p in values.items()
    }
    names = [script.RANDOM.name, script.PRETRAINED.name, script.HOG.name]
    assert [row[0] for row in table.rows] == names
    means = [np.mean([scores[name, seed] for seed in range(3)]) for name in names[:2]]
    means.append(scores[names[2], 0])
    for row, mean in zip(table.rows, means):
        assert float(row[1].split()[0]) == pytest.approx(mean, abs=6e-4)
        assert len(row[3].split()) == (1 if row[0] == names[2] else 3)
    assert [row[2] == "" for row in table.rows] == [True, False, True]
    assert float(table.rows[1][2].split()[0]) == pytest.approx(means[1] - means[0], abs=6e-4)
    share = np.mean([values[names[0], seed].argmax(axis=1) == 0 for seed in range(3)])
    assert table.rows[0][4] == f"{share:.0%}"
    # Where one class has nearly all probability, the others are still compared.
    for p in values.values():
        p[:, 1:] *= 1e-40
        p[:, 1:3] *= 1e20
        p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    assert [row[1] for row in script.table_of_external(study).rows] == [
        row[1] for row in table.rows
    ]


def test_pretraining_with_copies_grouped(tables_of_prints):
    script = tables_of_prints
    rng = np.random.default_rng(0)
    y, groups = rng.integers(4, size=60), np.repeat(np.arange(30), 2)
    arms = ((script.PRETRAINED.name, 0.7), (script.RANDOM.name, 0.4))
    protocols = script.GROUPED, script.NUMBERS
    values = {
        (name, protocol): [
            np.where(rng.random(60) < chance, y, rng.integers(4, size=60)) for _ in range(3)
        ]
        for protocol in protocols
        for name, chance in arms
    }

    def predict(arm, protocol, n_labels, seed):
        assert n_labels is None
        return values[arm.name, protocol][seed]

    prints = SimpleNamespace(y=y, groups=groups)
    table = script.table_of_grouped(SimpleNamespace(prints=prints, predict=predict))
    assert [tuple(row[:2]) for row in table.rows] == list(values)
    f1 = {key: [f1_score(y, p, average="macro") for p in seeds] for key, seeds in values.items()}
    for row, (key, seeds) in zip(table.rows, values.items()):
        assert float(row[2].split()[0]) == pytest.approx(np.mean(seeds == y), abs=6e-4)
        assert float(row[5].split()[0]) == pytest.approx(np.mean(f1[key]), abs=6e-4)
    for i, protocol in enumerate(protocols):
        changes = np.subtract(*(f1[name, protocol] for name, _ in arms))
        mean, of_seeds = table.rows[2 * i][7:]
        assert float(mean.split()[0]) == pytest.approx(np.mean(changes), abs=6e-4)
        assert [float(change) for change in of_seeds.split()] == pytest.approx(changes, abs=6e-4)
        assert table.rows[2 * i + 1][7:] == ["", ""]
