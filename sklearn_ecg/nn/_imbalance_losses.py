"""Contrastive losses for imbalanced classes, as alternatives to the supervised contrastive loss.

All are computed from normalized projections and stay finite for temperatures of any size.
"""

import torch

from ._supervised_losses import contrast_pairs, positive_pair_weights, without_half_precision


def balanced_contrastive_loss(z, targets, prototypes, *, temperature=0.1, sample_weight=None):
    r"""Compute the balanced contrastive loss, in which all classes have the same weight.

    .. math:: L = -\frac{1}{n} \sum_i \frac{1}{|P(i)|} \sum_{p \in P(i)}
              \log \frac{\exp(z_i z_p / \tau)}
              {\sum_c \frac{1}{|A_c(i)|} \sum_{a \in A_c(i)} \exp(z_i z_a / \tau)}

    :math:`A_c(i)` contains the records of class c in the batch, without record i, and the prototype
    of class c. :math:`P(i)` is :math:`A_c(i)` for the class of record i. The mean over the records
    of each class in the denominator (class-averaging) gives frequent classes no more weight than
    rare ones, and with the prototypes every class is part of every batch (class-complement). A
    record that is alone in its class is compared with the prototype.

    Parameters
    ----------
    z : tensor of shape (n_records, n_features)
        L2-normalized projections.
    targets : tensor of shape (n_records,)
        Class numbers, from 0 to ``n_classes - 1``. Multilabel targets are not possible: classes
        must be disjoint for the mean over the records of each class.
    prototypes : tensor of shape (n_classes, n_features)
        L2-normalized prototypes of the classes, which are trained as well.
    temperature : float, default=0.1
        Temperature :math:`\tau` > 0.
    sample_weight : tensor of shape (n_records,), default=None
        Weights of the anchors. The sum over the anchors is divided by their number, as in
        `supervised_contrastive_loss`.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch.

    Raises
    ------
    ValueError
        If the targets are a multilabel indicator.

    Notes
    -----
    The means :math:`1/|A_c(i)|` follow the code that the authors published, in which the anchor
    does not count in its own class.

    References
    ----------
    Zhu et al. (2022). Balanced contrastive learning for long-tailed visual recognition.
    arXiv:2207.09052

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import balanced_contrastive_loss
    >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [-0.6, 0.8]])
    >>> prototypes = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> targets = torch.tensor([0, 0, 0, 1])
    >>> balanced_contrastive_loss(z, targets, prototypes, temperature=0.5)
    tensor(0.3212)
    """
    targets = _class_numbers(targets)
    z, prototypes = without_half_precision(z), without_half_precision(prototypes)
    n_records, n_classes = len(z), len(prototypes)
    labels = torch.cat([targets, torch.arange(n_classes, device=targets.device)])
    is_same = targets[:, None] == labels
    # On a GPU, bincount would wait for the largest label.
    counts = (labels[:, None] == labels[n_records:]).sum(dim=0).to(z.dtype)
    # The anchor is left out of its own class.
    n_members = counts[labels] - is_same.to(z.dtype)
    is_anchor = torch.eye(n_records, len(labels), dtype=torch.bool, device=z.device)
    similarity = z @ torch.cat([z, prototypes]).T / temperature
    averaged = similarity - n_members.log()
    log_norm = averaged.masked_fill(is_anchor, -torch.inf).logsumexp(dim=1, keepdim=True)
    is_positive = (is_same & ~is_anchor).to(z.dtype)
    loss = -(is_positive * (similarity - log_norm)).sum(dim=1) / is_positive.sum(dim=1)
    return _weighted_mean(loss, sample_weight)


def class_contrastive_loss(
    z, targets, supervised_class, *, temperature=0.1, n_views=1, sample_weight=None
):
    r"""Compute the contrastive loss in which the labels of one class only are used.

    .. math:: L = -\frac{1}{|I|} \sum_{i \in I} \frac{1}{|P(i)|} \sum_{p \in P(i)}
              \log \frac{\exp(z_i z_p / \tau)}{\sum_{a \ne i} \exp(z_i z_a / \tau)}

    For a record of the supervised class, :math:`P(i)` contains all other records of its class
    (SupCon). For other records it contains only the other view of the same record (NT-Xent), so
    that a frequent class does not collapse to a point. I is the set of anchors that have a
    positive. The paper calls this *supervised minority*, and supervises the rarer of two classes.

    Parameters
    ----------
    z : tensor of shape (n_views * n_records, n_features)
        L2-normalized projections. With two views, those of the first views of all records, then
        those of the second views in the same order.
    targets : tensor of shape (n_views * n_records,)
        Class numbers.
    supervised_class : int
        Number of the class whose records attract each other.
    temperature : float, default=0.1
        Temperature :math:`\tau` > 0.
    n_views : int, default=1
        Number of views of each record, 1 or 2. With one view, only the records of the supervised
        class are anchors.
    sample_weight : tensor of shape (n_views * n_records,), default=None
        Weights of the anchors. The sum over the anchors is divided by their number, as in
        `supervised_contrastive_loss`.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. If no record has a positive it is 0, with a gradient of 0.

    Raises
    ------
    ValueError
        If the targets are a multilabel indicator, or if ``n_views`` is neither 1 nor 2, or 2 with
        an odd number of rows.

    References
    ----------
    Mildenberger et al. (2025). A tale of two classes: adapting supervised contrastive learning to
    binary imbalanced datasets. arXiv:2503.17024

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import class_contrastive_loss
    >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [-0.6, 0.8]])
    >>> targets = torch.tensor([0, 0, 0, 1])
    >>> class_contrastive_loss(z, targets, 0, temperature=0.5)
    tensor(0.8173)

    The same with a second view of each record:

    >>> z, targets = torch.cat([z, z.flip(1)]), targets.repeat(2)
    >>> class_contrastive_loss(z, targets, 1, temperature=0.5, n_views=2)
    tensor(2.6327)
    """
    targets = _class_numbers(targets)
    z = without_half_precision(z)
    weights = positive_pair_weights(targets, z.dtype) * (targets == supervised_class)[:, None]
    other_view = _pairs_of_views(len(z), n_views, z)
    return contrast_pairs(
        z, torch.maximum(weights, other_view), temperature=temperature, sample_weight=sample_weight
    )


def prototype_contrastive_loss(
    z, targets, prototypes, *, temperature=0.1, margin=1.0, n_views=1, sample_weight=None
):
    r"""Compute the contrastive loss in which records are attracted to fixed class prototypes.

    .. math:: L = -\frac{1}{n} \sum_i \frac{1}{|P(i)|} \sum_{p \in P(i)}
              \log \frac{\exp(z_i z_p / \tau)}{\sum_{a \ne i} \exp(z_i z_a / \tau)}

    :math:`P(i)` contains the other view of the record, as in NT-Xent, and the prototype of its
    class as long as the record is not yet closer to it by a margin than to every other prototype:

    .. math:: z_i p_{y_i} \leq \max_{c \neq y_i} z_i p_c + m

    For two opposite prototypes and the default margin this is :math:`z_i p_{y_i} \leq 1/2`. The sum
    over a contains the other records and views, but no prototypes. Records without a positive
    contribute 0. The paper calls this *supervised prototypes*, for two classes.

    Parameters
    ----------
    z : tensor of shape (n_views * n_records, n_features)
        L2-normalized projections. With two views, those of the first views of all records, then
        those of the second views in the same order.
    targets : tensor of shape (n_views * n_records,)
        Class numbers, from 0 to ``n_classes - 1``.
    prototypes : tensor of shape (n_classes, n_features)
        L2-normalized prototypes of the classes. In the paper, they are a random vector and its
        opposite, and are not trained.
    temperature : float, default=0.1
        Temperature :math:`\tau` > 0.
    margin : float, default=1.0
        Margin m, from 0 to 2. With 2 the prototypes always attract.
    n_views : int, default=1
        Number of views of each record, 1 or 2. With one view, the prototypes are the only
        positives.
    sample_weight : tensor of shape (n_views * n_records,), default=None
        Weights of the anchors.

    Returns
    -------
    loss : scalar tensor
        Loss of the batch. If no record has a positive it is 0, with a gradient of 0.

    Raises
    ------
    ValueError
        If the targets are a multilabel indicator, or if ``n_views`` is neither 1 nor 2, or 2 with
        an odd number of rows.

    Notes
    -----
    The rule for the margin follows the code and the settings that the authors published. A single
    row has no other record to be compared with, and its loss is 0.

    References
    ----------
    Mildenberger et al. (2025). A tale of two classes: adapting supervised contrastive learning to
    binary imbalanced datasets. arXiv:2503.17024

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import prototype_contrastive_loss
    >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [-0.6, 0.8]])
    >>> prototypes = torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    >>> targets = torch.tensor([0, 0, 0, 1])
    >>> prototype_contrastive_loss(z, targets, prototypes, temperature=0.5)
    tensor(1.2161)
    """
    targets = _class_numbers(targets)
    z, prototypes = without_half_precision(z), prototypes.to(z.device)
    prototypes = prototypes.to(z.dtype)
    other_view = _pairs_of_views(len(z), n_views, z)
    if len(z) < 2:
        return z.sum() * 0.0
    is_anchor = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similarity = z @ z.T / temperature
    log_norm = similarity.masked_fill(is_anchor, -torch.inf).logsumexp(dim=1, keepdim=True)
    to_prototypes = z @ prototypes.T
    rows = torch.arange(len(z), device=z.device)
    to_own = to_prototypes[rows, targets]
    is_own = targets[:, None] == torch.arange(len(prototypes), device=z.device)
    to_others = to_prototypes.masked_fill(is_own, -torch.inf).amax(dim=1)
    attracts = (to_own <= to_others + margin).to(z.dtype)
    log_to_views = (other_view * (similarity - log_norm)).sum(dim=1)
    log_to_own = attracts * (to_own / temperature - log_norm[:, 0])
    n_positives = other_view.sum(dim=1) + attracts
    loss = -(log_to_views + log_to_own) / n_positives.clamp(min=1)
    return _weighted_mean(loss, sample_weight)


def _class_numbers(targets):
    """Return class numbers as integers, which binary targets of a batch are not."""
    if targets.ndim != 1:
        raise ValueError(
            f"targets must be class numbers of shape (n_records,), got shape {tuple(targets.shape)}"
            ". This loss is not defined for multilabel targets: use supervised_contrastive_loss."
        )
    return targets.long()


def _pairs_of_views(n_rows, n_views, like):
    """Return the matrix (n_rows, n_rows) that is 1 for two views of the same record."""
    if n_views not in (1, 2) or n_rows % n_views:
        raise ValueError(
            f"n_views must be 1, or 2 for an even number of rows, got n_views={n_views} for "
            f"{n_rows} rows."
        )
    pairs = torch.zeros(n_rows, n_rows, dtype=like.dtype, device=like.device)
    if n_views == 2:
        rows = torch.arange(n_rows, device=like.device)
        pairs[rows, (rows + n_rows // 2) % n_rows] = 1
    return pairs


def _weighted_mean(loss, sample_weight):
    return loss.mean() if sample_weight is None else (loss * sample_weight).mean()
