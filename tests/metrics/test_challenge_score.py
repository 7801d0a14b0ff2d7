"""Tests of the score of the Challenges 2020 and 2021, with a slow loop over records and classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg.metrics import challenge_score

NAMES = ["AF", "NSR", "PAC|SVPB", "LBBB", "QAb"]
COLUMNS = ["AF", "NSR", "PAC", "LBBB", "QAb"]


@pytest.fixture
def weights():
    rng = np.random.RandomState(0)
    table = np.round(rng.rand(5, 5), 2)
    np.fill_diagonal(table, 1)
    return pd.DataFrame(table, index=NAMES, columns=NAMES)


@pytest.fixture
def data():
    rng = np.random.RandomState(1)
    y = (rng.rand(60, 5) < 0.3).astype(int)
    return y, np.abs(y - (rng.rand(60, 5) < 0.15))


def slow_score(y_true, y_pred, weights, normal):
    """Compute the score with a loop over records and pairs of classes."""

    def credit(outputs):
        total = 0
        for true, output in zip(y_true, outputs):
            n_classes = sum(t or o for t, o in zip(true, output))
            for j, t in enumerate(true):
                for k, o in enumerate(output):
                    if t and o:
                        total += weights[j][k] / n_classes
        return total

    inactive = np.zeros_like(y_true)
    inactive[:, normal] = 1
    return (credit(y_pred) - credit(inactive)) / (credit(y_true) - credit(inactive))


def test_against_a_loop(weights, data):
    y_true, y_pred = data
    assert not np.allclose(weights, weights.T)
    expected = slow_score(y_true, y_pred, weights.to_numpy(), 1)
    options = {"weights": weights, "classes": COLUMNS, "normal_class": "NSR"}
    assert challenge_score(y_true, y_pred, **options) == pytest.approx(expected, abs=1e-12)
    assert 0 < expected < 1
    assert challenge_score(y_true, y_true, **options) == pytest.approx(1)
    normal = np.tile([0, 1, 0, 0, 0], (60, 1))
    assert challenge_score(y_true, normal, **options) == pytest.approx(0, abs=1e-12)
    assert challenge_score(y_true == 1, y_pred == 1, **options) == pytest.approx(expected)
    assert challenge_score(y_true, np.zeros((60, 5)), **options) < 0


def test_names_of_frames(weights, data):
    frames = [pd.DataFrame(part, columns=COLUMNS) for part in data]
    options = {"weights": weights, "normal_class": "NSR"}
    expected = challenge_score(*data, classes=COLUMNS, **options)
    assert challenge_score(*frames, **options) == expected
    # Matched by name, and a class that the table does not have is not scored.
    y_true = frames[0].assign(STE=1)
    y_pred = frames[1].assign(STE=0)[["STE", *COLUMNS[::-1]]]
    assert challenge_score(y_true, y_pred, **options) == pytest.approx(expected, abs=1e-12)
    order = [3, 0, 4, 1, 2]
    shuffled = [part[:, order] for part in data]
    classes = [COLUMNS[i] for i in order]
    found = challenge_score(*shuffled, classes=classes, **options)
    assert found == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="are not the columns of y_true"):
        challenge_score(*frames, classes=classes, **options)


def test_equivalent_classes_are_merged(weights, data):
    y_true, y_pred = data
    options = {"weights": weights, "normal_class": "NSR"}
    expected = challenge_score(y_true, y_pred, classes=COLUMNS, **options)
    rng = np.random.RandomState(0)
    split = []
    for part in (y_true, y_pred):
        # Either of two columns is positive, or both.
        second = part[:, 2] * (rng.rand(60) < 0.6)
        first = np.where(second, part[:, 2] * (rng.rand(60) < 0.5), part[:, 2])
        split.append(np.column_stack([part[:, :2], first, part[:, 3:], second]))
    found = challenge_score(*split, classes=[*COLUMNS, "SVPB"], **options)
    assert found == pytest.approx(expected, abs=1e-12)
    # A table may have a row for each, as that of 2020.
    names = [*COLUMNS, "SVPB"]
    table = weights.set_axis(COLUMNS, axis=0).set_axis(COLUMNS, axis=1)
    table = table.loc[COLUMNS + ["PAC"], COLUMNS + ["PAC"]].set_axis(names, axis=0)
    table = table.set_axis(names, axis=1)
    options = {"weights": table, "normal_class": "NSR", "equivalent_classes": [["PAC", "SVPB"]]}
    found = challenge_score(*split, classes=names, **options)
    assert found == pytest.approx(expected, abs=1e-12)
    table.loc["SVPB", "AF"] += 0.1
    with pytest.raises(ValueError, match="'PAC' and 'SVPB' are the same class, but have different"):
        challenge_score(*split, classes=names, **options)


def test_table_in_a_file(weights, data, tmp_path):
    """Codes that pandas reads as numbers are names."""
    codes = ["164889003", "426783006", "284470004|63593006", "164909002", "164917005"]
    table = weights.set_axis(codes, axis=0).set_axis(codes, axis=1)
    table.to_csv(tmp_path / "weights.csv")
    columns = ["164889003", "426783006", "63593006", "164909002", "164917005"]
    expected = challenge_score(*data, weights=weights, classes=COLUMNS, normal_class="NSR")
    for path in (tmp_path / "weights.csv", str(tmp_path / "weights.csv")):
        assert challenge_score(*data, weights=path, classes=columns) == pytest.approx(expected)
    found = challenge_score(
        *data, weights=table, classes=[int(code) for code in columns], normal_class=426783006
    )
    assert found == pytest.approx(expected)
    plain = table.set_axis(columns, axis=0).set_axis(columns, axis=1)
    plain.to_csv(tmp_path / "plain.csv")
    found = challenge_score(*data, weights=tmp_path / "plain.csv", classes=columns)
    assert found == pytest.approx(expected)
    with pytest.raises(FileNotFoundError):
        challenge_score(*data, weights=tmp_path / "missing.csv", classes=columns)


def test_only_normal_records(weights):
    y = np.tile([0, 1, 0, 0, 0], (5, 1))
    with pytest.warns(UndefinedMetricWarning, match="undefined and set to 0"):
        assert challenge_score(y, y, weights=weights, classes=COLUMNS, normal_class="NSR") == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"y_pred": lambda y: y / 2}, r"y_pred must be an indicator of 0 and 1, .* such as 0.5"),
        ({"y_true": lambda y: -y}, "y_true must be an indicator of 0 and 1"),
        ({"y_pred": lambda y: y[:, :4]}, "y_pred must have one column for each of 5 classes"),
        ({"y_pred": lambda y: y[:4]}, "inconsistent numbers of samples"),
        ({"classes": lambda c: None}, "y_true has no named columns. Pass classes"),
        ({"classes": lambda c: [*c[:4], c[0]]}, "classes has a name twice"),
        ({"classes": lambda c: ["x", *c[1:]]}, "The class 'AF' of weights is not among the"),
        ({"classes": lambda c: ["AF|LBBB", *c[1:]]}, "The class 'AF.LBBB' of y_true is several"),
        ({"normal_class": lambda c: "sinus"}, "normal_class='sinus' is not among the classes"),
        ({"weights": lambda w: w.iloc[:, ::-1]}, "the same classes, in the same order, as index"),
        ({"weights": lambda w: w.replace(1, np.nan)}, "weights has missing or infinite values"),
        ({"weights": lambda w: w.astype(str) + "x"}, "weights must hold numbers"),
        ({"weights": lambda w: w.to_numpy()}, "The 'weights' parameter of challenge_score"),
    ],
)
def test_invalid_input_raises(weights, data, change, message):
    arguments = {
        "y_true": data[0],
        "y_pred": data[1],
        "weights": weights,
        "classes": COLUMNS,
        "normal_class": "NSR",
    }
    ((argument, function),) = change.items()
    arguments[argument] = function(arguments[argument])
    with pytest.raises(ValueError, match=message):
        challenge_score(**arguments)
