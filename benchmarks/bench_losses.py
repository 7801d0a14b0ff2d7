"""Value and gradient of the contrastive losses compared with other libraries.

    python benchmarks/bench_losses.py        (requires the extra: pip install -e .[bench])

lightly, which requires torchvision, is listed as not installed if it is not.
"""

import torch
from _timing import import_peer, interleave, report
from pytorch_metric_learning.losses import SupConLoss

from sklearn_ecg.nn import nt_xent_loss, supervised_contrastive_loss


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    z = torch.nn.functional.normalize(torch.randn(256, 128), dim=1).requires_grad_()
    y = torch.randint(2, (256,))
    reference_loss = SupConLoss(temperature=0.1)
    ours = supervised_contrastive_loss(z, y, temperature=0.1)
    torch.testing.assert_close(reference_loss(z, y), ours)

    def step(loss):
        z.grad = None
        loss().backward()

    seconds = interleave(
        {
            "pytorch-metric-learning SupCon": lambda: step(lambda: reference_loss(z, y)),
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
        seconds,
        n_records=256,
        reference="pytorch-metric-learning SupCon",
        goals={"ours, gamma=0 (SupCon)": 2},
        reason="two products of 256 x 128 matrices are most of the time of both",
    )
    bench_nt_xent()


def plain_nt_xent(first, second, temperature=0.1):
    """Compute NT-Xent as it is usually written."""
    z = torch.cat([first, second])
    logits = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    positive = torch.arange(len(z)).roll(len(first))
    return torch.nn.functional.cross_entropy(logits, positive)


def bench_nt_xent():
    first, second = torch.nn.functional.normalize(torch.randn(2, 256, 128), dim=2)
    first.requires_grad_(), second.requires_grad_()
    lightly = import_peer("lightly.loss")
    others = {
        "plain torch": plain_nt_xent,
        "lightly NT-Xent": lightly and lightly.NTXentLoss(temperature=0.1),
    }
    for other in filter(None, others.values()):
        torch.testing.assert_close(other(first, second), nt_xent_loss(first, second))

    def step(loss):
        first.grad = second.grad = None
        loss(first, second).backward()

    losses = {**others, "ours": nt_xent_loss}
    seconds = interleave(
        {name: loss and (lambda loss=loss: step(loss)) for name, loss in losses.items()},
        repeats=100,
        warmup=10,
    )
    report(
        "NT-Xent and gradient, two views, 256 x 128",
        seconds,
        n_records=256,
        reference="lightly NT-Xent" if lightly else "plain torch",
        # At most 0.6 of the time of lightly, and not slower than plain torch, within the noise.
        goals={"ours": 1.67 if lightly else 0.9},
        reason="the loss consists of the same operations as plain torch",
    )


if __name__ == "__main__":
    main()
