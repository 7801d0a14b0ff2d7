"""Parameters and time of the networks that `ECGNetClassifier` has by name.

    OMP_NUM_THREADS=1 python benchmarks/networks_by_name.py [--write]

The networks have twelve leads and one logit. The time is that of a training step (forward,
backward) with 32 records of 1000 time points on one thread, relative to ``resnet1d_wang``, as the
median of paired rounds. ``--write`` replaces the table of docs/methods/ecg_net.rst.
"""

import argparse
import statistics
import time

import torch
from _tables import Table, write_tables
from _timing import interleave

from sklearn_ecg.deep._ecg_net_module import NETWORKS

REFERENCE = "resnet1d_wang"
SOURCES = {
    "resnet1d_wang": (
        "Strodthoff et al. (2021), the benchmark on PTB-XL; named there after Wang et al. (2017)"
    ),
    "xresnet1d101": "Strodthoff et al. (2021), after He et al. (2019)",
    "inception_time": "Ismail Fawaz et al. (2020); one network of the ensemble",
    "lstm": "Strodthoff et al. (2021)",
    "cnn_lstm": "after Oh et al. (2018); sizes from this library",
    "transformer": (
        "the encoder of Vaswani et al. (2017) after convolutions, as in Natarajan et al. (2020); "
        "sizes from this library"
    ),
}


def make_step(network, X):
    """Return a function that computes the gradients of a batch."""

    def step():
        network.zero_grad()
        output = network(X)
        logits = output[0] if isinstance(output, tuple) else output
        logits.square().mean().backward()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the table of the page")
    args = parser.parse_args()
    torch.manual_seed(0)
    X = torch.randn(32, 12, 1000)
    networks = {name: NETWORKS[name](12, 1) for name in SOURCES}
    steps = {name: make_step(network, X) for name, network in networks.items()}
    seconds = interleave(steps, repeats=args.repeats, clock=time.process_time)
    rows = []
    for name, network in networks.items():
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[REFERENCE]))
        size = sum(parameter.numel() for parameter in network.parameters())
        rows.append((f"``{name}``", f"{size:,}", f"{ratio:.1f}", SOURCES[name]))
        print(", ".join(rows[-1]), flush=True)
    if args.write:
        title = (
            "Parameters for twelve leads and one logit, and the time of a training step relative "
            f"to ``{REFERENCE}``, with records of 1000 time points, on one core"
        )
        table = Table(title, ("name", "parameters", "time", "source"), rows, (22, 16, 10, 52))
        write_tables("methods/ecg_net.rst", "networks", [table], "networks_by_name.py")


if __name__ == "__main__":
    main()
