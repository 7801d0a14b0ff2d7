"""The input contract: every container of signals or images becomes one array.

Nothing else in the package looks at the number of dimensions of X.
"""

from ._images import check_image_size, check_images
from ._signals import (
    check_finite,
    check_noted_rate,
    check_signals,
    read_container,
    was_fitted_on_rows,
)

__all__ = [
    "check_finite",
    "check_image_size",
    "check_images",
    "check_noted_rate",
    "check_signals",
    "read_container",
    "was_fitted_on_rows",
]
