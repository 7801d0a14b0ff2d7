"""The network of the MSAIC-Net estimators: its parameters, and how it is made from them."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from ..nn._msaic_net import MSAICNet

NETWORK_CONSTRAINTS = {
    "dilations": ["array-like"],
    "filters": ["array-like"],
    "kernel_size": [Interval(Integral, 1, None, closed="left")],
    "stride": [Interval(Integral, 1, None, closed="left")],
    "pool_size": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "attention": [StrOptions({"eca", "se"}), None],
    "lead_attention": [StrOptions({"eca", "se"}), None],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "embedding_dim": [Interval(Integral, 1, None, closed="left")],
}


def make_msaic_net(estimator, data, *, projection_dim=None, class_prototypes=False):
    """Return the network with the parameters of an estimator."""
    for name in ("dilations", "filters", "pool_size"):
        values = getattr(estimator, name)
        if isinstance(values, Integral):
            continue
        if not len(values) or any(not isinstance(v, Integral) or v < 1 for v in values):
            raise ValueError(
                f"{name} must contain at least one number, all of them integers >= 1, got "
                f"{values!r}."
            )
    return MSAICNet(
        data.n_channels,
        data.n_outputs,
        dilations=estimator.dilations,
        filters=estimator.filters,
        kernel_size=estimator.kernel_size,
        stride=estimator.stride,
        pool_size=estimator.pool_size,
        attention=estimator.attention,
        lead_attention=estimator.lead_attention,
        dropout=estimator.dropout,
        embedding_dim=estimator.embedding_dim,
        projection_dim=projection_dim,
        class_prototypes=class_prototypes,
    )
