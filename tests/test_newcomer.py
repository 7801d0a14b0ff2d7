"""The way of a newcomer: a script of the documentation, run on a folder of records and a table."""

import re
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import make_ecg

PAGE = Path(__file__).parents[1] / "docs" / "getting_started.rst"


@pytest.fixture(scope="module")
def script():
    """The script in the section about records of your own."""
    text = PAGE.read_text(encoding="utf-8")
    section = re.search(r"^Records of your own.*?^A network$", text, re.DOTALL | re.MULTILINE)[0]
    (block,) = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", section)
    return textwrap.dedent(block)


def write_records(folder, signals, names, lead_names, rate):
    """Write WFDB records with 1000 steps per mV."""
    folder.mkdir()
    for name, record in zip(names, signals):
        (1000 * record.T).round().astype("<i2").tofile(folder / f"{name}.dat")
        leads = [f"{name}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in lead_names]
        header = [f"{name} {len(lead_names)} {rate} {record.shape[1]}", *leads]
        (folder / f"{name}.hea").write_text("\n".join(header) + "\n")


def test_the_script_is_short(script):
    assert len([line for line in script.splitlines() if line]) < 20
    assert max(map(len, script.splitlines())) <= 92


def test_from_a_folder_to_a_prediction(script, tmp_path, monkeypatch, capsys):
    # Few records, which are therefore easier than the default.
    ecg = make_ecg(
        50,
        duration=3,
        prevalence=0.4,
        class_sep=4,
        records_per_patient=(1, 2),
        random_state=0,
    )
    names = [f"r{number:03d}" for number in range(len(ecg.data))]
    write_records(tmp_path / "study", ecg.data, names, ecg.lead_names, ecg.sampling_rate)
    table = {"record": names, "label": np.array(["no", "yes"])[ecg.target], "patient": ecg.groups}
    pd.DataFrame(table).to_csv(tmp_path / "study" / "labels.csv", index=False)
    new = make_ecg(1, duration=3, prevalence=1, class_sep=np.inf, random_state=1)
    write_records(tmp_path / "new", new.data, ["record"], new.lead_names, new.sampling_rate)

    monkeypatch.chdir(tmp_path)
    found = {}
    exec(compile(script, str(PAGE), "exec"), found)
    plt.close("all")
    first, second = capsys.readouterr().out.splitlines()
    low, high = map(float, re.fullmatch(r"AUROC [\d.]+ \[([\d.]+)-([\d.]+)\]", first).groups())
    assert 0.5 < low < high <= 1
    assert found["ecg"].target_names == ["no", "yes"]
    # No patient of the fold is among those of the training.
    assert not set(found["patients"][found["train"]]) & set(found["patients"][found["test"]])
    probability = np.array(re.findall(r"[\d.]+", second), dtype=float)
    assert probability.shape == (2,) and abs(probability.sum() - 1) < 1e-6
    assert probability[1] > 0.5
    assert (tmp_path / "leads.png").stat().st_size > 5000
