"""Grad-CAM of networks of signals: when in the record the decision comes from."""

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def grad_cam(estimator, X, target=None, *, return_targets=False):
    """Heat maps over time: where a network of signals found what speaks for a class.

    The last map of the network is weighted by the gradient of the class's logit with respect
    to each channel, averaged over time; what is positive of the sum over channels is the heat [1]_.
    Leads are mixed by then: a map tells when, and `lead_importance` tells where.

    A map may be zero throughout: a class can be told by what does not speak for another, "normal"
    above all. A map shows what the network used, not what is there. Check that it changes when the
    network does, and mind the width of its points: the network's stride, and what a convolution
    sees.

    Parameters
    ----------
    estimator : estimator
        A fitted network of signals, such as `sklearn_ecg.MSAICNetClassifier`; a `Pipeline` that
        ends in one; a search over these; or one that is frozen.
    X : array-like, DataFrame or lead frame
        Records, as the estimator takes them.
    target : label or None, default=None
        The class, one of ``classes_``; of a multilabel target, the label's number. None is, for
        each record, the class of the largest probability.
    return_targets : bool, default=False
        Whether to return the class of each record as well.

    Returns
    -------
    heat : ndarray of shape (n_records, n_times)
        Not negative, and on the scale of the logits, so that records can be compared: of a network
        that averages over time before a linear layer, the mean over time is what the positive
        places add to the logit. Between the points of the network's map it is interpolated.
    targets : ndarray of shape (n_records,)
        The class of each record. Only with ``return_targets=True``.

    Raises
    ------
    ValueError
        If the estimator is not fitted, the target is unknown, or X does not fit.
    TypeError
        If there is no network of signals at the end of the estimator, or one without a map over
        time.

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
    network, X = _network_and_input(estimator, X)
    module = network.net_.module_
    if not hasattr(module, "feature_map"):
        raise TypeError(
            f"{type(network).__name__} has a network without a map over time (feature_map), which "
            "grad_cam needs."
        )
    classes = network.classes_.tolist()
    if target is not None and target not in classes:
        raise ValueError(
            f"target={target!r} is unknown. The classes are {', '.join(map(str, classes))}."
        )
    prepared = network._prepare(X)
    if target is None:
        chosen = network.predict_proba(prepared).argmax(axis=1)
    else:
        chosen = np.full(len(prepared), classes.index(target))
    heat = _heat(network, prepared, chosen)
    return (heat, network.classes_[chosen]) if return_targets else heat


def _network_and_input(estimator, X):
    """The network at the end of an estimator, and X as it is given it."""
    while isinstance(estimator, (BaseSearchCV, Pipeline, FrozenEstimator)):
        if isinstance(estimator, BaseSearchCV):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        else:
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
    if not hasattr(estimator, "_prepare"):
        raise TypeError(
            f"grad_cam needs a network of signals, got {type(estimator).__name__}. Pass one, or a "
            "Pipeline that ends in one."
        )
    return estimator, X


def _heat(network, prepared, chosen):
    import torch
    from torch.nn import functional as F

    from ..base import _PREDICTION_SLICE

    module, n_times = network.net_.module_, network.n_times_in_
    signs = np.ones(len(chosen))
    if network._target_kind == "binary":
        # One logit speaks for both classes.
        signs, chosen = np.where(chosen == 1, 1.0, -1.0), np.zeros_like(chosen)
    parts = []
    for start in range(0, len(prepared), _PREDICTION_SLICE):
        part = slice(start, start + _PREDICTION_SLICE)
        with torch.no_grad():
            features = module.feature_map(prepared.read(part).to(network.net_.device))
        with torch.enable_grad():
            features.requires_grad_()
            logits = module.classifier(module.pool(features))
            wanted = logits[torch.arange(len(logits)), torch.as_tensor(chosen[part])]
            sign = torch.as_tensor(signs[part], dtype=wanted.dtype, device=wanted.device)
            (gradient,) = torch.autograd.grad((wanted * sign).sum(), features)
        with torch.no_grad():
            # The gradient is per point; times their number it is that of the channel's mean.
            weight = gradient.sum(dim=(2, 3), keepdim=True)
            heat = F.relu((weight * features).sum(dim=1)).float()
            n_points = heat.shape[-1] * module.feature_stride
            heat = F.interpolate(heat, size=n_points, mode="linear", align_corners=False)
        parts.append(heat[:, 0, :n_times].cpu().numpy())
    return np.concatenate(parts)
