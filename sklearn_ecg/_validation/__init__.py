"""The input contract: convert every container of signals or images to one array.

Estimators call `check_signals` or `check_images`, functions `read_signals` or `read_container`.
No other module of the package inspects the number of dimensions of X, except the conversions of
`sklearn_ecg.leads`, on which this one is built.
"""

from ._images import check_image_size, check_images
from ._signals import (
    check_finite,
    check_noted_rate,
    check_signals,
    read_container,
    read_signals,
    was_fitted_on_rows,
)

__all__ = [
    "check_finite",
    "check_image_size",
    "check_images",
    "check_noted_rate",
    "check_signals",
    "read_container",
    "read_signals",
    "was_fitted_on_rows",
]
