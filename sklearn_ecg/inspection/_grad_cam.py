"""Grad-CAM: when in the record, or where in the image, the decision comes from."""

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def grad_cam(estimator, X, target=None, *, return_targets=False):
    """Heat maps over time, or over images: where a network found what speaks for a class.

    The last map of the network is weighted by the gradient of the class's logit with respect
    to each channel, averaged over time; what is positive of the sum over channels is the heat [1]_.
    Leads of signals are mixed by then: a map tells when, and `lead_importance` tells where. Maps of
    a network of images, `sklearn_ecg.SimCardioNetClassifier`, lie over the image, and so tell both;
    they are those of its last convolutional stage, before self-attention.

    A map may be zero throughout: a class can be told by what does not speak for another, "normal"
    above all. A map shows what the network used, not what is there. Check that it changes when the
    network does, and mind the width of its points: the network's stride, and what a convolution
    sees.

    Parameters
    ----------
    estimator : estimator
        A fitted network of signals, such as `sklearn_ecg.MSAICNetClassifier`, or of images; a
        `Pipeline` that ends in one; a search over these; or one that is frozen.
    X : array-like, DataFrame or lead frame
        Records or images, as the estimator takes them.
    target : label or None, default=None
        The class, one of ``classes_``; of a multilabel target, the label's number. None is, for
        each record, the class of the largest probability.
    return_targets : bool, default=False
        Whether to return the class of each record as well.

    Returns
    -------
    heat : ndarray of shape (n_records, n_times) or (n_images, height, width)
        In the size of the records or images, as they came or were drawn. Not negative, and on the
        scale of the logits, so that records can be compared: of a network that averages over time
        before a linear layer, the mean over time is what the positive places add to the logit.
        Between the points of the network's map it is interpolated.
    targets : ndarray of shape (n_records,)
        The class of each record. Only with ``return_targets=True``.

    Raises
    ------
    ValueError
        If the estimator is not fitted, the target is unknown, or X does not fit.
    TypeError
        If there is no network at the end of the estimator, or one without such a map.

    See Also
    --------
    GradCAMDisplay : Draws a map over its record.

    References
    ----------
    .. [1] Selvaraju et al. (2017). Grad-CAM: visual explanations from deep networks via
       gradient-based localization. ICCV. arXiv:1610.02391

    Examples
    --------
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import grad_cam
    >>> X, y = make_ecg(60, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = MSAICNetClassifier(dilations=(1,), filters=(8,), max_epochs=5, random_state=0)
    >>> grad_cam(clf.fit(X, y), X).shape
    (60, 100)
    >>> grad_cam(clf, X, target=2)
    Traceback (most recent call last):
        ...
    ValueError: target=2 is unknown. The classes are 0, 1.
    """
    check_is_fitted(estimator)
    network, X = network_and_input(estimator, X)
    if not hasattr(network, "classes_"):
        raise TypeError(
            f"{type(network).__name__} has no classes that a map could speak for: pass a "
            "classifier."
        )
    if not hasattr(_part_with_maps(network), "feature_map"):
        raise TypeError(
            f"{type(network).__name__} has a network without a map over time (feature_map), which "
            "grad_cam needs."
        )
    classes = network.classes_.tolist()
    if target is not None and target not in classes:
        raise ValueError(
            f"target={target!r} is unknown. The classes are {', '.join(map(str, classes))}."
        )
    prepared = network._validate_input(X)
    if target is None:
        chosen = network.predict_proba(prepared).argmax(axis=1)
    else:
        chosen = np.full(len(prepared), classes.index(target))
    heat = _heat(network, prepared, chosen)
    return (heat, network.classes_[chosen]) if return_targets else heat


def last_step(estimator):
    """What a search, a Pipeline or a frozen estimator ends in."""
    while isinstance(estimator, _AROUND):
        estimator = _inside(estimator)
    return estimator


def network_and_input(estimator, X):
    """The network at the end of an estimator, and X as it is given it."""
    while isinstance(estimator, _AROUND):
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = _inside(estimator)
    if not hasattr(estimator, "_input"):
        raise TypeError(
            f"grad_cam needs a network of signals or images, got {type(estimator).__name__}. Pass "
            "one, or a Pipeline that ends in one."
        )
    return estimator, X


_AROUND = (BaseSearchCV, Pipeline, FrozenEstimator)


def _inside(estimator):
    if isinstance(estimator, BaseSearchCV):
        return estimator.best_estimator_
    return estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator[-1]


def _part_with_maps(network):
    """What has ``feature_map`` and ``pool``: the network, or its encoder."""
    module = network.net_.module_
    return module if hasattr(module, "feature_map") else getattr(module, "encoder", None)


def _heat(network, prepared, chosen):
    import torch
    from torch.nn import functional as F

    from ..utils._chunks import NETWORK, array_chunks

    module, maps = network.net_.module_, _part_with_maps(network)
    signs = np.ones(len(chosen))
    if network._target_kind == "binary":
        # One logit speaks for both classes.
        signs, chosen = np.where(chosen == 1, 1.0, -1.0), np.zeros_like(chosen)
    parts = []
    for part in array_chunks(prepared.records, NETWORK):
        x = prepared.batch(part).to(network.net_.device)
        with torch.no_grad():
            features = maps.feature_map(x)
        with torch.enable_grad():
            features.requires_grad_()
            logits = module.classifier(maps.pool(features))
            wanted = logits[torch.arange(len(logits)), torch.as_tensor(chosen[part])]
            sign = torch.as_tensor(signs[part], dtype=wanted.dtype, device=wanted.device)
            (gradient,) = torch.autograd.grad((wanted * sign).sum(), features)
        with torch.no_grad():
            # The gradient is per point; times their number it is that of the channel's mean.
            weight = gradient.sum(dim=(2, 3), keepdim=True)
            heat = F.relu((weight * features).sum(dim=1)).float()
            if network._input.is_image:
                heat = _spread(_spread(heat, x.shape[3], maps).mT, x.shape[2], maps).mT[:, None]
                size = network.image_shape_in_[:2]
                heat = F.interpolate(heat, size=size, mode="bilinear", align_corners=False)[:, 0]
            else:
                heat = _spread(heat[:, 0], x.shape[2], maps)
        parts.append(heat.cpu().numpy())
    return np.concatenate(parts)


def _spread(heat, size, maps):
    """Maps (..., n_places) over the points that they are of (..., size), interpolated linearly.

    Before the centre of the first place and behind that of the last a map is constant.
    """
    import torch

    points = torch.arange(size, device=heat.device, dtype=heat.dtype)
    place = ((points - maps.feature_offset) / maps.feature_stride).clamp(0, heat.shape[-1] - 1)
    before = place.long()
    after = (before + 1).clamp(max=heat.shape[-1] - 1)
    return torch.lerp(heat[..., before], heat[..., after], place - before)
