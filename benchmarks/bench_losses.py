"""The contrastive loss, value and gradient, beside pytorch-metric-learning's, in one run.

    python benchmarks/bench_losses.py        (needs the extra: pip install -e .[bench])
"""

import torch
from _timing import interleave, report
from pytorch_metric_learning.losses import SupConLoss

from sklearn_ecg.nn.losses import supervised_contrastive_loss


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    z = torch.nn.functional.normalize(torch.randn(256, 128), dim=1).requires_grad_()
    y = torch.randint(2, (256,))
    peer = SupConLoss(temperature=0.1)
    ours = supervised_contrastive_loss(z, y, temperature=0.1)
    torch.testing.assert_close(peer(z, y), ours)

    def step(loss):
        z.grad = None
        loss().backward()

    seconds = interleave(
        {
            "pytorch-metric-learning SupCon": lambda: step(lambda: peer(z, y)),
            "ours, gamma=0 (SupCon)": lambda: step(lambda: supervised_contrastive_loss(z, y)),
            "ours, gamma=2 (focal)": lambda: step(
                lambda: supervised_contrastive_loss(z, y, gamma=2.0)
            ),
        },
        repeats=100,
        warmup=10,
    )
    report(
        "Supervised contrastive loss and gradient, 256 x 128",
        seconds, n_records=256, reference="pytorch-metric-learning SupCon",
        target=">= 2 (at most half the time)",
    )


if __name__ == "__main__":
    main()
