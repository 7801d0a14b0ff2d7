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


class RandomConvolutionFeatures(SignalTransformer):
    """Compute features of random convolutions of the signals (MiniRocket).

    Each lead is convolved with 84 kernels of nine time points, at several dilations from 1 to the
    largest that fits into the record. A feature is the fraction of time points at which the result
    exceeds a bias, a quantile of the same convolution of a random training record [1]_. Nothing
    else is learned, so that fitting takes seconds; a linear classifier follows.

    Parameters
    ----------
    n_features : int, default=10_000
        Maximum number of features, >= 84. They are divided equally among the leads (unless
        ``across_leads=True``) and the 84 kernels, rounded down: the default gives 9,072 features of
        twelve leads, and 9,996 of one lead or with ``across_leads=True``.
    across_leads : bool, default=False
        Whether kernels are convolved with several leads. False: each lead has its own features.
        True: each kernel is convolved, at each dilation, with one to nine random leads, and the
        results are added, as in the multivariate version of [1]_.
    n_jobs : int or None, default=None
        Number of threads of `transform`. It does not affect the result. None is 1.
    random_state : int, RandomState instance or None, default=None
        Determines the training records of the biases and, with ``across_leads=True``, the leads of
        the kernels. Pass an int for reproducible features.
    n_leads : int or None, default=None
        Number of leads. Required for rows and numeric frames.
    lead_names : sequence of str or None, default=None
        Names of the leads, unless X is a lead frame. Twelve unnamed leads are assumed to be in
        standard order.

    Attributes
    ----------
    dilations_ : ndarray of shape (n_dilations,)
        Distances between the time points of a kernel, in time points, ascending.
    n_biases_ : ndarray of shape (n_dilations,)
        Number of biases, and thus of features, of a kernel with each dilation.
    biases_ : ndarray of shape (n_features_out,), float32
        The bias of each feature, in the unit of X.
    feature_leads_ : ndarray of shape (n_features_out, n_leads), bool
        Whether a feature depends on a lead.
    n_features_in_ : int
        Number of leads seen in `fit`; for rows and numeric frames, number of columns.
    n_leads_in_ : int
        Number of leads seen in `fit`.
    n_times_in_ : int
        Number of time points seen in `fit`.
    lead_names_in_ : tuple of str or None
        Names of the leads seen in `fit`.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.
    feature_names_in_ : ndarray of str
        Names of the columns seen in `fit`. Only defined if X has named columns.

    Raises
    ------
    ValueError
        In `fit`, if the records have fewer than nine time points, `n_features` is less than 84 for
        each lead, or no training record has the lead, or all leads, of a kernel. Also if X contains
        infinity or values that are too large for float32.

    See Also
    --------
    MedianBeat : Median beats, of which features can be computed instead of whole records.
    BeatFeatures : Measurements of the median beat.
    sklearn_ecg.inspection.feature_groups : Group the features by lead.

    Notes
    -----
    Three weights of a kernel are 2 and six are -1: there are 84 such kernels, numbered in
    lexicographic order of the positions of the weights 2. Since their sum is zero, an offset of the
    signal has an effect at the ends of the record only. For every second kernel, the record is
    continued with zeros at both ends; for the others, only time points at which the whole kernel is
    inside the record are counted. If records have an offset or baseline wander, remove it first
    (`BandpassFilter`, `BaselineRemover`). There are at most 32 dilations, spaced
    exponentially. The quantiles of the biases are a low-discrepancy sequence in (0, 1).

    A feature is called ``V2__k17_d4_b3`` if it is the fourth bias (b3) of kernel 17 with dilation 4
    of lead V2, and ``V1+V5__k17_d4_b3`` if the kernel is convolved with V1 and V5. The numbers of
    the biases start from 0 for each kernel and dilation. `sklearn_ecg.inspection.feature_groups`
    assigns a feature of several leads to each of them.

    **X may contain NaN.** All features of a lead, or of a set of leads, are NaN for a record in
    which one of these leads contains NaN at any time point. Estimators that do not support NaN, and
    these are all linear ones, need an imputer after this step. The biases are chosen from records
    in which the leads of the kernel are complete.

    Computations are in float32, with additions in a fixed order: the features of a record do not
    depend on the other records. They take 4 bytes each: 36 kB for a record with the default.

    References
    ----------
    .. [1] A. Dempster, D. F. Schmidt, G. I. Webb, "MiniRocket: A very fast (almost) deterministic
       transform for time series classification", KDD 2021, arXiv:2012.08791.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.preprocessing import MedianBeat, RandomConvolutionFeatures
    >>> ecg = make_ecg(60, prevalence=0.5, random_state=0)
    >>> clf = make_pipeline(
    ...     MedianBeat(sampling_rate=100),
    ...     RandomConvolutionFeatures(random_state=0),
    ...     StandardScaler(),
    ...     LogisticRegression(C=1e-3),
    ... )
    >>> _ = clf.fit(ecg.data[:40], ecg.target[:40])
    >>> clf[:2].transform(ecg.data).shape
    (60, 9072)
    >>> clf[:2].get_feature_names_out()[[0, -1]]
    array(['I__k0_d1_b0', 'V6__k83_d9_b0'], dtype=object)

    Records that are shorter than a kernel raise an error:

    >>> RandomConvolutionFeatures(n_leads=12).fit(ecg.data[:, :, :8])
    Traceback (most recent call last):
        ...
    ValueError: X has 8 time points, fewer than the 9 of a kernel. ...
    """

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
            [np.repeat(leads[d], count, axis=0) for leads in sets for d, count in enumerate(counts)]
        )

    def _find_complete(self, signals):
        """Return which leads are without NaN, of shape (n_records, n_leads)."""
        return ~np.isnan(signals.max(axis=2))

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
        """Compute the features.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals with the leads and the length of those passed to `fit`.

        Returns
        -------
        features : ndarray of shape (n_records, n_features_out), float32
            In [0, 1]; NaN for features of a lead that contains NaN. Ordered by lead (unless
            ``across_leads=True``), dilation, kernel and bias.
        """
        check_is_fitted(self)
        return self._compute_in_parts(X, self._compute_features)

    def _compute_features(self, signals):
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
        """Return the names of the features, such as ``V2__k17_d4_b3``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            If given, it must be equal to the names seen in `fit`.

        Returns
        -------
        names : ndarray of str objects
            A name for each column of the result of `transform`: lead, kernel, dilation and bias.
        """
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
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
