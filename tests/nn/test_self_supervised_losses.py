"""Contrastive losses of two views, compared with slow loops over the formulas."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg.nn import hybrid_contrastive_loss, nt_xent_loss, region_contrastive_loss
from sklearn_ecg.nn._self_supervised_losses import (
    ACLECGLoss,
    EffectiveRank,
    HybridContrastiveLoss,
    effective_rank,
)


def vectors(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def slow_nt_xent(first, second, temperature, further=None):
    """Apply the formula to each anchor; ``further(k)`` returns more negatives of record k."""
    total, views = 0.0, (first, second)
    for view, k in itertools.product(range(2), range(len(first))):
        anchor, positive = views[view][k], views[1 - view][k]
        others = [views[v][j] for v in range(2) for j in range(len(first)) if (v, j) != (view, k)]
        others += further(k) if further else []
        exps = [torch.exp(anchor @ other / temperature) for other in others]
        total += -torch.log(torch.exp(anchor @ positive / temperature) / sum(exps))
    return total / (2 * len(first))


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_nt_xent_equals_the_formula(temperature):
    first, second = vectors(2, 6, 5)
    expected = slow_nt_xent(first, second, temperature)
    torch.testing.assert_close(nt_xent_loss(first, second, temperature=temperature), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_align_equals_the_formula(gamma):
    u, regions = vectors(4, 2, 5, 7), range(4)
    intra = sum(slow_nt_xent(u[d, 0], u[d, 1], 0.1) for d in regions)
    pairs = [(d, e) for d in regions for e in regions if e != d]
    inter = sum(slow_nt_xent(u[d, 0], u[e, 1], 0.1) for d, e in pairs) / 3
    loss, parts = region_contrastive_loss(u, gamma=gamma, return_parts=True)
    torch.testing.assert_close(loss, gamma * intra + (1 - gamma) * inter)
    torch.testing.assert_close(parts["intra"], intra)
    torch.testing.assert_close(parts["inter"], inter)


def test_separate_equals_the_formula():
    u, regions = vectors(3, 2, 5, 7), range(3)
    intra = sum(slow_nt_xent(u[d, 0], u[d, 1], 0.1) for d in regions)
    inter = 0.0
    for d in regions:
        others = [u[e, v] for e in regions if e != d for v in range(2)]
        inter += slow_nt_xent(u[d, 0], u[d, 1], 0.1, further=lambda k: [o[k] for o in others])
    loss = region_contrastive_loss(u, gamma=0.25, inter="separate")
    torch.testing.assert_close(loss, 0.25 * intra + 0.75 * inter)


def test_loss_of_one_region_is_nt_xent_for_any_gamma():
    u = vectors(1, 2, 6, 5)
    for gamma in (0.0, 0.5, 1.0):
        loss = region_contrastive_loss(u, gamma=gamma)
        torch.testing.assert_close(loss, nt_xent_loss(u[0, 0], u[0, 1]))


@pytest.mark.parametrize("inter, attract", [("align", True), ("separate", False)])
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_regions_of_a_record_attract_or_repel(inter, attract, gamma):
    """Vary the angle between two regions of records that are orthogonal to each other."""
    losses = []
    for angle in np.linspace(0.1, np.pi - 0.1, 15):
        u = torch.zeros(2, 2, 3, 6, dtype=torch.float64)
        for record in range(3):
            u[0, :, record, 2 * record] = 1
            u[1, :, record, 2 * record] = np.cos(angle)
            u[1, :, record, 2 * record + 1] = np.sin(angle)
        losses.append(region_contrastive_loss(u, gamma=gamma, inter=inter).item())
    assert (np.diff(losses) > 0).all() if attract else (np.diff(losses) < 0).all()


def test_alignment_and_uniformity():
    u = vectors(2, 1, 50, 8).expand(2, 2, 50, 8)
    parts = region_contrastive_loss(u, return_parts=True)[1]
    assert parts["alignment"] == pytest.approx(0, abs=1e-12)
    assert parts["uniformity"] < -2
    equal = vectors(1, 1, 1, 8).expand(2, 2, 50, 8)
    parts = region_contrastive_loss(equal, return_parts=True)[1]
    assert parts["uniformity"] == pytest.approx(0, abs=1e-12)


def test_alignment_and_uniformity_equal_the_formulas():
    """Two regions of different spread, so that the mean of the logarithms matters."""
    u = vectors(2, 2, 5, 4)
    u[1] = F.normalize(u[1, :, :1] + 0.05 * u[1], dim=-1)
    parts = region_contrastive_loss(u, temperature=0.3, return_parts=True)[1]
    views = u.flatten(0, 1)
    pairs = list(itertools.permutations(range(5), 2))
    logs = [
        math.log(sum(math.exp(-2 * (v[i] - v[j]).square().sum()) for i, j in pairs) / 20)
        for v in views
    ]
    assert np.ptp(logs) > 1
    assert parts["uniformity"].item() == pytest.approx(np.mean(logs))
    squares = (u[:, 0] - u[:, 1]).square().sum(dim=-1)
    torch.testing.assert_close(parts["alignment"], squares.mean())
    single = region_contrastive_loss(u[:, :, :1], return_parts=True)[1]
    assert single["uniformity"] == 0
    torch.testing.assert_close(single["alignment"], squares[:, 0].mean())


@pytest.mark.parametrize("inter", ["align", "separate"])
def test_loss_of_a_single_record_is_zero_and_differentiable(inter):
    u = vectors(3, 2, 1, 6).requires_grad_()
    loss = region_contrastive_loss(u, inter=inter)
    (gradient,) = torch.autograd.grad(loss, u)
    assert loss == 0
    assert torch.equal(gradient, torch.zeros_like(u))


@pytest.mark.parametrize("inter", ["align", "separate"])
@pytest.mark.parametrize("temperature", [1e-3, 100.0])
def test_loss_is_finite_at_extreme_temperatures(inter, temperature):
    u = vectors(3, 2, 5, 6).float().requires_grad_()
    loss = region_contrastive_loss(u, inter=inter, temperature=temperature)
    (gradient,) = torch.autograd.grad(loss, u)
    assert torch.isfinite(loss) and torch.isfinite(gradient).all()


def slow_hybrid(first, second, weight, temperature):
    """Apply the formula to one anchor at a time."""
    n, nt_xent, cosine = len(first), 0.0, 0.0
    both = torch.cat([first, second])
    for i in range(2 * n):
        positive = (i + n) % (2 * n)
        others = [torch.exp(both[i] @ both[j] / temperature) for j in range(2 * n) if j != i]
        nt_xent += -torch.log(torch.exp(both[i] @ both[positive] / temperature) / sum(others))
    for k in range(n):
        cosine += 1 - first[k] @ second[k]
    return weight * nt_xent / (2 * n) + (1 - weight) * cosine / n


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_hybrid_loss_equals_the_formula(weight):
    first, second = vectors(2, 6, 5)
    loss, parts = hybrid_contrastive_loss(
        first, second, weight=weight, temperature=0.2, return_parts=True
    )
    torch.testing.assert_close(loss, slow_hybrid(first, second, weight, 0.2))
    torch.testing.assert_close(weight * parts["nt_xent"] + (1 - weight) * parts["cosine"], loss)
    torch.testing.assert_close(parts["alignment"], 2 * parts["cosine"])


def test_hybrid_loss_with_extreme_weights():
    first, second = vectors(2, 6, 5)
    nt_xent = nt_xent_loss(first, second, temperature=0.1)
    torch.testing.assert_close(hybrid_contrastive_loss(first, second, weight=1.0), nt_xent)
    cosine = 1 - F.cosine_similarity(first, second).mean()
    torch.testing.assert_close(hybrid_contrastive_loss(first, second, weight=0.0), cosine)


def test_hybrid_loss_of_one_record_is_its_cosine_distance():
    first, second = vectors(2, 1, 5)
    loss = hybrid_contrastive_loss(first, second, weight=0.5)
    torch.testing.assert_close(loss, 0.5 * (1 - first @ second.T).squeeze())


def test_hybrid_loss_module_stores_the_parts():
    loss = HybridContrastiveLoss(weight=0.5, temperature=0.1)
    loss((vectors(8, 5), vectors(8, 7)))
    assert set(loss.parts) == {"nt_xent", "cosine", "alignment", "uniformity", "effective_rank"}


def test_loss_modules_use_their_parameters_and_the_first_views():
    projections, embedding = vectors(3, 8, 5), vectors(8, 7, seed=1)
    embedding[4:] = embedding[4]  # The second views do not count.
    rank = effective_rank(embedding[:4])
    loss = ACLECGLoss(gamma=0.3, inter="separate", temperature=0.4)
    found = loss((projections, embedding))
    options = {"gamma": 0.3, "inter": "separate", "temperature": 0.4}
    by_view = torch.stack([projections[:, :4], projections[:, 4:]], dim=1)
    torch.testing.assert_close(found, region_contrastive_loss(by_view, **options))
    assert float(loss.parts["effective_rank"]) == rank > 2
    loss = HybridContrastiveLoss(weight=0.3, temperature=0.4)
    found = loss((projections[0], embedding))
    first, second = projections[0, :4], projections[0, 4:]
    options = {"weight": 0.3, "temperature": 0.4}
    torch.testing.assert_close(found, hybrid_contrastive_loss(first, second, **options))
    assert float(loss.parts["effective_rank"]) == rank


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_loss_modules_convert_half_precision(dtype):
    projections, embedding = vectors(3, 8, 5).to(dtype), vectors(8, 7).to(dtype)
    loss = ACLECGLoss(gamma=0.5, inter="align", temperature=0.1)
    found = loss((projections, embedding))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss((projections.float(), embedding.float())))
    loss = HybridContrastiveLoss(weight=0.5, temperature=0.1)
    found = loss((projections[0], embedding))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss((projections[0].float(), embedding.float())))


def test_effective_rank():
    rng = np.random.default_rng(0)
    directions = torch.from_numpy(rng.standard_normal((3, 20)))
    weights = torch.from_numpy(rng.standard_normal((100, 3)))
    orthogonal = torch.linalg.qr(directions.T)[0].T
    balanced = torch.linalg.qr(weights - weights.mean(0))[0]
    assert effective_rank(balanced @ orthogonal + 5) == pytest.approx(3)
    assert effective_rank(weights[:, :1] @ directions[:1]) == pytest.approx(1)
    assert effective_rank(torch.ones(10, 4)) == 0
    share = np.array([0.5, 0.3, 0.2])
    unequal = balanced @ torch.diag(torch.from_numpy(share)) @ orthogonal
    assert effective_rank(unequal) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (2, 5), (1, 5)])
def test_effective_rank_is_that_of_the_singular_values(shape, dtype):
    vectors = torch.from_numpy(np.random.RandomState(0).randn(*shape)).to(dtype) ** 3 + 5
    values = np.linalg.svd((vectors - vectors.mean(0)).double().numpy(), compute_uv=False)
    values = values[values > 1e-6 * np.linalg.norm(vectors)]
    share = values / values.sum()
    expected = np.exp(-(share * np.log(share)).sum()) if len(values) else 0
    for scale in (1, 1e-15, 1e15):
        assert effective_rank(scale * vectors) == pytest.approx(expected, rel=1e-5)


def test_effective_ranks_are_read_together():
    """A GPU is waited for once, and not for each batch."""
    batches = [vectors(n, 6, seed=n) for n in (8, 8, 3, 12, 8)]
    batches += [torch.ones(8, 6), torch.full((8, 6), torch.nan), torch.full((8, 6), torch.inf)]
    found = EffectiveRank.read([EffectiveRank(batch) for batch in batches])
    np.testing.assert_allclose(found, [effective_rank(batch) for batch in batches], rtol=1e-12)
    assert found[5] == 0
    assert np.isnan(found[6:]).all()
