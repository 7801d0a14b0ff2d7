"""Grad-CAM: the times of a record, or the parts of an image, on which a decision is based."""

import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._unwrap import final_step_and_input, is_network, takes_images


def grad_cam(estimator, X, target=None, *, return_targets=False):
    """Compute heat maps of the evidence for a class, over time or over images.

    The last feature map of the network is weighted by the gradient of the logit of the class with
    respect to each channel, averaged over time. The heat map is the positive part of the sum over
    channels [1]_. In networks of signals the leads are mixed at this stage: a map shows times, and
    `lead_importance` compares leads. The maps of a network of images,
    `sklearn_ecg.SimCardioNetClassifier`, cover the image, and show both times and leads; they are
    those of its last convolutional stage, before self-attention.

    A map may be zero everywhere: a class may be predicted because there is no evidence for another
    one, which is common for the class "normal". A map explains the network, not the record. Check
    that it changes with the network, and take its resolution into account: the stride of the
    network and the width of its convolutions.

    Parameters
    ----------
    estimator : estimator
        A fitted network of signals, such as `sklearn_ecg.MSAICNetClassifier`, or of images. It may
        be the final step of a `Pipeline`, and it may be frozen, thresholded, the best estimator of
        a search, or calibrated with a single copy. To draw signals, start the pipeline with an
        `~sklearn_ecg.preprocessing.ECGImageRenderer`.
    X : array-like, DataFrame or lead frame
        Records or images, as the estimator takes them.
    target : label, array-like of shape (n_records,) or None, default=None
        One of ``classes_``; for a multilabel target, the number of the label. An array holds the
        class of each record, such as its true class. None is, for each record, the class with the
        highest probability.
    return_targets : bool, default=False
        Whether to also return the class of each record.

    Returns
    -------
    heat : ndarray of shape (n_records, n_times) or (n_images, height, width)
        Non-negative values, in the size of the records or images that the network is given.
        Values between the points of the feature map are interpolated. Maps are on the scale of the
        logits and can be compared between records: for a network with a mean over time before a
        linear layer, the mean of a map is the contribution of its positive part to the logit.
    targets : ndarray of shape (n_records,)
        The class of each record. Only with ``return_targets=True``.

    Raises
    ------
    ValueError
        If the estimator is not fitted, a target is unknown, the number of targets is not that of
        the records, or X is invalid.
    TypeError
        If the final step of the estimator is not a network, or is one without a feature map.

    See Also
    --------
    GradCAMDisplay : Draws a map over its record or image.

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
    >>> grad_cam(clf, X, target=y).shape
    (60, 100)
    """
    import torch

    check_is_fitted(estimator)
    network, X = final_step_and_input(estimator, X)
    if not is_network(network):
        raise TypeError(
            f"grad_cam needs a network of signals or images, got {type(network).__name__}. Pass "
            "one, or a Pipeline that ends in one."
        )
    if not hasattr(network, "classes_"):
        raise TypeError(
            f"{type(network).__name__} has no classes, which grad_cam needs. Pass a classifier."
        )
    if not hasattr(_feature_extractor(network.net_.module_), "feature_map"):
        raise TypeError(
            f"The network of {type(network).__name__} has no feature_map method, which grad_cam "
            "needs. Pass a network with a feature map over time or over the image."
        )
    positions = None if target is None else _positions_of_classes(network, target)
    # The tensors of a caller's inference mode have no gradients.
    with torch.inference_mode(False):
        checked = network._validate_input(X)
        if positions is None:
            positions = network.predict_proba(checked).argmax(axis=1)
        elif positions.shape not in ((), (len(checked),)):
            raise ValueError(
                f"target has {len(positions)} labels, but X has {len(checked)} records. Pass one "
                "label for each record, or a single one for all."
            )
        positions = np.full(len(checked), positions)
        heat = _compute_heat(network, checked, positions)
    return (heat, network.classes_[positions]) if return_targets else heat


def as_labels(target):
    """Return a label or labels as an array of objects, which keeps the type of each."""
    if hasattr(target, "__array__"):
        return np.asarray(target).astype(object)
    return np.array(target, dtype=object)


def _positions_of_classes(network, target):
    """Return the positions in ``classes_`` of a label, or of an array of labels."""
    labels = as_labels(target)
    if labels.ndim > 1:
        hint = ""
        if network._target_kind == "multilabel":
            hint = " For a multilabel target, pass the number of a label."
        raise ValueError(
            "target must be a label or have shape (n_records,), one label per record, got shape "
            f"{labels.shape}.{hint}"
        )
    classes = network.classes_.tolist()
    positions = np.zeros(labels.shape, dtype=np.intp)
    for i, label in np.ndenumerate(labels):
        if label not in classes:
            place = f"target={label!r}" if labels.ndim == 0 else f"target[{i[0]}]={label!r}"
            raise ValueError(f"{place} is unknown. The classes are {', '.join(map(str, classes))}.")
        positions[i] = classes.index(label)
    return positions


def _feature_extractor(module):
    """Return the module with ``feature_map`` and ``pool``: the network, or its encoder."""
    return module if hasattr(module, "feature_map") else getattr(module, "encoder", None)


def _differentiable(module):
    """Return the module, or a copy of one that was loaded in ``torch.inference_mode()``."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module) if any(tensor.is_inference() for tensor in tensors) else module


def _compute_heat(network, checked, positions):
    """Compute the heat maps of the classes at these positions."""
    import torch
    from torch.nn import functional as F

    from ..utils._chunks import NETWORK, array_chunks
    from ..utils._torch import usual_settings

    module = _differentiable(network.net_.module_)
    extractor = _feature_extractor(module)
    signs = np.ones(len(positions))
    if network._target_kind == "binary":
        # Two classes have one logit.
        signs, positions = np.where(positions == 1, 1.0, -1.0), np.zeros_like(positions)
    parts = []
    with usual_settings(torch.device(network.net_.device), network.n_threads):
        for part in array_chunks(checked.records, NETWORK):
            x = checked.batch(part).to(network.net_.device)
            with torch.no_grad():
                features = extractor.feature_map(x)
            with torch.enable_grad():
                features.requires_grad_()
                logits = module.classifier(extractor.pool(features))
                wanted = logits[torch.arange(len(logits)), torch.tensor(positions[part])]
                sign = torch.tensor(signs[part], dtype=wanted.dtype, device=wanted.device)
                (gradient,) = torch.autograd.grad((wanted * sign).sum(), features)
            with torch.no_grad():
                # The sum over points is the gradient with respect to the mean of the channel.
                weight = gradient.sum(dim=(2, 3), keepdim=True)
                heat = F.relu((weight * features).sum(dim=1)).float()
                if takes_images(network):
                    heat = interpolate_map(heat, x.shape[3], extractor).mT
                    heat = interpolate_map(heat, x.shape[2], extractor).mT[:, None]
                    size = network.image_shape_in_[:2]
                    heat = F.interpolate(heat, size=size, mode="bilinear", align_corners=False)[
                        :, 0
                    ]
                else:
                    heat = interpolate_map(heat[:, 0], x.shape[2], extractor)
            parts.append(heat.cpu().numpy())
    return np.concatenate(parts)


def interpolate_map(heat, size, extractor):
    """Interpolate maps (..., n_points) linearly to the length of the input, (..., size).

    Maps are constant before the center of the first point and after that of the last point.

    Parameters
    ----------
    heat : torch.Tensor
    size : int
    extractor : torch.nn.Module
        With ``feature_offset``, the center of the first point of the map in the input, and
        ``feature_stride``, the distance between two points.
    """
    import torch

    places = torch.arange(size, device=heat.device, dtype=heat.dtype)
    places = (places - extractor.feature_offset) / extractor.feature_stride
    places = places.clamp(0, heat.shape[-1] - 1)
    before = places.long()
    after = (before + 1).clamp(max=heat.shape[-1] - 1)
    return torch.lerp(heat[..., before], heat[..., after], places - before)
