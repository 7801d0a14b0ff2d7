"""Losses for imbalanced classes, compared with slow loops over the formulas."""

import inspect
import math

import pytest
import torch

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.nn import (
    ClassificationLoss,
    MSAICLoss,
    MSAICNet,
    adjust_logits,
    balanced_contrastive_loss,
    class_contrastive_loss,
    focal_cross_entropy,
    prototype_contrastive_loss,
    supervised_contrastive_loss,
)

DOUBLE = {"dtype": torch.float64}


def grad(loss, *inputs):
    return torch.autograd.grad(loss, inputs)


def unit_rows(n, d, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=dtype)
    return torch.nn.functional.normalize(z, dim=1).requires_grad_()


TARGETS = {
    "binary": torch.tensor([0, 1, 1, 0, 0, 0, 1, 0]),
    "binary, as floats": torch.tensor([0.0, 1, 1, 0, 0, 0, 1, 0]),
    "a class with one record": torch.tensor([0, 0, 1, 0, 0, 0, 0, 0]),
    "an absent class": torch.tensor([0, 0, 0, 0, 0, 0, 0, 0]),
    "the other class is absent": torch.tensor([1, 1, 1, 1, 1, 1, 1, 1]),
}
MULTICLASS = {
    "three classes": torch.tensor([0, 1, 2, 2, 0, 0, 2, 0]),
    "one of three classes": torch.tensor([1, 1, 1, 1, 1, 1, 1, 1]),
}


def slow_balanced(z, targets, prototypes, temperature):
    """Return the loss of each anchor."""
    terms = []
    n, n_classes = len(z), len(prototypes)
    for i in range(n):
        members = {
            c: [z[a] for a in range(n) if a != i and int(targets[a]) == c] + [prototypes[c]]
            for c in range(n_classes)
        }
        norm = 0.0
        for c in range(n_classes):
            sums = sum(torch.exp(z[i] @ a / temperature) for a in members[c])
            norm = norm + sums / len(members[c])
        positives = members[int(targets[i])]
        terms.append(
            -sum(torch.log(torch.exp(z[i] @ p / temperature) / norm) for p in positives)
            / len(positives)
        )
    return torch.stack(terms)


@pytest.mark.parametrize("kind", [*TARGETS, *MULTICLASS])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_balanced_equals_slow_loop(kind, temperature):
    targets = {**TARGETS, **MULTICLASS}[kind]
    z, prototypes = unit_rows(8, 5), unit_rows(3 if kind in MULTICLASS else 2, 5, seed=1)
    weight = torch.tensor([1.0, 2, 0, 1, 3, 1, 1, 1], **DOUBLE)
    slow = slow_balanced(z, targets, prototypes, temperature)
    fast = balanced_contrastive_loss(z, targets, prototypes, temperature=temperature)
    torch.testing.assert_close(fast, slow.mean(), rtol=1e-9, atol=0)
    torch.testing.assert_close(
        grad(fast, z, prototypes), grad(slow.mean(), z, prototypes), rtol=1e-7, atol=1e-11
    )
    weighted = balanced_contrastive_loss(
        z, targets, prototypes, temperature=temperature, sample_weight=weight
    )
    expected = (weight * slow_balanced(z, targets, prototypes, temperature)).mean()
    torch.testing.assert_close(weighted, expected, rtol=1e-9, atol=0)
    in_float32 = balanced_contrastive_loss(
        z.float(), targets, prototypes.float(), temperature=temperature
    )
    torch.testing.assert_close(in_float32.double(), slow.mean(), rtol=1e-5, atol=0)


def test_balanced_ignores_how_often_other_classes_are_repeated():
    """Class-averaging: copies of the records of the other class change nothing."""
    rows, prototypes = unit_rows(5, 4), unit_rows(2, 4, seed=1)
    prototypes = torch.stack([prototypes[0], rows[4]])

    def sum_over_class_0(loss, *rest, n_copies):
        z = torch.cat([rows[:4], rows[4:].expand(n_copies, -1)])
        targets = (torch.arange(len(z)) >= 4).long()
        weight = (targets == 0).to(z.dtype)
        return loss(z, targets, *rest, sample_weight=weight) * len(z)

    few, many = (
        sum_over_class_0(balanced_contrastive_loss, prototypes, n_copies=n) for n in (2, 40)
    )
    torch.testing.assert_close(few, many, rtol=1e-9, atol=0)
    few, many = (sum_over_class_0(supervised_contrastive_loss, n_copies=n) for n in (2, 40))
    assert many > 1.2 * few


def slow_class_contrastive(z, targets, supervised_class, temperature, n_views):
    """Return the loss of each anchor that has a positive, by anchor."""
    n = len(z)
    terms = {}
    for i in range(n):
        positives = set()
        if n_views == 2:
            positives.add(i + n // 2 if i < n // 2 else i - n // 2)
        if int(targets[i]) == supervised_class:
            positives |= {p for p in range(n) if p != i and int(targets[p]) == supervised_class}
        if not positives:
            continue
        norm = sum(torch.exp(z[i] @ z[a] / temperature) for a in range(n) if a != i)
        terms[i] = -sum(
            torch.log(torch.exp(z[i] @ z[p] / temperature) / norm) for p in positives
        ) / len(positives)
    return terms


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("supervised_class", [0, 1])
@pytest.mark.parametrize("n_views", [1, 2])
def test_class_contrastive_equals_slow_loop(kind, supervised_class, n_views):
    targets = TARGETS[kind].repeat(n_views)
    z = unit_rows(len(targets), 5)
    terms = slow_class_contrastive(z, targets, supervised_class, 0.1, n_views)
    fast = class_contrastive_loss(z, targets, supervised_class, n_views=n_views)
    if not terms:
        assert fast.item() == 0
        assert torch.equal(grad(fast, z)[0], torch.zeros_like(z))
        return
    slow = sum(terms.values()) / len(terms)
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=0)
    torch.testing.assert_close(grad(fast, z), grad(slow, z), rtol=1e-7, atol=1e-11)
    weight = torch.arange(len(z), **DOUBLE)
    terms = slow_class_contrastive(z, targets, supervised_class, 0.1, n_views)
    expected = sum(weight[i] * term for i, term in terms.items()) / len(terms)
    weighted = class_contrastive_loss(
        z, targets, supervised_class, n_views=n_views, sample_weight=weight
    )
    torch.testing.assert_close(weighted, expected, rtol=1e-9, atol=0)


def test_class_contrastive_of_a_single_class_is_supcon():
    z, targets = unit_rows(8, 5), torch.ones(8, dtype=torch.long)
    torch.testing.assert_close(
        class_contrastive_loss(z, targets, 1), supervised_contrastive_loss(z, targets)
    )


def slow_prototype(z, targets, prototypes, temperature, margin, n_views):
    """Return the loss of each anchor, 0 without positives."""
    n = len(z)
    terms = []
    for i in range(n):
        own = prototypes[int(targets[i])]
        others = [p for c, p in enumerate(prototypes) if c != int(targets[i])]
        positives = []
        if n_views == 2:
            positives.append(z[i + n // 2 if i < n // 2 else i - n // 2])
        if z[i] @ own <= max(z[i] @ p for p in others) + margin:
            positives.append(own)
        norm = sum(torch.exp(z[i] @ z[a] / temperature) for a in range(n) if a != i)
        total = sum(
            (torch.log(torch.exp(z[i] @ p / temperature) / norm) for p in positives),
            start=0.0 * z[i].sum(),
        )
        terms.append(-total / max(len(positives), 1))
    return torch.stack(terms)


@pytest.mark.parametrize("kind", [*TARGETS, *MULTICLASS])
@pytest.mark.parametrize("margin", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("n_views", [1, 2])
def test_prototype_equals_slow_loop(kind, margin, n_views):
    targets = {**TARGETS, **MULTICLASS}[kind].repeat(n_views)
    z = unit_rows(len(targets), 3)
    prototype = unit_rows(1, 3, seed=5).detach()
    prototypes = torch.cat([prototype, -prototype])
    if kind in MULTICLASS:
        prototypes = unit_rows(3, 3, seed=5).detach()
    options = {"margin": margin, "n_views": n_views}
    fast = prototype_contrastive_loss(z, targets, prototypes, temperature=0.5, **options)
    slow = slow_prototype(z, targets, prototypes, 0.5, **options)
    torch.testing.assert_close(fast, slow.mean(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(grad(fast, z), grad(slow.mean(), z), rtol=1e-7, atol=1e-11)
    weight = torch.arange(len(z), **DOUBLE)
    weighted = prototype_contrastive_loss(
        z, targets, prototypes, temperature=0.5, sample_weight=weight, **options
    )
    slow = slow_prototype(z, targets, prototypes, 0.5, **options)
    torch.testing.assert_close(weighted, (weight * slow).mean(), rtol=1e-9, atol=1e-12)


def test_default_margin_stops_at_a_similarity_of_one_half():
    prototypes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], **DOUBLE)
    for cosine, attracts in ((0.49, True), (0.51, False)):
        row = torch.tensor([cosine, math.sqrt(1 - cosine**2)], **DOUBLE)
        loss = prototype_contrastive_loss(
            torch.stack([row, -row]), torch.tensor([0, 1]), prototypes, temperature=1.0
        )
        assert (loss != 0) == attracts


@pytest.mark.parametrize("temperature", [1e-3, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("n_rows", [2, 4])
def test_losses_are_finite_where_embeddings_collapse(temperature, dtype, n_rows):
    z = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]], dtype=dtype)[:n_rows].requires_grad_()
    targets = torch.tensor([0, 1, 1, 0])[:n_rows]
    prototypes = torch.tensor([[-1.0, 0], [1, 0]], dtype=dtype)
    for loss in (
        balanced_contrastive_loss(z, targets, prototypes, temperature=temperature),
        class_contrastive_loss(z, targets, 1, temperature=temperature, n_views=2),
        prototype_contrastive_loss(z, targets, prototypes, temperature=temperature, n_views=2),
        prototype_contrastive_loss(z, targets, prototypes, temperature=temperature),
    ):
        assert torch.isfinite(loss) and loss.dtype != torch.bfloat16
        assert torch.isfinite(grad(loss, z)[0]).all()


def test_a_batch_of_one_record():
    z, targets = unit_rows(1, 4), torch.tensor([1])
    prototypes = unit_rows(2, 4, seed=1)
    assert torch.isfinite(balanced_contrastive_loss(z, targets, prototypes))
    for loss in (
        class_contrastive_loss(z, targets, 1),
        prototype_contrastive_loss(z, targets, prototypes),
    ):
        assert loss.item() == 0
        assert torch.equal(grad(loss, z)[0], torch.zeros_like(z))


def test_losses_pass_gradcheck():
    z, prototypes = unit_rows(6, 4), unit_rows(2, 4, seed=1)
    targets = torch.tensor([0, 0, 1, 1, 0, 1])
    options = {"temperature": 0.5}
    assert torch.autograd.gradcheck(
        lambda z, p: balanced_contrastive_loss(z, targets, p, **options), (z, prototypes)
    )
    assert torch.autograd.gradcheck(
        lambda z: class_contrastive_loss(z, targets, 1, n_views=2, **options), (z,)
    )
    fixed = prototypes.detach()
    assert torch.autograd.gradcheck(
        lambda z: prototype_contrastive_loss(z, targets, fixed, n_views=2, **options), (z,)
    )


def test_refusals_name_the_argument():
    z, indicator = unit_rows(4, 3), torch.ones(4, 2)
    for loss in (
        lambda: balanced_contrastive_loss(z, indicator, z[:2]),
        lambda: class_contrastive_loss(z, indicator, 1),
        lambda: prototype_contrastive_loss(z, indicator, z[:2]),
    ):
        with pytest.raises(
            ValueError, match=r"targets must be class numbers .* got shape \(4, 2\)"
        ):
            loss()
    for n_rows, n_views in ((3, 2), (4, 3), (4, 0)):
        with pytest.raises(ValueError, match=f"got n_views={n_views} for {n_rows} rows"):
            class_contrastive_loss(z[:n_rows], torch.ones(n_rows), 1, n_views=n_views)


def slow_adjusted_cross_entropy(logits, targets, prior, tau):
    """Compute Equation 10 of Menon et al.: log(1 + sum of (pi_c / pi_y)^tau exp(f_c - f_y))."""
    losses = []
    for f, y in zip(logits, targets.tolist()):
        others = [c for c in range(len(prior)) if c != y]
        terms = [(prior[c] / prior[y]) ** tau * torch.exp(f[c] - f[y]) for c in others]
        losses.append(torch.log(1 + sum(terms)))
    return torch.stack(losses)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
def test_logit_adjustment_equals_slow_loop(tau):
    torch.manual_seed(0)
    logits, targets = torch.randn(9, 3, **DOUBLE), torch.randint(3, (9,))
    prior = torch.tensor([0.7, 0.2, 0.1], **DOUBLE)
    expected = slow_adjusted_cross_entropy(logits, targets, prior, tau)
    adjusted = adjust_logits(logits, prior, tau=tau)
    torch.testing.assert_close(focal_cross_entropy(adjusted, targets), expected)
    loss = ClassificationLoss("multiclass", logit_adjustment=tau, class_prior=prior)
    torch.testing.assert_close(loss(logits, targets), expected.mean())
    # One logit of two classes is the difference of their two logits.
    binary = ClassificationLoss(
        "binary", logit_adjustment=tau, class_prior=torch.tensor([[0.7], [0.3]], **DOUBLE)
    )
    is_one = (targets > 0).long()
    two = torch.stack([torch.zeros(9, **DOUBLE), logits[:, 0]], dim=1)
    expected = slow_adjusted_cross_entropy(two, is_one, torch.tensor([0.7, 0.3], **DOUBLE), tau)
    torch.testing.assert_close(binary(logits[:, :1], is_one.double()), expected.mean())


def test_logit_adjustment_of_labels():
    logits = torch.zeros(2, 2, **DOUBLE)
    prior = torch.tensor([[0.9, 1.0], [0.1, 0.0]], **DOUBLE)
    adjusted = adjust_logits(logits, prior)
    # The second label is constant, and is not adjusted.
    expected = torch.tensor([[math.log(1 / 9), 0.0]], **DOUBLE).expand(2, 2)
    torch.testing.assert_close(adjusted, expected)
    prior = torch.tensor([0.5, 0.5, 0.0], **DOUBLE)
    assert adjust_logits(torch.zeros(1, 3, **DOUBLE), prior)[0, 2] == 0


def test_logit_adjustment_requires_the_prior():
    with pytest.raises(ValueError, match=r"logit_adjustment=1 requires class_prior"):
        ClassificationLoss("binary", logit_adjustment=1.0)


def test_msaic_loss_selects_the_contrastive_loss():
    logits, z = torch.randn(8, 1, **DOUBLE), unit_rows(8, 5)
    prototypes = unit_rows(2, 5, seed=1)
    targets = TARGETS["binary"].repeat(1).double()
    weights = torch.rand(8, **DOUBLE)
    options = {"temperature": 0.2, "sample_weight": weights}
    axis = torch.full((5,), 5**-0.5, **DOUBLE)
    expected = {
        "focal_supcon": supervised_contrastive_loss(z, targets, gamma=2.0, **options),
        "balanced": balanced_contrastive_loss(z, targets, prototypes, **options),
        "class_supcon": class_contrastive_loss(z, targets, 0, n_views=2, **options),
        "prototype": prototype_contrastive_loss(
            z, targets, torch.stack([-axis, axis]), n_views=2, **options
        ),
    }
    assert len({round(value.item(), 6) for value in expected.values()}) == 4
    classification = ClassificationLoss("binary", focal_gamma=2.0)(logits, targets, weights, 4)
    for name, contrast in expected.items():
        loss = MSAICLoss(
            "binary",
            contrastive_loss=name,
            contrastive_class=0,
            contrastive_weight=0.3,
            temperature=0.2,
        )
        n_views = 2 if name in ("class_supcon", "prototype") else 1
        value = loss((logits, z, prototypes), targets, weights, 4, n_views)
        torch.testing.assert_close(value, classification + 0.3 * contrast)


def test_msaic_loss_passes_all_options_of_the_classification_loss_on():
    logits, z, targets = torch.randn(6, 3, **DOUBLE), unit_rows(6, 5), torch.arange(6) % 3
    options = {
        "class_weight": torch.tensor([1.0, 2.0, 0.5], **DOUBLE),
        "class_prior": torch.tensor([0.2, 0.3, 0.5], **DOUBLE),
        "focal_gamma": 1.5,
        "logit_adjustment": 0.7,
    }
    loss = MSAICLoss("multiclass", contrastive_weight=0.4, contrastive_gamma=0.6, **options)
    expected = ClassificationLoss("multiclass", **options)(logits, targets)
    contrast = supervised_contrastive_loss(z, targets, gamma=0.6)
    torch.testing.assert_close(loss((logits, z), targets), expected + 0.4 * contrast)


def test_defaults_of_the_contrastive_losses():
    """The classifier passes all parameters, so that no result would show a changed default."""
    params = inspect.signature(MSAICLoss).parameters
    classifier = MSAICNetClassifier().get_params()
    for name in params.keys() & classifier.keys() - {"class_weight"}:
        assert params[name].default == classifier[name], name
    for function in (
        balanced_contrastive_loss,
        class_contrastive_loss,
        prototype_contrastive_loss,
        supervised_contrastive_loss,
    ):
        assert inspect.signature(function).parameters["temperature"].default == 0.1
    assert inspect.signature(prototype_contrastive_loss).parameters["margin"].default == 1


def test_msaic_loss_of_one_record():
    logits, z = torch.randn(1, 1, **DOUBLE), unit_rows(1, 5)
    expected = ClassificationLoss("binary", focal_gamma=2.0)(logits, torch.ones(1))
    for name in ("focal_supcon", "class_supcon", "prototype"):
        loss = MSAICLoss("binary", contrastive_loss=name, contrastive_class=1)
        torch.testing.assert_close(loss((logits, z), torch.ones(1)), expected)


@pytest.mark.parametrize(
    "target_type, params, message",
    [
        ("multilabel", {"contrastive_loss": "balanced"}, "not defined for multilabel targets"),
        ("multilabel", {"contrastive_loss": "class_supcon"}, r"one of \['focal_supcon'\]"),
        ("multiclass", {"contrastive_loss": "prototype"}, "not defined for multiclass targets"),
        ("multiclass", {"contrastive_loss": "class_supcon"}, r"\['focal_supcon', 'balanced'\]"),
        ("binary", {"contrastive_loss": "class_supcon"}, "requires contrastive_class, 0 or 1"),
        ("binary", {"contrastive_loss": "triplet"}, "must be one of .* got 'triplet'"),
    ],
)
def test_msaic_loss_refusals(target_type, params, message):
    with pytest.raises(ValueError, match=message):
        MSAICLoss(target_type, **params)
    MSAICLoss(target_type, contrastive_weight=0, **params)


@pytest.mark.parametrize("n_outputs, n_classes", [(1, 2), (4, 4)])
def test_prototypes_of_the_network(n_outputs, n_classes):
    torch.manual_seed(0)
    net = MSAICNet(3, n_outputs, filters=(4,), embedding_dim=8, projection_dim=5)
    torch.manual_seed(0)
    other = MSAICNet(
        3, n_outputs, filters=(4,), embedding_dim=8, projection_dim=5, class_prototypes=True
    )
    # The additional head does not change the initial weights of the others.
    weights = other.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())
    assert len(net(torch.randn(2, 3, 64))) == 2
    logits, projection, prototypes = other(torch.randn(2, 3, 64))
    assert prototypes.shape == (n_classes, 5)
    torch.testing.assert_close(prototypes.norm(dim=1), torch.ones(n_classes))
    assert not torch.allclose(prototypes[0], prototypes[1])
    with pytest.raises(ValueError, match="class_prototypes=True requires projection_dim"):
        MSAICNet(3, n_outputs, projection_dim=None, class_prototypes=True)
