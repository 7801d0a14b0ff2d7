"""ACL-ECG: self-supervised embeddings from the contrast of anatomical regions."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from ..augmentation import CardiacCycleMask, Compose, RandomScaleCrop, TemporalShift, pad_peaks
from ..beats._rhythm import check_sampling_rate, detect_r_peaks
from ..leads import REGIONS_8, LazyRecords, lead_regions
from ..nn._acl_ecg import ACLECGNet, VGG1d
from ..nn._normalizers import LeadNormalizer
from ..nn._self_supervised_losses import ACLECGLoss
from ..nn._strided_cnn import StridedCNN
from ..utils._chunks import LAZY, array_chunks
from ._inputs import SignalInput
from ._pretraining import SelfSupervisedEncoder

# R-peaks of less reliable records are not used; see `sklearn_ecg.detect_r_peaks`.
_MIN_RELIABILITY = 0.5

_BACKBONES = {"vgg": VGG1d, "strided": StridedCNN}

# What the baselines compare, and those that compare leads and not regions.
_COMPARED = {"simclr": "records", "clocs": "the halves of records", "lfbt": "views of records"}
_OF_SINGLE_LEADS = ("clocs", "lfbt")


class ACLECGEncoder(SelfSupervisedEncoder):
    r"""ACL-ECG encoder: embeddings of unlabeled records, from the contrast of anatomical regions.

    Two random views of each record are compared [1]_. Each lead has its own encoder, and the
    vectors of the leads of a region are projected together. Views of the same region of a record
    attract each other (*intra*), and so do its different regions (*inter*), whereas other records
    repel: :math:`L = \gamma L_\text{intra} + (1 - \gamma) L_\text{inter}`. The embedding is the
    concatenation of the vectors of all leads, before the projection. Labels are not used.

    Parameters
    ----------
    regions : {"anatomical", "random"} or mapping of str to list of str, default="anatomical"
        The regions and their leads. "anatomical" takes the regions of the paper,
        `sklearn_ecg.REGIONS_8`: inferior (II, III), septal (V1, V2), anterior (V3, V4) and lateral
        (V5, V6). "random" divides the same eight leads at random into four pairs, as a control of
        whether anatomy matters. Leads are selected by name; leads in no region are not used. Other
        objectives than "acl" only take the leads from the regions.
    objective : {"acl", "simclr", "clocs", "lfbt"}, default="acl"
        "acl" is that of ACL-ECG. The others are baselines with the same encoders and augmentation.
        "simclr" compares whole records instead of regions [2]_. "clocs" compares single leads in
        the two halves of one random view of a record, and all leads share one projector [3]_, see
        `sklearn_ecg.nn.clocs_loss`. "lfbt" correlates single leads of two views [4]_, see
        `sklearn_ecg.nn.lfbt_loss`. With "clocs" and "lfbt", the intra term is that of the same
        lead, and the inter term that of different leads. If `regions` is a str and X does not
        have all of the eight leads, the baselines use all leads of X, which may be a single one.
        Another baseline, randomly initialized encoders, is ``max_epochs=0``.
    inter : {"align", "separate"}, default="align"
        "align": different regions of a record attract and never repel each other, as the equation
        of the paper is reported. "separate": they are among the negatives of the intra term, which
        makes regions discriminable, as the abstract of the paper says. All regions then share one
        projector, and must have the same number of leads: projectors of their own could separate
        the regions whatever the encoders have learned. Not for "clocs" and "lfbt".
    gamma : float, default=0.5
        Weight of the intra term, in [0, 1]: 1 is intra only, 0 is inter only.
    temperature : float, default=0.1
        Temperature :math:`\tau > 0` of the contrastive losses, which are all but that of "lfbt".
    backbone : {"vgg", "strided"} or callable, default="vgg"
        Encoder of a lead. "vgg" is a narrow 1-D VGG of 13 convolutions, "strided" consists of four
        strided convolutions, `sklearn_ecg.nn.StridedCNN`, and takes a third of the time. A callable
        is called as ``backbone(1)`` and returns a module that maps signals (batch, 1, time) to
        vectors (batch, n_features). For "clocs", records and halves of them must have vectors of
        the same length.
    shared_encoder : bool, default=False
        Whether all leads share one encoder instead of having one each. CLOCS is published with a
        shared one.
    projection_dim : int, default=256
        Width of the projectors, which have three linear layers. Each region has its own, except
        with ``inter="separate"`` and ``objective="clocs"``. Default of this library.
    augmentation : {"paper"}, callable or list of callables, default="paper"
        Random transforms that make the two views of each record, or the view whose halves "clocs"
        compares. "paper": `RandomScaleCrop`, `CardiacCycleMask` and `TemporalShift` of
        `sklearn_ecg.augmentation`, whose ranges are defaults of this library. R-peaks are detected
        once per record and follow the transforms. Records with unreliable R-peaks are masked in
        random segments. An empty list leaves the records as they are, as CLOCS does.
    normalize : {"dataset", "record", "record_lead"} or None, default="record"
        Standardization of the signals to mean 0 and SD 1. "dataset" takes the mean and SD of each
        lead over the training records, without the validation records of ``early_stopping``;
        "record" those of each record over its leads and time points, which keeps the ratios between
        leads; "record_lead" those of each lead of each record. None leaves the signals unchanged.
    max_epochs : int, default=50
        Number of passes over the training records. 0 leaves the network at its random
        initialization.
    batch_size : int, default=64
        Number of records in a training batch, at least 2. A last batch of one record joins the
        batch before it.
    learning_rate : float, default=1e-3
        Maximum learning rate of the AdamW optimizer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" increases the learning rate linearly over the first tenth of the steps, and then
        decreases it to 0 along half a cosine until ``max_epochs``. "constant" keeps it.
    weight_decay : float, default=0
        Decoupled weight decay of AdamW, >= 0.
    gradient_clip : float or None, default=None
        Largest total norm of the gradient, > 0. In each step, a gradient with a larger norm is
        scaled down to it, and the mean norm before that is in ``history_["gradient_norm"]``. None
        does not clip.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the normalization of the previous fit, with a
        new optimizer. Parameters and data must lead to the same network, input and classes as
        before.
    n_leads : int or None, default=None
        Number of leads. Required for 2-D rows of shape (n_records, n_leads * n_times).
    lead_names : array-like of str or None, default=None
        Names of the leads. None takes the column names of a lead frame, and assumes the standard
        order (I, II, III, aVR, aVL, aVF, V1-V6) for twelve unnamed leads.
    sampling_rate : float or None, default=None
        Number of time points per second (Hz), from 100 to 1000. Required by the paper's
        augmentation.
    device : str or torch.device, default="auto"
        Device for training and prediction. "auto" is CUDA if it is available, otherwise the CPU.
    n_threads : int or None, default=1
        Number of threads of the CPU that `fit` and predictions use, whatever torch or a worker of
        joblib is set to. Results with different numbers are not equal bit for bit. None is the
        number that torch is set to.
    precision : {"float32", "float64", "mixed"}, default="float32"
        Floating-point precision of the network. "mixed" runs it in bfloat16 where this is safe,
        which is meant for GPUs, and computes losses in float32.
    callbacks : list of skorch callbacks or None, default=None
        Callbacks of the training. They are copied; the copies are in ``callbacks_``.
    checkpoint : str, path-like or None, default=None
        Folder in which `fit` saves the state of the training, so that a killed `fit` continues when
        it is called again with the same parameters and data. It is created if necessary. Several
        fits can share it, because each has a file of its own. A complete fit is loaded from its
        file and not trained again. ``random_state`` must be an int. None saves nothing.
    checkpoint_every : int, default=1
        Number of epochs after which the state is saved to ``checkpoint``, >= 1.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random: initial weights, batches, dropout, augmentation and the
        validation split. Two fits with the same int and the same ``n_threads`` on a CPU are equal
        bit for bit.
    verbose : int, default=0
        Whether to print a line per epoch.

    Attributes
    ----------
    regions_ : dict of str to tuple of str
        The contrasted regions and their leads: all leads with "simclr", and each lead with "clocs"
        and "lfbt".
    leads_ : tuple of str
        The leads that are used, in the order of the embedding.
    embedding_mean_, embedding_scale_ : ndarray of shape (n_features_out,)
        Mean and SD of the embedding over the training records. The scale is 1 where all records
        have the same value.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and, as means over the batches, its parts
        ``train_intra`` and ``train_inter``; ``train_alignment``, the mean squared distance of two
        views of a region (lower is better); ``train_uniformity``, from 0 (all vectors equal) to
        negative values (vectors spread over the sphere); ``train_effective_rank``, the number of
        directions that the embeddings of a batch use, at most ``batch_size - 1``.
    n_iter_ : int
        Number of epochs trained.
    callbacks_ : list
        The trained copies of ``callbacks``.
    normalizer_ : torch.nn.Module
        The fitted normalization, which is applied before the network.
    n_features_in_ : int
        Number of features seen during `fit`: leads for 3-D arrays and lead frames, rows of pixels
        for images, columns for 2-D rows.
    feature_names_in_ : ndarray of str
        Names of the columns of X. Only defined if X is a DataFrame.
    n_leads_in_, n_times_in_ : int
        Number of leads of the records, and of time points of a lead.
    lead_names_in_ : tuple of str or None
        Standardized names of the leads; None if they are unknown.
    sampling_rate_in_ : float or None
        Sampling rate of the records seen in `fit` (Hz), if a frame or a parameter states it.
    units_in_ : str or None
        Unit of the records seen in `fit`, if a frame states it.

    See Also
    --------
    ACLECGClassifier : Fine-tune an encoder, or train a linear classifier on it.

    Notes
    -----
    Statistics for ``normalize`` are those of the leads in a region only. All losses depend on the
    other records of a batch, which are the negatives of the contrastive ones, so ``batch_size``
    matters. The paper trains 200 epochs with Adam, which is AdamW with ``weight_decay=0``.

    On PTB-XL, linear probes were better with records that were filtered before (0.5-40 Hz, see
    `sklearn_ecg.preprocessing.BandpassFilter`) and, with few labels, with
    ``normalize="record_lead"``, with up to 80 epochs, and with ``gamma=0``. Without the mask of
    heart cycles they were as good.

    After training, the statistics of BatchNorm are recomputed over the training records without
    augmentation. This is also done for the random initialization (``max_epochs=0``), which makes
    that baseline stronger. It is a choice of this library, as is everything that the paper leaves
    open: the ranges of the augmentation, the width of the projectors, the schedule. Always compare
    an embedding with that of ``max_epochs=0``: random encoders are a strong baseline.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3), 1080. doi:10.3390/s26031080
    .. [2] Chen et al. (2020). A simple framework for contrastive learning of visual
       representations. arXiv:2002.05709
    .. [3] Kiyasseh, Zhu, Clifton (2021). CLOCS: contrastive learning of cardiac signals across
       space, time, and patients. ICML. arXiv:2005.13249
    .. [4] Liu et al. (2025). Lead-fusion Barlow twins: a fused self-supervised learning method for
       multi-lead electrocardiograms. Information Fusion 114, 102698.
       doi:10.1016/j.inffus.2024.102698

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ecg import ACLECGEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(60, duration=2, prevalence=0.5, return_X_y=True, random_state=0)
    >>> encoder = ACLECGEncoder(sampling_rate=100, max_epochs=2, random_state=0)
    >>> encoder.fit(X).transform(X).shape
    (60, 512)
    >>> encoder.regions_["septal"]
    ('V1', 'V2')
    >>> model = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    >>> model.fit(X, y).predict(X).shape
    (60,)

    The regions require the names of their leads:

    >>> encoder.fit(X[:, :8])
    Traceback (most recent call last):
        ...
    ValueError: Regions need the names of the leads, which are unknown (lead_names=None). ...
    """

    def __init__(
        self,
        *,
        regions: str | Mapping[str, Sequence[str]] = "anatomical",
        objective="acl",
        inter="align",
        gamma=0.5,
        temperature=0.1,
        backbone: str | Callable = "vgg",
        shared_encoder=False,
        projection_dim=256,
        augmentation: str | Callable | Sequence[Callable] = "paper",
        normalize: str | None = "record",
        max_epochs=50,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=0.0,
        gradient_clip=None,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device: str | torch.device = "auto",
        n_threads: int | None = 1,
        precision="float32",
        callbacks=None,
        checkpoint=None,
        checkpoint_every=1,
        random_state=None,
        verbose=0,
    ):
        self.regions = regions
        self.objective = objective
        self.inter = inter
        self.gamma = gamma
        self.temperature = temperature
        self.backbone = backbone
        self.shared_encoder = shared_encoder
        self.projection_dim = projection_dim
        self.augmentation = augmentation
        self.normalize = normalize
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.gradient_clip = gradient_clip
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.n_threads = n_threads
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **SelfSupervisedEncoder._parameter_constraints,
        **SignalInput.parameter_constraints,
        "sampling_rate": [Interval(Real, 0, None, closed="neither"), None],
        "normalize": SignalInput.normalize_constraint,
        "regions": [StrOptions({"anatomical", "random"}), Mapping],
        "objective": [StrOptions({"acl", "simclr", "clocs", "lfbt"})],
        "inter": [StrOptions({"align", "separate"})],
        "gamma": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "backbone": [StrOptions({"vgg", "strided"}), callable],
        "shared_encoder": ["boolean"],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "augmentation": [StrOptions({"paper"}), callable, list, tuple],
    }

    def fit(self, X, y=None):
        """Pretrain the encoders.

        If training is interrupted, by Ctrl-C or by an error, the estimator is left unfitted.
        With ``checkpoint``, the next `fit` with the same parameters and data continues.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored; present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the container of X is ambiguous, or X contains NaN or infinity; if leads of a region
            are missing or unnamed; if regions differ in their number of leads with
            ``inter="separate"``, or the objective has no such term; if the vectors of the backbone
            do not suit; if R-peaks are needed and ``sampling_rate`` is None; if the loss becomes
            non-finite.
        PersistenceError
            If the checkpoint of this fit is damaged. This is a `ValueError`.
        OSError
            If ``checkpoint`` is no writable folder, or its disk is full.
        TypeError
            If X contains objects that are neither numbers nor signals.

        Warns
        -----
        ConvergenceWarning
            If X contains a single record, or the embedding has collapsed.
        """
        return self._fit(X)

    def _make_augmentation(self):
        if not isinstance(self.augmentation, str):
            return Compose(self.augmentation)
        if self.sampling_rate is None:
            raise ValueError(
                "augmentation='paper' masks heart cycles and shifts by seconds, which requires "
                "sampling_rate, but sampling_rate is None. Pass the time points per second (Hz), "
                "as in sampling_rate=100, or another augmentation."
            )
        rate = {"sampling_rate": self.sampling_rate}
        return Compose([RandomScaleCrop(), CardiacCycleMask(**rate), TemporalShift(**rate)])

    def _make_network(self, data):
        return ACLECGNet(
            data.n_channels,
            [[self.leads_.index(lead) for lead in leads] for leads in self.regions_.values()],
            make_backbone=_BACKBONES[self.backbone]
            if isinstance(self.backbone, str)
            else self.backbone,
            shared_encoder=self.shared_encoder,
            shared_projector=self.inter == "separate" or self.objective == "clocs",
            projection_dim=self.projection_dim,
            unit_projections=self.objective != "lfbt",
            n_times=(self.n_times_in_, self.n_times_in_ // 2)
            if self._compares_halves()
            else self.n_times_in_,
            dtype=self._torch_dtype,
        )

    def _make_loss(self, data):
        return ACLECGLoss(
            gamma=self.gamma,
            inter=self.inter,
            temperature=self.temperature,
            objective="acl" if self.objective == "simclr" else self.objective,
        )

    def _compares_halves(self):
        return self.objective == "clocs"

    @property
    def _collapse_remedy(self):
        lower = "learning_rate" if self.objective == "lfbt" else "learning_rate or temperature"
        return f"Lower {lower}, increase batch_size or gamma, use a weaker augmentation"

    def _set_method_attributes(self, data):
        """Set the regions and their leads."""
        objective, names = self.objective, self.lead_names_in_
        if self.inter == "separate" and objective in _OF_SINGLE_LEADS:
            raise ValueError(
                f"inter='separate' makes the regions of a record repel each other, but "
                f"objective={objective!r} compares single leads, which attract each other. Pass "
                "inter='align', or objective='acl'."
            )
        if self._compares_halves() and self.n_times_in_ < 2:
            raise ValueError(
                f"objective='clocs' compares the halves of records, but X has {self.n_times_in_} "
                "time point per lead. Pass longer records."
            )
        try:
            regions = lead_regions(names, self._named_regions(data.seed))
        except ValueError as error:
            if names is None and objective != "acl" and isinstance(self.regions, str):
                raise ValueError(
                    f"The names of the {self.n_leads_in_} leads are unknown. "
                    f"objective={objective!r} compares {_COMPARED[objective]} by any leads, but "
                    "names them in regions_ and leads_: pass lead_names, as in ['I', 'V2'], or a "
                    "lead frame (see to_lead_frame)."
                ) from error
            if names is None or not isinstance(self.regions, str):
                raise
            raise ValueError(
                f"{error} To contrast the leads of X, pass regions with at least two regions, as "
                "in regions={'limb': ['I'], 'chest': ['V2']}. The objectives 'simclr', 'clocs' and "
                "'lfbt' need no regions and work with a single lead."
            ) from None
        if objective != "acl":
            leads = list(dict.fromkeys(i for positions in regions.values() for i in positions))
            regions = {"record": leads}
            if objective in _OF_SINGLE_LEADS:
                regions = {names[i]: [i] for i in leads}
        self.regions_ = {key: tuple(names[i] for i in leads) for key, leads in regions.items()}
        self.leads_ = tuple(dict.fromkeys(i for leads in self.regions_.values() for i in leads))

    def _named_regions(self, seed):
        """Return the names of the leads of each region."""
        if not isinstance(self.regions, str):
            return self.regions
        names, leads = self.lead_names_in_, [i for region in REGIONS_8.values() for i in region]
        if self.objective != "acl" and names is not None and not set(leads) <= set(names):
            return {"record": list(names)}
        if self.regions == "anatomical":
            return REGIONS_8
        drawn = check_random_state(seed).permutation(leads)
        return {f"random {i + 1}": drawn[2 * i : 2 * i + 2].tolist() for i in range(4)}

    def _requirements(self):
        # In order, because the projectors of the regions are not interchangeable.
        return {**super()._requirements(), "regions": list(self.regions_.items())}

    def _make_normalizer(self):
        positions = [self.lead_names_in_.index(lead) for lead in self.leads_]
        return LeadNormalizer(self.normalize, self.n_leads_in_, positions)

    def _find_r_peaks(self, data):
        """Return R-peaks as a padded tensor if the augmentation needs them.

        Records with unreliable R-peaks have none.
        """
        if not data.augmentation.needs_peaks or self.max_epochs == 0:
            return None
        rate = check_sampling_rate(self.sampling_rate)
        is_lazy = isinstance(data.records, LazyRecords)
        peaks = []
        for part in array_chunks(data.records, LAZY) if is_lazy else [slice(None)]:
            signals = np.asarray(data.records[part])
            rhythm = detect_r_peaks(signals, rate, lead_names=self.lead_names_in_)
            reliable = rhythm.reliability >= _MIN_RELIABILITY
            peaks += [found if good else found[:0] for found, good in zip(rhythm.peaks, reliable)]
        return torch.as_tensor(pad_peaks(peaks), dtype=self._torch_dtype)
