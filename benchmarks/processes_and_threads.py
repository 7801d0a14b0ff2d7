"""How much a fit in two processes or two threads differs from a fit in one.

    python benchmarks/processes_and_threads.py [--write]

Each network is trained for three epochs of three batches on synthetic records, in float64 and in
float32: by one process with one thread, by two processes that Accelerate launches, and by one
process with two threads. The table of docs/scale.rst, which ``--write`` replaces, has the largest
differences of the losses and of the weights to the first of them.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _arms import TABLED
from _tables import Table, write_tables

from sklearn_ecg import ACLECGEncoder, MSAICNetClassifier, SimCardioNetEncoder
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.preprocessing import ECGImageRenderer

PARAMS = {"max_epochs": 3, "batch_size": 16, "random_state": 0, "device": "cpu"}
CASES = {
    "ACLECGEncoder": ACLECGEncoder(sampling_rate=100, **PARAMS),
    "MSAICNetClassifier": MSAICNetClassifier(**TABLED, **PARAMS),
    "SimCardioNetEncoder": SimCardioNetEncoder(image_size=64, filters=(8, 16, 32), **PARAMS),
}
# What is compared with one process and one thread: name, launched together, threads, precision.
COLUMNS = (
    ("two processes, float64", True, 1, "float64"),
    ("two processes, float32", True, 1, "float32"),
    ("two threads, float32", False, 2, "float32"),
)


def fit_all(folder, n_threads, precisions):
    """Fit each network, and store its losses and weights."""
    ecg = make_ecg(48, duration=3, prevalence=0.5, random_state=0)
    pages = ECGImageRenderer(ecg.sampling_rate, image_size=64).fit_transform(ecg.data)
    for name, estimator in CASES.items():
        X = pages if name.startswith("SimCardio") else ecg.data
        for precision in precisions:
            estimator.set_params(precision=precision, n_threads=n_threads).fit(X, ecg.target)
            weights = [parameter.detach().numpy().ravel() for parameter in parameters(estimator)]
            rank = os.environ.get("RANK", "0")
            np.savez(
                Path(folder, f"{name}-{precision}-{rank}.npz"),
                losses=estimator.history_["train_loss"],
                weights=np.concatenate(weights),
            )


def parameters(estimator):
    return estimator.net_.module_.parameters()


def run(folder, together, n_threads, precisions):
    """Run `fit_all` in a process of its own, or in two that are launched together."""
    command = [sys.executable]
    if together:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
        command += ["--num_machines", "1", "--main_process_port", str(port)]
        command += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command += [__file__, "--fit", folder, "--threads", str(n_threads), "--precisions", *precisions]
    subprocess.run(command, check=True, env={**os.environ, "ACCELERATE_USE_CPU": "true"})


def load(folder, name, precision):
    with np.load(Path(folder, f"{name}-{precision}-0.npz")) as stored:
        return dict(stored)


def compare():
    """Return the differences as a table."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {key: Path(folder, f"{key[0]}{key[1]}") for key in ((0, 1), (1, 1), (0, 2))}
        for (together, n_threads), path in folders.items():
            path.mkdir()
            precisions = ["float32"] if n_threads == 2 else ["float32", "float64"]
            run(str(path), together, n_threads, precisions)
        rows = []
        for name in CASES:
            expected = load(folders[0, 1], name, "float32")
            size, loss = len(expected["weights"]), expected["losses"][-1]
            differences = {"losses": [], "weights": []}
            for _, together, n_threads, precision in COLUMNS:
                one = load(folders[0, 1], name, precision)
                other = load(folders[int(together), n_threads], name, precision)
                for part, found in differences.items():
                    found.append(f"{np.abs(one[part] - other[part]).max():.0e}")
            rows.append((f"``{name}``, losses (the last: {loss:.2g})", *differences["losses"]))
            rows.append((f"``{name}``, {size:,} weights", *differences["weights"]))
    header = ("", *(name for name, *_ in COLUMNS))
    return Table("Largest difference to one process and one thread", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    parser.add_argument("--fit", help="fit, and store the results in this folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", default=["float32"])
    args = parser.parse_args()
    if args.fit:
        fit_all(args.fit, args.threads, args.precisions)
        return
    table = compare()
    print("\n".join([table.title, *(", ".join(row) for row in (table.header, *table.rows))]))
    if args.write:
        write_tables("scale.rst", "processes", [table], "processes_and_threads.py")


if __name__ == "__main__":
    main()
