"""The loss of MSAIC-Net: a classification loss plus a contrastive loss."""

import torch

from ._imbalance_losses import (
    balanced_contrastive_loss,
    class_contrastive_loss,
    prototype_contrastive_loss,
)
from ._supervised_losses import ClassificationLoss, supervised_contrastive_loss


class MSAICLoss(ClassificationLoss):
    """Loss of MSAIC-Net: focal classification loss plus weighted contrastive loss.

    The defaults are those of `sklearn_ecg.MSAICNetClassifier`.

    Parameters
    ----------
    target_type : {"binary", "multiclass", "multilabel"}
        Type of the targets.
    class_weight : tensor of shape (2, n_labels) or (n_classes,), default=None
        Class weights of shape (n_classes,) for multiclass targets, otherwise weights of the values
        0 and 1 of each label, with ``n_labels=1`` for binary targets.
    focal_gamma : float, default=2
        Focusing exponent of the classification loss, >= 0.
    logit_adjustment : float, default=0
        Strength of the logit adjustment of the classification loss, >= 0. See `adjust_logits`.
    class_prior : tensor of shape (2, n_labels) or (n_classes,), default=None
        Shares of the classes in the training records, in the shape of ``class_weight``. Required
        for ``logit_adjustment > 0``.
    contrastive_loss : str, default="focal_supcon"
        Contrastive loss: "focal_supcon" (`supervised_contrastive_loss` with
        ``gamma=contrastive_gamma``), "balanced" (`balanced_contrastive_loss`, for binary and
        multiclass targets), "class_supcon" (`class_contrastive_loss`, for binary targets) or
        "prototype" (`prototype_contrastive_loss` with two fixed, opposite prototypes, for binary
        targets).
    contrastive_class : int, default=None
        Class number, 0 or 1, that "class_supcon" supervises. Required for this loss, and not used
        by the others.
    contrastive_weight : float, default=0.03
        Weight of the contrastive loss, >= 0. With 0 it is not computed.
    contrastive_gamma : float, default=2
        Focusing exponent of "focal_supcon", >= 0. Not used by the other contrastive losses.
    temperature : float, default=0.1
        Temperature of the contrastive loss, > 0.

    Raises
    ------
    ValueError
        If the contrastive loss is unknown or not defined for the type of the targets, or if
        ``contrastive_class`` or ``class_prior`` is required and missing.

    See Also
    --------
    ClassificationLoss : The classification loss.
    supervised_contrastive_loss : The contrastive loss by default.

    References
    ----------
    Lei et al. (2026). MSAIC-Net. arXiv:2606.06718

    Examples
    --------
    >>> import torch
    >>> from sklearn_ecg.nn import MSAICLoss, MSAICNet
    >>> net, loss = MSAICNet(12, 5), MSAICLoss("multiclass")
    >>> loss(net(torch.randn(8, 12, 1000)), torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])).shape
    torch.Size([])
    """

    def __init__(
        self,
        target_type,
        *,
        class_weight=None,
        focal_gamma=2.0,
        logit_adjustment=0.0,
        class_prior=None,
        contrastive_loss="focal_supcon",
        contrastive_class=None,
        contrastive_weight=0.03,
        contrastive_gamma=2.0,
        temperature=0.1,
    ):
        super().__init__(
            target_type,
            class_weight=class_weight,
            focal_gamma=focal_gamma,
            logit_adjustment=logit_adjustment,
            class_prior=class_prior,
        )
        if contrastive_weight != 0:
            _check_contrastive_loss(contrastive_loss, target_type, contrastive_class)
        self.contrastive_loss = contrastive_loss
        self.contrastive_class = contrastive_class
        self.contrastive_weight = contrastive_weight
        self.temperature = temperature
        self.contrastive_gamma = contrastive_gamma

    def forward(self, output, targets, sample_weight=None, n_classified=None, n_views=1):
        """Compute the mean loss of a batch.

        Parameters
        ----------
        output : tuple of tensors (logits, projection) or (logits, projection, prototypes)
            Output of `MSAICNet`. The "balanced" loss needs the prototypes of
            ``MSAICNet(class_prototypes=True)``.
        targets : tensor of shape (batch,) or (batch, n_outputs)
            Class numbers, or a multilabel indicator.
        sample_weight : tensor of shape (batch,), default=None
            Weights of the records.
        n_classified : int, default=None
            Number of records in the classification loss. Records after the first ``n_classified``
            are used by the contrastive loss only. None uses all records in both.
        n_views : int, default=1
            Number of views of each record, 1 or 2. With 2, the second half of the batch contains
            second views of the records in the first half, in the same order, which
            "class_supcon" and "prototype" compare with the first. ``n_classified`` should then be
            half the batch or less.

        Returns
        -------
        loss : scalar tensor
            Sum of the classification loss and the weighted contrastive loss.
        """
        logits, projection, *prototypes = output
        loss = super().forward(logits, targets, sample_weight, n_classified)
        if self.contrastive_weight == 0:
            return loss
        contrast = self._contrast(projection, targets, prototypes, sample_weight, n_views)
        return loss + self.contrastive_weight * contrast

    def _contrast(self, z, targets, prototypes, sample_weight, n_views):
        """Return the contrastive loss."""
        options = {"temperature": self.temperature, "sample_weight": sample_weight}
        if self.contrastive_loss == "balanced":
            return balanced_contrastive_loss(z, targets, prototypes[0], **options)
        if self.contrastive_loss == "class_supcon":
            return class_contrastive_loss(
                z, targets, self.contrastive_class, n_views=n_views, **options
            )
        if self.contrastive_loss == "prototype":
            prototype = torch.full_like(z[0], z.shape[1] ** -0.5)
            opposite = torch.stack([-prototype, prototype])
            return prototype_contrastive_loss(z, targets, opposite, n_views=n_views, **options)
        return supervised_contrastive_loss(z, targets, gamma=self.contrastive_gamma, **options)


# Types of the targets for which each contrastive loss is defined.
_TARGET_TYPES = {
    "focal_supcon": ("binary", "multiclass", "multilabel"),
    "balanced": ("binary", "multiclass"),
    "class_supcon": ("binary",),
    "prototype": ("binary",),
}


def _check_contrastive_loss(contrastive_loss, target_type, contrastive_class):
    if contrastive_loss not in _TARGET_TYPES:
        raise ValueError(
            f"contrastive_loss must be one of {list(_TARGET_TYPES)}, got {contrastive_loss!r}."
        )
    if target_type not in _TARGET_TYPES[contrastive_loss]:
        possible = [name for name, types in _TARGET_TYPES.items() if target_type in types]
        raise ValueError(
            f"contrastive_loss={contrastive_loss!r} is not defined for {target_type} targets. Use "
            f"one of {possible}, or fit a classifier for each class or label."
        )
    if contrastive_loss == "class_supcon" and contrastive_class not in (0, 1):
        raise ValueError(
            "contrastive_loss='class_supcon' requires contrastive_class, 0 or 1, got "
            f"{contrastive_class!r}."
        )
