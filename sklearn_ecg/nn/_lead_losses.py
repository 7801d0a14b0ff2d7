"""Losses of CLOCS and LFBT, which compare single leads."""

import torch
from torch.nn import functional as F

from ._view_similarities import ViewSimilarities

# As in BatchNorm.
_SMALLEST_VARIANCE = 1e-5


def clocs_loss(projections, *, gamma=0.5, temperature=0.1, return_parts=False):
    """Compute the loss of CLOCS, which contrasts leads and halves of records.

    Any two of the vectors of a record attract each other, whereas those of other records repel. A
    vector is that of a lead in the first or the second half of the record. The loss of a pair of
    such vectors is ``-log(exp(sim(a_k, b_k) / t) / sum_j exp(sim(a_k, b_j) / t))``, where ``a_k``
    and ``b_k`` are the vectors of record ``k`` and ``j`` runs over all records. The loss is
    ``gamma * L_intra + (1 - gamma) * L_inter``:

    - ``L_intra`` is the mean over ordered pairs of the two halves of the same lead (in the paper
      [1]_, contrastive multi-segment coding, CMSC);
    - ``L_inter`` is the mean over ordered pairs of different leads, of the same half or of both
      (the other pairs of CMSMLC).

    With a single lead the loss is ``L_intra``.

    Parameters
    ----------
    projections : tensor of shape (n_leads, 2, n_records, n_features)
        L2-normalized vectors of both halves.
    gamma : float, default=0.5
        Weight of ``L_intra`` in [0, 1]. The paper has no such weight: its CMSC is 1, and its
        CMSMLC, in which all pairs have the same weight, is ``1 / (2 * n_leads - 1)``.
    temperature : float, default=0.1
        Temperature > 0.
    return_parts : bool, default=False
        Whether to also return the terms of the loss and measures of embedding quality.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. It is 0 for a single record, which has no negatives.
    parts : dict of scalar tensors
        ``intra``, ``inter``, ``alignment`` and ``uniformity``, see `region_contrastive_loss`. They
        have no gradient. Only returned if ``return_parts=True``.

    Notes
    -----
    In the paper, other records of the same patient attract each other as well. Here, each record
    counts as a patient of its own.

    References
    ----------
    .. [1] Kiyasseh, Zhu, Clifton (2021). CLOCS: contrastive learning of cardiac signals across
       space, time, and patients. ICML. arXiv:2005.13249

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import clocs_loss
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> projections = vectors.expand(8, 2, 2, 2)  # 8 leads, 2 halves and 2 records
    >>> clocs_loss(projections, temperature=0.5)
    tensor(0.1269)
    """
    similarities = ViewSimilarities(projections, temperature)
    views, n_views = similarities.views, 2 * similarities.n_regions
    intra = similarities.pair_loss(views, views ^ 1)
    if n_views == 2:
        loss, across = intra, torch.zeros_like(intra)
    else:
        # Both halves of each other lead.
        a = views[:, None].expand(-1, n_views - 2)
        others = torch.arange(n_views - 2, device=views.device)
        b = others + 2 * (others >= a // 2 * 2)
        across = similarities.pair_loss(a.flatten(), b.flatten())
        loss = gamma * intra + (1 - gamma) * across
    if not return_parts:
        return loss
    return loss, similarities.describe(intra=intra, inter=across)


def lfbt_loss(projections, *, gamma=0.5, off_diagonal_weight=0.0051, return_parts=False):
    """Compute the loss of lead-fusion Barlow twins (LFBT), which correlates views of leads.

    The vectors of the first views of a lead and those of the second views of a lead are
    standardized over the records of the batch. Their cross-correlation matrix ``C`` shall be the
    identity: the loss of the pair is ``sum_i (1 - C_ii)^2 + w * sum_{i != j} C_ij^2``. There are no
    negatives. The loss [1]_ is ``gamma * L_intra + (1 - gamma) * L_inter``:

    - ``L_intra`` is the mean over leads of the loss of the two views of the lead;
    - ``L_inter`` is the mean over ordered pairs of different leads of the loss of the first view of
      one and the second view of the other.

    With a single lead the loss is ``L_intra``, that of Barlow twins [2]_.

    Parameters
    ----------
    projections : tensor of shape (n_leads, 2, n_records, n_features)
        Vectors of both views, of any length.
    gamma : float, default=0.5
        Weight of ``L_intra`` in [0, 1]. The authors use 0.8 and 0.6.
    off_diagonal_weight : float, default=0.0051
        Weight w >= 0 of the correlations of different features. The default is that of the authors,
        who have 2048 features.
    return_parts : bool, default=False
        Whether to also return the terms of the loss and measures of embedding quality.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. It is 0 for a single record, which has no correlation.
    parts : dict of scalar tensors
        ``intra``, ``inter``, ``alignment`` and ``uniformity``, see `region_contrastive_loss`. They
        have no gradient. Only returned if ``return_parts=True``.

    References
    ----------
    .. [1] Liu et al. (2025). Lead-fusion Barlow twins: a fused self-supervised learning method for
       multi-lead electrocardiograms. Information Fusion 114, 102698.
       doi:10.1016/j.inffus.2024.102698
    .. [2] Zbontar et al. (2021). Barlow twins: self-supervised learning via redundancy reduction.
       ICML. arXiv:2103.03230

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import lfbt_loss
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> projections = vectors.expand(8, 2, 2, 2)  # 8 leads, 2 views and 2 records
    >>> lfbt_loss(projections)
    tensor(0.0102)
    """
    n_leads, n_records = projections.shape[0], projections.shape[2]
    if n_records == 1:
        intra = across = 0.0 * projections.sum()
        loss = intra
    else:
        mean = projections.mean(dim=2, keepdim=True)
        variance = projections.var(dim=2, keepdim=True, unbiased=False)
        first, second = ((projections - mean) * (variance + _SMALLEST_VARIANCE).rsqrt()).unbind(
            dim=1
        )
        diagonal = torch.einsum("akf,bkf->abf", first, second) / n_records
        # The sum of the squares of C by the products of records, which are usually fewer than the
        # features.
        products = (vectors @ vectors.mT / n_records for vectors in (first, second))
        squares = torch.einsum("ajk,bjk->ab", *products)
        off_diagonal = squares - diagonal.square().sum(dim=2)
        losses = (1 - diagonal).square().sum(dim=2) + off_diagonal_weight * off_diagonal
        intra = losses.diagonal().mean()
        if n_leads == 1:
            loss, across = intra, torch.zeros_like(intra)
        else:
            across = (losses.sum() - losses.trace()) / (n_leads * (n_leads - 1))
            loss = gamma * intra + (1 - gamma) * across
    if not return_parts:
        return loss
    with torch.no_grad():
        similarities = ViewSimilarities(F.normalize(projections, dim=3), temperature=1.0)
    return loss, similarities.describe(intra=intra, inter=across)
