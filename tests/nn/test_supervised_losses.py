"""Supervised losses, compared with slow loops over the formulas, and for extreme inputs."""

import math

import pytest
import torch

from sklearn_ecg.nn import (
    MSAICLoss,
    focal_binary_loss,
    focal_cross_entropy,
    supervised_contrastive_loss,
)
from sklearn_ecg.nn._supervised_losses import positive_pair_weights

DOUBLE = {"dtype": torch.float64}


def grad(loss, *inputs):
    return torch.autograd.grad(loss, inputs)


def unit_rows(n, d, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=dtype)
    return torch.nn.functional.normalize(z, dim=1).requires_grad_()


def slow_focal_binary(logits, targets, gamma, class_weight):
    """Compute -mean of w_y (1 - p_y)^gamma log p_y, element by element."""
    total = 0.0
    for i in range(logits.shape[0]):
        for label in range(logits.shape[1]):
            p = 1 / (1 + torch.exp(-logits[i, label]))
            y = int(targets[i, label])
            p_y = p if y == 1 else 1 - p
            total = total - class_weight[y, label] * (1 - p_y) ** gamma * torch.log(p_y)
    return total / logits.numel()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_binary_equals_slow_loop(gamma):
    torch.manual_seed(0)
    logits = torch.randn(13, 3, **DOUBLE, requires_grad=True)
    targets = (torch.rand(13, 3) > 0.6).double()
    class_weight = torch.rand(2, 3, **DOUBLE)
    fast = focal_binary_loss(logits, targets, gamma=gamma, class_weight=class_weight).mean()
    slow = slow_focal_binary(logits, targets, gamma, class_weight)
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0)
    torch.testing.assert_close(grad(fast, logits), grad(slow, logits), rtol=1e-8, atol=1e-12)


def test_focal_binary_alpha_equals_the_formula_of_the_paper():
    """The formula is -[alpha y (1-p)^g log p + (1-alpha) (1-y) p^g log(1-p)]."""
    alpha, gamma = 0.8, 2.0
    logits = torch.tensor([[-1.3], [0.4], [2.0]], **DOUBLE)
    y = torch.tensor([[1.0], [0.0], [1.0]], **DOUBLE)
    p = torch.sigmoid(logits)
    expected = -(
        alpha * y * (1 - p) ** gamma * torch.log(p)
        + (1 - alpha) * (1 - y) * p**gamma * torch.log(1 - p)
    )
    weight = torch.tensor([[1 - alpha], [alpha]], **DOUBLE)
    torch.testing.assert_close(
        focal_binary_loss(logits, y, gamma=gamma, class_weight=weight), expected
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_cross_entropy_equals_slow_loop(gamma):
    torch.manual_seed(1)
    logits = torch.randn(11, 4, **DOUBLE, requires_grad=True)
    targets = torch.randint(4, (11,))
    class_weight = torch.rand(4, **DOUBLE)
    fast = focal_cross_entropy(logits, targets, gamma=gamma, class_weight=class_weight).mean()
    slow = 0.0
    for i, c in enumerate(targets.tolist()):
        p = torch.exp(logits[i, c]) / sum(torch.exp(logits[i, k]) for k in range(4))
        slow = slow - class_weight[c] * (1 - p) ** gamma * torch.log(p)
    slow = slow / 11
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0)
    torch.testing.assert_close(grad(fast, logits), grad(slow, logits), rtol=1e-8, atol=1e-12)


def test_focal_losses_without_gamma_equal_those_of_torch():
    torch.manual_seed(2)
    logits, targets = torch.randn(9, 5), torch.randint(5, (9,))
    torch.testing.assert_close(
        focal_cross_entropy(logits, targets),
        torch.nn.functional.cross_entropy(logits, targets, reduction="none"),
    )
    labels = (torch.rand(9, 5) > 0.5).float()
    torch.testing.assert_close(
        focal_binary_loss(logits, labels),
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none"),
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("size", [30.0, 1e4, 1e30])
def test_focal_losses_are_finite_for_large_logits(gamma, size):
    logits = torch.tensor([[size, -size], [-size, size], [0.0, 0.0]], requires_grad=True)
    labels = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    for loss in (
        focal_binary_loss(logits, labels, gamma=gamma).mean(),
        focal_cross_entropy(logits, torch.tensor([0, 0, 1]), gamma=gamma).mean(),
    ):
        assert torch.isfinite(loss)
        assert torch.isfinite(grad(loss, logits)[0]).all()


def slow_contrastive(z, weight, temperature, gamma):
    """Average over anchors with a positive, and for each over its positives, with weights."""
    n = len(z)
    terms = []
    for i in range(n):
        positives = [p for p in range(n) if p != i and weight[i, p] > 0]
        if not positives:
            continue
        norm = sum(torch.exp(z[i] @ z[a] / temperature) for a in range(n) if a != i)
        total = 0.0
        for p in positives:
            eta = torch.exp(z[i] @ z[p] / temperature) / norm
            total = total + weight[i, p] * (1 - eta) ** gamma * torch.log(eta)
        terms.append(-total / sum(weight[i, p] for p in positives))
    return sum(terms) / len(terms)


LABELS = {
    "binary": torch.tensor([0, 1, 1, 0, 0, 0, 1, 0]),
    "a class with one record": torch.tensor([0, 1, 2, 2, 0, 0, 2, 0]),
    "one class": torch.zeros(8, dtype=torch.long),
    "multilabel": torch.tensor(
        [[1, 0, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 0]]
    ),
}


def slow_pair_weights(targets):
    n = len(targets)
    weight = torch.zeros(n, n, **DOUBLE)
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            if targets.ndim == 1:
                weight[i, j] = float(targets[i] == targets[j])
            else:
                a = {k for k, v in enumerate(targets[i]) if v}
                b = {k for k, v in enumerate(targets[j]) if v}
                weight[i, j] = len(a & b) / len(a | b) if a | b else 0.0
    return weight


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_contrastive_equals_slow_loop(kind, gamma, temperature):
    z, targets = unit_rows(8, 5), LABELS[kind]
    options = {"temperature": temperature, "gamma": gamma}
    fast = supervised_contrastive_loss(z, targets, **options)
    slow = slow_contrastive(z, slow_pair_weights(targets), **options)
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0)
    torch.testing.assert_close(grad(fast, z), grad(slow, z), rtol=1e-7, atol=1e-11)
    in_float32 = supervised_contrastive_loss(z.float(), targets, **options)
    torch.testing.assert_close(in_float32.double(), slow, rtol=1e-5, atol=0)


def test_contrastive_passes_gradcheck():
    z = unit_rows(6, 4)
    targets = torch.tensor([0, 0, 1, 1, 1, 2])
    assert torch.autograd.gradcheck(
        lambda z: supervised_contrastive_loss(z, targets, temperature=0.5, gamma=2.0), (z,)
    )


@pytest.mark.parametrize("kind", LABELS)
def test_positive_pair_weights_equal_slow_loop(kind):
    torch.testing.assert_close(
        positive_pair_weights(LABELS[kind]).double(), slow_pair_weights(LABELS[kind])
    )


def test_gamma_zero_equals_the_loss_of_khosla():
    z, targets = unit_rows(8, 5), LABELS["binary"]
    log_p = (z @ z.T / 0.1).masked_fill(torch.eye(8, dtype=torch.bool), -math.inf)
    log_p = log_p - log_p.logsumexp(dim=1, keepdim=True)
    expected = torch.stack(
        [
            -log_p[i, [p for p in range(8) if p != i and targets[p] == targets[i]]].mean()
            for i in range(8)
        ]
    ).mean()
    loss = supervised_contrastive_loss(z, targets, temperature=0.1, gamma=0.0)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("targets", [torch.arange(4), torch.zeros(4, 3), torch.tensor([0])])
def test_contrastive_without_positives_is_zero_and_differentiable(targets):
    z = unit_rows(len(targets), 3)
    loss = supervised_contrastive_loss(z, targets, gamma=2.0)
    assert loss.item() == 0
    assert torch.equal(grad(loss, z)[0], torch.zeros_like(z))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("temperature", [1e-3, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_contrastive_is_finite_where_eta_is_one(gamma, temperature, dtype):
    """With two equal rows and all others opposite, eta rounds to 1."""
    z = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]], dtype=dtype, requires_grad=True)
    targets = torch.tensor([0, 0, 1, 1])
    loss = supervised_contrastive_loss(z, targets, temperature=temperature, gamma=gamma)
    assert torch.isfinite(loss)
    assert torch.isfinite(grad(loss, z)[0]).all()


def stable_contrastive(z, targets, temperature, gamma):
    """Compute the loss pair by pair in float64, from differences to the largest similarity."""
    z = z.detach().double().tolist()
    per_anchor = []
    for i, anchor in enumerate(z):
        logit = {
            a: sum(x * y for x, y in zip(anchor, z[a])) / temperature
            for a in range(len(z))
            if a != i
        }
        top = max(logit.values())
        share = {a: math.exp(value - top) for a, value in logit.items()}
        total = sum(share.values())
        positives = [p for p in logit if targets[p] == targets[i]]
        terms = []
        for p in positives:
            others = sum(value for a, value in share.items() if a != p)
            terms.append(-((others / total) ** gamma) * (logit[p] - top - math.log(total)))
        per_anchor.append(sum(terms) / len(positives))
    return sum(per_anchor) / len(per_anchor)


@pytest.mark.parametrize("temperature", [0.01, 0.005, 0.001])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_contrastive_of_random_vectors_with_small_temperatures(temperature, gamma, dtype):
    targets = torch.arange(16) % 3
    z = unit_rows(16, 8, dtype=dtype)
    loss = supervised_contrastive_loss(z, targets, temperature=temperature, gamma=gamma)
    expected = stable_contrastive(z, targets.tolist(), temperature, gamma)
    assert loss.item() == pytest.approx(expected, rel=1e-5 if dtype == torch.float32 else 1e-12)
    (gradient,) = grad(loss, z)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


def test_contrastive_weights_scale_anchors():
    z, targets = unit_rows(8, 5), LABELS["binary"]
    weight = torch.tensor([1.0, 2, 0, 1, 3, 1, 1, 1], **DOUBLE)
    pairs = slow_pair_weights(targets)
    per_anchor = torch.stack(
        [
            slow_contrastive(z, torch.where(torch.arange(8)[:, None] == i, pairs, 0.0), 0.1, 2.0)
            for i in range(8)
        ]
    )
    expected = (weight * per_anchor).mean()
    loss = supervised_contrastive_loss(z, targets, gamma=2.0, sample_weight=weight)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_msaic_loss_is_the_sum_of_its_terms(kind):
    torch.manual_seed(3)
    n_outputs = {"binary": 1, "multiclass": 3, "multilabel": 3}[kind]
    logits, z = torch.randn(8, n_outputs, **DOUBLE), unit_rows(8, 5)
    targets = LABELS["multilabel" if kind == "multilabel" else "a class with one record"]
    if kind == "binary":
        targets = LABELS["binary"].double()
    shape = (n_outputs,) if kind == "multiclass" else (2, n_outputs)
    class_weight = torch.rand(shape, **DOUBLE)
    weights = torch.rand(8, **DOUBLE)
    gammas = {"focal_gamma": 2.0, "contrastive_gamma": 2.0, "temperature": 0.1}
    loss = MSAICLoss(kind, class_weight=class_weight, contrastive_weight=0.3, **gammas)
    if kind == "multiclass":
        focal = focal_cross_entropy(logits, targets, gamma=2.0, class_weight=class_weight)
    else:
        labels = targets.reshape(8, -1).double()
        focal = focal_binary_loss(logits, labels, gamma=2.0, class_weight=class_weight).mean(1)
    expected = (focal * weights).mean() + 0.3 * supervised_contrastive_loss(
        z, targets, gamma=2.0, sample_weight=weights
    )
    torch.testing.assert_close(loss((logits, z), targets, weights), expected)
    without_added = (focal * weights)[:5].mean() + 0.3 * supervised_contrastive_loss(
        z, targets, gamma=2.0, sample_weight=weights
    )
    torch.testing.assert_close(loss((logits, z), targets, weights, n_classified=5), without_added)
    without = MSAICLoss(kind, class_weight=class_weight, contrastive_weight=0, **gammas)
    torch.testing.assert_close(without((logits, None), targets), focal.mean())
