"""Features of random convolutions: MiniRocket."""

from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..base import SignalTransformer, fill_lead_names
from ..leads._lead_groups import join_leads
from ..utils._chunks import CONVOLUTIONS, record_chunks
from ._convolution_counts import proportions_across_leads, proportions_per_lead
from ._convolution_kernels import (
    KERNEL_LENGTH,
    KERNELS,
    choose_dilations,
    draw_leads,
    fit_thresholds,
)

_MAX_DILATIONS = 32
# The sum of the absolute weights of a kernel of nine leads, and of the sums on the way to it.
_LARGEST_GAIN = 9 * 2 * KERNEL_LENGTH


class RandomConvolutionFeatures(SignalTransformer):
    """DOC"""

    _parameter_constraints = {
        **SignalTransformer._parameter_constraints,
        "n_features": [Interval(Integral, len(KERNELS), None, closed="left")],
        "across_leads": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    _allow_nan = True
    _dtypes = [np.float32]

    def __init__(
        self,
        n_features=10_000,
        *,
        across_leads=False,
        n_jobs=None,
        random_state=None,
        n_leads=None,
        lead_names=None,
    ):
        self.n_features = n_features
        self.across_leads = across_leads
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.n_leads = n_leads
        self.lead_names = lead_names

    def _fit(self, signals):
        n_leads, n_times = signals.shape[1:]
        if n_times < KERNEL_LENGTH:
            raise ValueError(
                f"X has {n_times} time points, fewer than the {KERNEL_LENGTH} of a kernel. Pass "
                "longer records, or resample them to a higher sampling rate."
            )
        n_sets = 1 if self.across_leads else n_leads
        n_per_kernel = int(self.n_features) // (n_sets * len(KERNELS))
        if n_per_kernel == 0:
            raise ValueError(
                f"n_features={self.n_features} is fewer than one feature for each of the "
                f"{len(KERNELS)} kernels and {n_leads} leads. Pass at least "
                f"n_features={len(KERNELS) * n_leads}, or across_leads=True."
            )
        complete = self._find_complete(signals)
        random_state = check_random_state(self.random_state)
        self.dilations_, counts = choose_dilations(n_times, n_per_kernel, _MAX_DILATIONS)
        if self.across_leads:
            sets = [draw_leads(n_leads, len(self.dilations_), random_state)]
        else:
            shape = (len(self.dilations_), len(KERNELS), n_leads)
            sets = [np.broadcast_to(lead, shape) for lead in np.eye(n_leads, dtype=bool)]
        for leads in sets:
            self._check_drawable(leads, complete)
        self.n_biases_ = counts
        self.biases_ = np.concatenate(
            [
                part.ravel()
                for leads in sets
                for part in fit_thresholds(
                    signals, complete, leads, self.dilations_, counts, random_state
                )
            ]
        )
        self.feature_leads_ = np.concatenate(
            [
                np.repeat(leads[d], count, axis=0)
                for leads in sets
                for d, count in enumerate(counts)
            ]
        )

    def _find_complete(self, signals):
        """Return which leads are without NaN, of shape (n_records, n_leads)."""
        highest = np.fmax(signals.max(axis=2), -signals.min(axis=2))
        limit = np.finfo(np.float32).max / _LARGEST_GAIN
        if np.nanmax(highest, initial=0) > limit:
            raise ValueError(
                f"X contains values above {limit:.2g}, whose convolutions overflow. Scale X to mV."
            )
        return ~np.isnan(highest)

    def _check_drawable(self, leads, complete):
        """Raise if the biases of a kernel need leads that no training record has."""
        for chosen in np.unique(leads.reshape(-1, leads.shape[2]), axis=0):
            if not complete[:, chosen].all(axis=1).any():
                names = fill_lead_names(self.lead_names_in_, self.n_leads_in_)
                used = ", ".join(name for name, use in zip(names, chosen) if use)
                raise ValueError(
                    f"X has no record in which lead {used} is without NaN."
                    if chosen.sum() == 1
                    else f"X has no record in which the leads {used} of a kernel are all without "
                    "NaN. Pass more complete records, or across_leads=False."
                )

    def transform(self, X):
        """Compute the features."""
        check_is_fitted(self)
        signals = self._validate_signals(X, reset=False)
        missing = ~self._find_complete(signals)
        features = np.empty((len(signals), len(self.biases_)), dtype=np.float32)
        parts = record_chunks(len(signals), signals.shape[2], CONVOLUTIONS)
        Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            delayed(self._transform_part)(signals[part], missing[part], features[part])
            for part in parts
        )
        return features

    def _transform_part(self, signals, missing, features):
        """Write the features of some records."""
        if missing.any():
            signals = np.where(missing[:, :, None], np.float32(0), signals)
        sizes = len(KERNELS) * self.n_biases_
        n_sets = len(self.biases_) // sizes.sum()
        biases = [
            [part.reshape(len(KERNELS), -1) for part in np.split(of_set, np.cumsum(sizes)[:-1])]
            for of_set in np.split(self.biases_, n_sets)
        ]
        if self.across_leads:
            starts = np.cumsum(sizes) - sizes
            leads = [
                self.feature_leads_[start : start + size : count]
                for start, size, count in zip(starts, sizes, self.n_biases_)
            ]
            proportions_across_leads(signals, self.dilations_, biases[0], leads, features)
        else:
            proportions_per_lead(signals, self.dilations_, biases, features)
        if missing.any():
            features[missing @ self.feature_leads_.T] = np.nan

    def get_feature_names_out(self, input_features=None):
        """Return names"""
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        leads = fill_lead_names(self.lead_names_in_, self.n_leads_in_)
        endings = [
            f"__k{kernel}_d{dilation}_b{bias}"
            for dilation, count in zip(self.dilations_, self.n_biases_)
            for kernel in range(len(KERNELS))
            for bias in range(count)
        ]
        n_sets = len(self.biases_) // len(endings)
        names = [
            join_leads(leads[i] for i in np.flatnonzero(used)) + ending
            for used, ending in zip(self.feature_leads_, endings * n_sets)
        ]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
