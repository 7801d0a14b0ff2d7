"""Contrastive losses for two views of unlabeled records, and measures of embedding quality."""

import torch
from torch import nn
from torch.nn import functional as F

from ._lead_losses import clocs_loss, lfbt_loss
from ._view_similarities import ViewSimilarities


def nt_xent_loss(first, second, *, temperature=0.1):
    """Compute NT-Xent, the contrastive loss of SimCLR.

    Each of the 2 N vectors is an anchor. Its positive is the other view of the same record; the
    vectors of other records in both views are negatives. The loss is the mean over the anchors of
    ``-log(exp(sim(anchor, positive) / t) / sum_a exp(sim(anchor, a) / t))``, where ``a`` runs over
    all vectors except the anchor.

    Parameters
    ----------
    first : tensor of shape (n_records, n_features)
        L2-normalized vectors of the first views.
    second : tensor of shape (n_records, n_features)
        L2-normalized vectors of the second views.
    temperature : float, default=0.1
        Temperature t > 0.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. It is 0 for a single record, which has no negatives.

    References
    ----------
    Chen et al. (2020). A simple framework for contrastive learning of visual representations.
    arXiv:2002.05709

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import nt_xent_loss
    >>> first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> second = torch.tensor([[0.8, 0.6], [-0.6, 0.8]])
    >>> nt_xent_loss(first, second, temperature=0.5)
    tensor(0.4302)
    """
    vectors = torch.cat([first, second])
    similarity = vectors @ vectors.T / temperature
    if len(first) == 1:
        return 0.0 * similarity.sum()
    positive = torch.arange(len(vectors), device=vectors.device).roll(len(first))
    return F.cross_entropy(similarity.fill_diagonal_(-torch.inf), positive)


def hybrid_contrastive_loss(first, second, *, weight=0.5, temperature=0.1, return_parts=False):
    """Compute the loss of SimCardioNet: NT-Xent and the cosine distance of the two views.

    The loss is ``weight * L_nt_xent + (1 - weight) * L_cosine``, where ``L_nt_xent`` is
    `nt_xent_loss` and ``L_cosine`` the mean of 1 minus the cosine similarity of the two views of a
    record.

    Parameters
    ----------
    first : tensor of shape (n_records, n_features)
        L2-normalized vectors of the first views.
    second : tensor of shape (n_records, n_features)
        L2-normalized vectors of the second views.
    weight : float, default=0.5
        Weight of NT-Xent in [0, 1]. With 0 the loss does not prevent all vectors from becoming
        equal.
    temperature : float, default=0.1
        Temperature of NT-Xent, > 0.
    return_parts : bool, default=False
        Whether to also return the terms of the loss and measures of embedding quality.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch.
    parts : dict of scalar tensors
        ``nt_xent`` and ``cosine``, the two terms, and ``alignment`` and ``uniformity``, which
        `region_contrastive_loss` describes. They have no gradient. Only returned if
        ``return_parts=True``.

    References
    ----------
    SimCardioNet (2026). Scientific Reports, s41598-026-36932-1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import hybrid_contrastive_loss
    >>> first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> second = torch.tensor([[0.8, 0.6], [-0.6, 0.8]])
    >>> loss, parts = hybrid_contrastive_loss(first, second, temperature=0.5, return_parts=True)
    >>> loss, parts["nt_xent"], parts["cosine"]
    (tensor(0.3151), tensor(0.4302), tensor(0.2000))
    """
    similarities = ViewSimilarities(torch.stack([first, second])[None], temperature)
    nt_xent = similarities.intra_loss()
    cosine = (1 - (first * second).sum(1)).mean()
    loss = weight * nt_xent + (1 - weight) * cosine
    if not return_parts:
        return loss
    return loss, similarities.describe(nt_xent=nt_xent, cosine=cosine)


def region_contrastive_loss(
    projections, *, gamma=0.5, inter="align", temperature=0.1, return_parts=False
):
    """Compute the loss of ACL-ECG, which contrasts views of regions.

    Two views of a region of a record attract each other, and so do the regions of a record. The
    loss [1]_ is ``gamma * L_intra + (1 - gamma) * L_inter``:

    - ``L_intra`` is the sum over regions of `nt_xent_loss` of the two views of the region;
    - ``L_inter`` with ``inter="align"`` is the sum over ordered pairs of different regions of
      `nt_xent_loss` of the first view of one region and the second view of the other, divided by
      the number of regions minus one. The negatives are other records only: regions of the same
      record never repel each other;
    - ``L_inter`` with ``inter="separate"`` is ``L_intra`` with the other regions of the same
      record, in both views, added to the negatives of every anchor.

    With a single region the loss is ``L_intra``.

    Parameters
    ----------
    projections : tensor of shape (n_regions, 2, n_records, n_features)
        L2-normalized vectors of both views.
    gamma : float, default=0.5
        Weight of ``L_intra`` in [0, 1].
    inter : {"align", "separate"}, default="align"
        Whether the regions of a record attract or repel each other.
    temperature : float, default=0.1
        Temperature > 0.
    return_parts : bool, default=False
        Whether to also return the terms of the loss and measures of embedding quality.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. It is 0 for a single record, which has no negatives.
    parts : dict of scalar tensors
        ``intra`` and ``inter``, the two terms; ``alignment``, the mean squared distance of the two
        views of a region; and ``uniformity``, the logarithm of the mean of
        ``exp(-2 * squared distance)`` over pairs of records [2]_. They have no gradient. Only
        returned if ``return_parts=True``.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3):1080. doi:10.3390/s26031080
    .. [2] Wang, Isola (2020). Understanding contrastive representation learning through alignment
       and uniformity on the hypersphere. ICML. arXiv:2005.10242

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import region_contrastive_loss
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> projections = vectors.expand(4, 2, 2, 2)  # 4 regions, 2 views and 2 records
    >>> region_contrastive_loss(projections, temperature=0.5)
    tensor(0.9582)
    """
    similarities = ViewSimilarities(projections, temperature)
    n_regions = similarities.n_regions
    intra = similarities.intra_loss() if gamma > 0 or n_regions == 1 or return_parts else 0.0
    if n_regions == 1:
        loss, across = intra, torch.zeros_like(intra)
    else:
        across = similarities.align_loss() if inter == "align" else similarities.separate_loss()
        loss = gamma * intra + (1 - gamma) * across
    if not return_parts:
        return loss
    return loss, similarities.describe(intra=intra, inter=across)


@torch.no_grad()
def effective_rank(vectors):
    """Compute the exponential of the entropy of the normalized singular values.

    Vectors are centered first. The result is between 1 and the smaller of ``n_records - 1`` and
    ``n_features``; near 1 all records lie on a line.

    Parameters
    ----------
    vectors : tensor of shape (n_records, n_features)
        Vectors.

    Returns
    -------
    rank : scalar tensor
        Effective rank: 0 if all vectors are equal, NaN if any value is not finite.

    References
    ----------
    Roy, Vetterli (2007). The effective rank: a measure of effective dimensionality. EUSIPCO.
    """
    return _ranks(_normalized_products(vectors)[None])[0]


# Products of more vectors than this are not kept: those of 128 batches take 64 MiB at most.
_MOST_KEPT = 256


class EffectiveRank:
    """The `effective_rank` of a batch, whose singular values a GPU computes when it is read.

    They are computed from the products of the vectors, for many batches at once, because the
    decomposition of each batch would be waited for.

    Parameters
    ----------
    vectors : tensor of shape (n_records, n_features)
    """

    def __init__(self, vectors):
        products = _normalized_products(vectors)
        is_kept = products.device.type != "cpu" and len(products) <= _MOST_KEPT
        self._products = products if is_kept else None
        self._rank = None if is_kept else _ranks(products[None])[0]

    def __float__(self):
        return self.read([self])[0]

    @staticmethod
    def read(ranks):
        """Return the ranks of several batches as a list of floats."""
        values = torch.empty(len(ranks), dtype=torch.float64)
        sizes = [None if rank._products is None else len(rank._products) for rank in ranks]
        for place, rank in enumerate(ranks):
            if rank._products is None:
                values[place] = rank._rank
        for size in set(sizes) - {None}:
            places = [place for place, found in enumerate(sizes) if found == size]
            products = torch.stack([ranks[place]._products for place in places])
            values[places] = _ranks(products).cpu()
        return values.tolist()


@torch.no_grad()
def _normalized_products(vectors):
    """Return the products of centered vectors, or of their features if there are fewer of them.

    The eigenvalues are the squares of the singular values, which are in units of the largest one
    that is due to rounding.
    """
    centered = (vectors - vectors.mean(0)).double()
    if len(centered) > centered.shape[1]:
        centered = centered.mT
    rounding = vectors.double().norm() * torch.finfo(torch.float32).eps
    centered = centered / rounding.clamp(min=torch.finfo(torch.float64).tiny)
    return centered @ centered.mT


def _ranks(products):
    """Return the effective ranks for `_normalized_products` of shape (n_batches, n, n)."""
    is_finite = products.isfinite().all(dim=2).all(dim=1)
    products = products.masked_fill(~is_finite[:, None, None], 0.0)
    squares = torch.linalg.eigvalsh(products)
    values = squares.clamp(min=0).sqrt() * (squares > 1)
    total = values.sum(dim=1)
    fraction = values / total.clamp(min=1)[:, None]
    rank = torch.special.entr(fraction).sum(dim=1).exp() * (total > 0)
    return rank.masked_fill(~is_finite, torch.nan)


def _half_to_float32(x):
    """Convert half precision, which mixed precision yields, to float32."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class ACLECGLoss(nn.Module):
    """Loss of the output of `ACLECGNet`: that of ACL-ECG, CLOCS or LFBT.

    Parameters
    ----------
    gamma, inter, temperature
        See `region_contrastive_loss`, `clocs_loss` and `lfbt_loss`.
    objective : {"acl", "clocs", "lfbt"}, default="acl"
        Which of these losses.

    Attributes
    ----------
    parts : dict of scalar tensors and `EffectiveRank`
        Terms of the loss and measures of embedding quality of the last batch.
    """

    def __init__(self, *, gamma, inter, temperature, objective="acl"):
        super().__init__()
        self.gamma = gamma
        self.inter = inter
        self.temperature = temperature
        self.objective = objective
        self.parts = {}

    def forward(self, output):
        """Compute the loss of projections (n_regions, 2 * n_records, n_features) and embeddings.

        The first half of the records holds the first views, the second half the second views.
        """
        projections, embedding = map(_half_to_float32, output)
        loss, self.parts = self._compute(projections.unflatten(1, (2, -1)))
        first_views = embedding[: len(embedding) // 2].detach()
        self.parts["effective_rank"] = EffectiveRank(first_views)
        return loss

    def _compute(self, projections):
        options = {"gamma": self.gamma, "return_parts": True}
        if self.objective == "lfbt":
            return lfbt_loss(projections, **options)
        options["temperature"] = self.temperature
        if self.objective == "clocs":
            return clocs_loss(projections, **options)
        return region_contrastive_loss(projections, inter=self.inter, **options)


class HybridContrastiveLoss(nn.Module):
    """Loss of the output of `SimCardioNet`: `hybrid_contrastive_loss`.

    Parameters
    ----------
    weight, temperature
        See `hybrid_contrastive_loss`.

    Attributes
    ----------
    parts : dict of scalar tensors and `EffectiveRank`
        Terms of the loss and measures of embedding quality of the last batch.
    """

    def __init__(self, *, weight, temperature):
        super().__init__()
        self.weight = weight
        self.temperature = temperature
        self.parts = {}

    def forward(self, output):
        """Compute the loss of projections (2 * n_records, n_features) and embeddings.

        The first half of the records holds the first views, the second half the second views.
        """
        projections, embedding = map(_half_to_float32, output)
        first, second = projections.chunk(2)
        loss, self.parts = hybrid_contrastive_loss(
            first, second, weight=self.weight, temperature=self.temperature, return_parts=True
        )
        first_views = embedding[: len(embedding) // 2].detach()
        self.parts["effective_rank"] = EffectiveRank(first_views)
        return loss
