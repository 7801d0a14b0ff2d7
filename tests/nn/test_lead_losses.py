"""The losses of CLOCS and LFBT, compared with slow implementations of their formulas."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from sklearn_ecg.nn import clocs_loss, lfbt_loss, region_contrastive_loss
from sklearn_ecg.nn._self_supervised_losses import ACLECGLoss


def vectors(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def unit_vectors(*shape):
    return F.normalize(vectors(*shape), dim=-1)


def slow_pair(first, second, temperature):
    """Return the mean loss of the records of one view, each found among those of another."""
    total = 0.0
    for k, vector in enumerate(first):
        exps = [torch.exp(vector @ other / temperature) for other in second]
        total += -torch.log(exps[k] / sum(exps))
    return total / len(first)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_clocs_equals_the_formula(gamma):
    u, leads, halves = unit_vectors(3, 2, 5, 7), range(3), range(2)
    same = [((d, h), (d, 1 - h)) for d in leads for h in halves]
    different = [
        ((d, h), (e, i)) for d, h, e, i in itertools.product(leads, halves, leads, halves) if d != e
    ]
    intra, inter = (
        sum(slow_pair(u[a], u[b], 0.2) for a, b in pairs) / len(pairs)
        for pairs in (same, different)
    )
    loss, parts = clocs_loss(u, gamma=gamma, temperature=0.2, return_parts=True)
    torch.testing.assert_close(loss, gamma * intra + (1 - gamma) * inter)
    torch.testing.assert_close(parts["intra"], intra)
    torch.testing.assert_close(parts["inter"], inter)


def test_gamma_of_clocs_with_equal_weights_of_all_pairs():
    """That of the docstring is the mean over all pairs of views, as published."""
    u = unit_vectors(4, 2, 5, 7)
    views = u.flatten(0, 1)
    expected = [slow_pair(a, b, 0.1) for a, b in itertools.permutations(views, 2)]
    torch.testing.assert_close(clocs_loss(u, gamma=1 / 7), sum(expected) / len(expected))


def slow_barlow_twins(first, second, weight):
    """Return the loss of two views, by the cross-correlation matrix of Barlow twins."""
    standardize = torch.nn.BatchNorm1d(first.shape[1], affine=False, dtype=torch.float64)
    matrix = standardize(first).T @ standardize(second) / len(first)
    loss = 0.0
    for i, j in itertools.product(range(len(matrix)), repeat=2):
        loss += (1 - matrix[i, j]) ** 2 if i == j else weight * matrix[i, j] ** 2
    return loss


@pytest.mark.parametrize("n_records, n_features", [(6, 4), (4, 9)])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_lfbt_equals_the_formula(gamma, n_records, n_features):
    u, leads = 3 + 2 * vectors(3, 2, n_records, n_features), range(3)
    intra = sum(slow_barlow_twins(u[d, 0], u[d, 1], 0.03) for d in leads) / 3
    pairs = list(itertools.permutations(leads, 2))
    inter = sum(slow_barlow_twins(u[d, 0], u[e, 1], 0.03) for d, e in pairs) / 6
    loss, parts = lfbt_loss(u, gamma=gamma, off_diagonal_weight=0.03, return_parts=True)
    torch.testing.assert_close(loss, gamma * intra + (1 - gamma) * inter)
    torch.testing.assert_close(parts["intra"], intra)
    torch.testing.assert_close(parts["inter"], inter)


def test_default_weight_of_lfbt_is_that_of_the_authors():
    u = vectors(2, 2, 6, 4)
    torch.testing.assert_close(lfbt_loss(u), lfbt_loss(u, off_diagonal_weight=0.0051))


def test_measures_of_quality_are_those_of_acl():
    u = unit_vectors(3, 2, 5, 7)
    expected = region_contrastive_loss(u, return_parts=True)[1]
    # The lengths of the vectors of LFBT do not matter for them.
    for parts in (clocs_loss(u, return_parts=True)[1], lfbt_loss(2 * u, return_parts=True)[1]):
        for name in ("alignment", "uniformity"):
            torch.testing.assert_close(parts[name], expected[name])
            assert not parts[name].requires_grad


@pytest.mark.parametrize("loss", [clocs_loss, lfbt_loss])
def test_loss_of_one_lead_is_intra_for_any_gamma(loss):
    u = unit_vectors(1, 2, 6, 5)
    value, parts = loss(u, gamma=0.0, return_parts=True)
    assert value == parts["intra"] > 0 == parts["inter"]


@pytest.mark.parametrize("loss", [clocs_loss, lfbt_loss])
def test_loss_of_a_single_record_is_zero_and_differentiable(loss):
    for n_leads in (1, 3):
        u = unit_vectors(n_leads, 2, 1, 6).requires_grad_()
        value, parts = loss(u, return_parts=True)
        (gradient,) = torch.autograd.grad(value, u)
        assert value == parts["intra"] == parts["inter"] == 0
        assert torch.equal(gradient, torch.zeros_like(u))


def test_gradient_of_lfbt_is_finite_for_equal_records():
    u = unit_vectors(2, 2, 1, 6).float().expand(2, 2, 4, 6).clone().requires_grad_()
    value = lfbt_loss(u)
    (gradient,) = torch.autograd.grad(value, u)
    assert torch.isfinite(value) and torch.isfinite(gradient).all()


def test_module_uses_the_objective_and_its_parameters():
    projections, embedding = unit_vectors(3, 8, 5), vectors(8, 7)
    by_view = torch.stack([projections[:, :4], projections[:, 4:]], dim=1)
    options = {"gamma": 0.3, "temperature": 0.4}
    loss = ACLECGLoss(**options, inter="align", objective="clocs")
    torch.testing.assert_close(loss((projections, embedding)), clocs_loss(by_view, **options))
    loss = ACLECGLoss(**options, inter="align", objective="lfbt")
    torch.testing.assert_close(loss((projections, embedding)), lfbt_loss(by_view, gamma=0.3))
    assert set(loss.parts) == {"intra", "inter", "alignment", "uniformity", "effective_rank"}
