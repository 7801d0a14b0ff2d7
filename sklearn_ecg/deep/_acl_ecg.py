"""ACL-ECG: self-supervised embeddings by contrast of anatomical regions, and fine-tuning."""

from collections.abc import Mapping
from numbers import Integral, Real

import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from ..augmentation import CardiacCycleMask, Compose, RandomScaleCrop, TemporalShift, pad_peaks
from ..beats._rhythm import check_sampling_rate, detect_r_peaks
from ..leads import REGIONS_8, lead_regions
from ..nn._acl_ecg import ACLECGNet, VGG1d
from ..nn._normalizers import LeadNormalizer
from ..nn._self_supervised_losses import ACLECGLoss
from ..utils._torch import as_tensor
from ._pretraining import FineTunedClassifier, SelfSupervisedEncoder
from ._training import ParameterGroup

# R-peaks of records less reliable than this are not used; see `sklearn_ecg.detect_r_peaks`.
_RELIABLE = 0.5


class ACLECGEncoder(SelfSupervisedEncoder):
    r"""ACL-ECG: embeddings of unlabelled records, learnt by contrast of anatomical regions.

    Two random views of every record are compared [1]_. Each lead has an encoder of its own, and
    the vectors of a region's leads are projected together. Views of the same region of a record
    attract each other (*intra*), and so do its different regions (*inter*); other records repel:
    :math:`L = \gamma L_\text{intra} + (1 - \gamma) L_\text{inter}`. The embedding is the
    vectors of all leads side by side, before the projection. Labels are not used.

    Parameters
    ----------
    regions : {"anatomical", "random"} or mapping of str to list of str, default="anatomical"
        The regions and their leads. "anatomical": inferior (II, III), septal (V1, V2), anterior
        (V3, V4) and lateral (V5, V6), the paper's, which are `sklearn_ecg.REGIONS_8`. "random": the
        same eight leads in four pairs drawn by ``random_state``, the control that shows whether
        anatomy matters. Leads are taken by name; those in no region are not read.
    objective : {"acl", "simclr"}, default="acl"
        "simclr" compares whole records in place of regions [2]_, with the same leads, encoders and
        views. ``max_epochs=0`` is the other baseline: encoders at their random start.
    inter : {"align", "separate"}, default="align"
        "align": different regions of a record attract each other, and never repel, as the
        paper's equation is reported. "separate": they are among the negatives of the intra
        term, which makes regions discriminable, as the paper's abstract has it.
    gamma : float, default=0.5
        Weight of the intra term, in [0, 1]: 1 is intra only, 0 is inter only.
    temperature : float, default=0.1
        Temperature :math:`\tau > 0` of the losses.
    backbone : {"vgg"} or callable, default="vgg"
        The encoder of a lead. "vgg" is a narrow 1-D VGG of 13 convolutions. A callable
        ``backbone(1)`` makes a module that maps signals (batch, 1, time) to vectors
        (batch, n_features).
    shared_encoder : bool, default=False
        One encoder for all leads in place of one each.
    projection_dim : int, default=256
        Width of the projectors, three linear layers per region. Default of this library.
    augmentation : {"paper"}, callable or list of callables, default="paper"
        The random views. "paper": `RandomScaleCrop`, `CardiacCycleMask` and `TemporalShift` of
        `sklearn_ecg.augmentation`, whose ranges are defaults of this library. R-peaks are found
        once per record, and travel through the views. A record whose R-peaks cannot be relied on
        is masked in random segments.
    normalize : {"dataset", "record", "record_lead"} or None, default="record"
        As of `MSAICNetClassifier`, over the leads that are read. "record" keeps the ratios between
        leads.
    max_epochs : int, default=50
        Passes over the training records; the paper makes 200. Default of this library.
    batch_size : int, default=64
        Records in a batch, at least 2; each has two views. The other records of a batch are the
        negatives. A trailing batch of one joins the one before.
    learning_rate : float, default=1e-3
        Largest learning rate of AdamW.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine": linear warm-up over the first tenth of the steps, then half a cosine to 0.
        Default of this library.
    weight_decay : float, default=0
        Decoupled weight decay, >= 0. With 0 AdamW is the paper's Adam.
    warm_start : bool, default=False
        Go on from the weights and the normalisation of the previous fit; the optimizer starts
        anew. The network, ``normalize`` and the leads must be those of that fit.
    n_leads : int or None, default=None
        Number of leads. Needed for 2-D rows, ``(n_records, n_leads * n_times)``.
    lead_names : array-like of str or None, default=None
        Names of the leads. None takes the columns of a lead frame; twelve unnamed leads are
        taken to be in standard order (I, II, III, aVR, aVL, aVF, V1-V6).
    sampling_rate : float or None, default=None
        In Hz, from 100 to 1000. Needed by the paper's views.
    device : str or torch.device, default="auto"
        Where to train and embed; "auto" is CUDA where there is one, else the CPU.
    precision : {"float32", "float64", "mixed"}, default="float32"
        "mixed" runs the network in bfloat16 where that is safe, for GPUs; losses stay in float32.
    callbacks : list of skorch callbacks or None, default=None
        Copied before training; the copies are in ``callbacks_``.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, batches, views and random regions. Two fits with the same int, on a
        CPU with the same number of threads, are equal bit by bit.
    verbose : int, default=0
        Print a line per epoch.

    Attributes
    ----------
    regions_ : dict of str to tuple of str
        The regions that were contrasted, and their leads.
    leads_ : tuple of str
        The leads that are read, in the order of the embedding.
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``train_loss`` and, as means over the batches, its parts
        ``train_intra`` and ``train_inter``; ``train_alignment``, the mean squared distance of two
        views of a region (lower is better); ``train_uniformity``, from 0 (all vectors equal)
        down (spread over the sphere); ``train_effective_rank``, the number of directions that
        the embeddings of a batch use, at most ``batch_size - 1``.
    callbacks_ : list
        The fitted callbacks.
    normalizer_ : torch.nn.Module
        The fitted normalisation.
    n_features_in_ : int
        Columns of X: leads, or time points of all leads for 2-D rows.
    feature_names_in_ : ndarray of str
        Columns of X, when X was a frame.
    n_leads_in_, n_times_in_ : int
        Leads of the records and time points of a lead.
    lead_names_in_ : tuple of str
        Names of the leads in standard spelling.

    See Also
    --------
    ACLECGClassifier : Fine-tunes an encoder, or trains a linear classifier on it.

    Notes
    -----
    After training, the statistics of BatchNorm are taken anew over the training records as they
    are, without views; at a random start (``max_epochs=0``) as well, which makes that baseline
    stronger than untouched statistics do. This, too, is a default of this library.

    What the paper leaves open is a default of this library: the ranges of the views, the width
    of the projectors, the schedule. Judge an embedding beside that of ``max_epochs=0``: random
    encoders are a strong baseline.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3), 1080. doi:10.3390/s26031080
    .. [2] Chen et al. (2020). A simple framework for contrastive learning of visual
       representations. arXiv:2002.05709

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

    The regions need the names of their leads:

    >>> encoder.fit(X[:, :8])
    Traceback (most recent call last):
        ...
    ValueError: Regions need the names of the leads, which are unknown (lead_names=None). ...
    """

    def __init__(
        self,
        *,
        regions="anatomical",
        objective="acl",
        inter="align",
        gamma=0.5,
        temperature=0.1,
        backbone="vgg",
        shared_encoder=False,
        projection_dim=256,
        augmentation="paper",
        normalize="record",
        max_epochs=50,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=0.0,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device="auto",
        precision="float32",
        callbacks=None,
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
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **SelfSupervisedEncoder._parameter_constraints,
        "regions": [StrOptions({"anatomical", "random"}), Mapping],
        "objective": [StrOptions({"acl", "simclr"})],
        "inter": [StrOptions({"align", "separate"})],
        "gamma": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "backbone": [StrOptions({"vgg"}), callable],
        "shared_encoder": ["boolean"],
        "projection_dim": [Interval(Integral, 1, None, closed="left")],
        "augmentation": [StrOptions({"paper"}), callable, list, tuple],
    }
    _against_collapse = "gamma"

    def fit(self, X, y=None):
        """Pretrain the encoders.

        Interrupted by Ctrl-C or by an error, the estimator is left unfitted.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : None
            Ignored; present for pipelines.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For signals that cannot be read without guessing, hold NaN or infinity; for leads that
            a region needs and that are missing or unnamed; without a ``sampling_rate`` where
            R-peaks are needed; for a non-finite loss.

        Warns
        -----
        ConvergenceWarning
            For a single record, which has nothing to be compared with, and an embedding that
            has collapsed.
        """
        return self._fit(X)

    def _settle(self, seed):
        names = self.lead_names_in_
        regions = lead_regions(names, self._region_leads(seed))
        self.regions_ = {key: tuple(names[i] for i in leads) for key, leads in regions.items()}
        self.leads_ = tuple(dict.fromkeys(i for leads in self.regions_.values() for i in leads))

    def _fit_normalizer(self, records):
        positions = [self.lead_names_in_.index(lead) for lead in self.leads_]
        normalizer = LeadNormalizer(self.normalize, self.n_leads_in_, positions)
        return normalizer.to(self._torch_dtype).fit(as_tensor(records))

    def _make_network(self):
        return ACLECGNet(
            len(self.leads_),
            [[self.leads_.index(lead) for lead in leads] for leads in self.regions_.values()],
            make_backbone=VGG1d if isinstance(self.backbone, str) else self.backbone,
            shared_encoder=self.shared_encoder,
            projection_dim=self.projection_dim,
            n_times=self.n_times_in_,
            dtype=self._torch_dtype,
        )

    def _make_loss(self):
        return ACLECGLoss(gamma=self.gamma, inter=self.inter, temperature=self.temperature)

    def _region_leads(self, seed):
        """The leads of every region that is contrasted, by name."""
        regions = self.regions
        if isinstance(regions, str):
            regions = REGIONS_8
            if self.regions == "random":
                leads = [lead for region in regions.values() for lead in region]
                drawn = check_random_state(seed).permutation(leads)
                regions = {f"random {i + 1}": drawn[2 * i : 2 * i + 2].tolist() for i in range(4)}
        if self.objective == "simclr":
            regions = {"record": list(dict.fromkeys(i for r in regions.values() for i in r))}
        return regions

    def _make_views(self):
        if not isinstance(self.augmentation, str):
            return Compose(self.augmentation)
        if self.sampling_rate is None:
            raise ValueError(
                "sampling_rate is missing: augmentation='paper' masks heart cycles and shifts by "
                "seconds. Pass the time points per second (Hz), as in sampling_rate=100, or other "
                "views."
            )
        rate = {"sampling_rate": self.sampling_rate}
        return Compose([RandomScaleCrop(), CardiacCycleMask(**rate), TemporalShift(**rate)])

    def _r_peaks(self, records, views):
        """R-peaks as a padded tensor, where a view asks for them; none of unreliable records."""
        if not views.needs_peaks or self.max_epochs == 0:
            return None
        rate = check_sampling_rate(self.sampling_rate)
        rhythm = detect_r_peaks(records, rate, lead_names=self.lead_names_in_)
        reliable = rhythm.reliability >= _RELIABLE
        peaks = [found if good else found[:0] for found, good in zip(rhythm.peaks, reliable)]
        return torch.as_tensor(pad_peaks(peaks), dtype=self._torch_dtype)


class ACLECGClassifier(FineTunedClassifier):
    """Fine-tune an ACL-ECG encoder, or train a linear classifier on it.

    Parameters
    ----------
    encoder : ACLECGEncoder, FrozenEstimator or None, default=None
        None: a default encoder, and an unfitted encoder, is pretrained inside `fit` on the same
        records, so that ``encoder__max_epochs`` can be searched. ``FrozenEstimator(encoder)`` with
        a fitted encoder: a copy of it is used, and nothing is pretrained. A fitted encoder that
        is not frozen is cloned unfitted, as everywhere in scikit-learn.
    frozen : bool, default=False
        Leave the encoder as it is and train a linear classifier on its standardised
        embedding: a linear probe.
    encoder_learning_rate : float, default=1e-4
        Largest learning rate of the encoder [1]_; that of the new linear layer is
        ``learning_rate``. Not used with ``frozen=True``.
    unlabeled : int, str or None, default=None
        The label that marks records which are pretrained on, but not trained on. In a multilabel
        target, a row that holds nothing else. It is not one of ``classes_``. None: all
        records have labels.
    augmentation : callable, list of callables or None, default=None
        Random views of training batches, such as those of `sklearn_ecg.augmentation`, in
        fine-tuning. Not with ``frozen=True``.
    class_weight : {"balanced"}, dict, list of dict or None, default=None
        As of `MSAICNetClassifier`.
    max_epochs : int, default=30
        Passes over the labelled records.
    batch_size : int, default=32
        Labelled records in a batch, at least 2. A trailing batch of one joins the one before.
    learning_rate : float, default=1e-3
        Largest learning rate of AdamW, of the linear layer.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        "cosine": linear warm-up over the first tenth of the steps, then half a cosine to 0.
    weight_decay : float, default=1e-2
        Decoupled weight decay of AdamW, >= 0.
    early_stopping : bool, default=False
        Set a part of the labelled records aside, stop when its loss has not improved for
        ``n_iter_no_change`` epochs, and keep the weights of the best epoch. An encoder that is
        pretrained inside `fit` sees these records, without labels.
    validation_fraction : float, default=0.1
        Share of the labelled records set aside with ``early_stopping=True``, in (0, 1).
    n_iter_no_change : int, default=10
        Epochs without improvement that stop the training, with ``early_stopping=True``.
    warm_start : bool, default=False
        Go on from the previous fit's weights, encoder included; nothing is pretrained.
    n_leads, lead_names, sampling_rate, device, precision
        As of `ACLECGEncoder`. An encoder of ``encoder=None`` is given these; any other has its
        own ``sampling_rate``.
    callbacks : list of skorch callbacks or None, default=None
        Copied before training; the copies are in ``callbacks_``.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, batches, views and the validation split, and an unfitted encoder
        that has no ``random_state``.
    verbose : int, default=0
        Print a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the numbers of its columns.
    encoder_ : ACLECGEncoder
        The encoder as it was before fine-tuning.
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is the network.
    history_ : dict of ndarrays of shape (n_epochs,)
        ``epoch``, ``learning_rate``, ``encoder_learning_rate``, ``train_loss``, with early stopping
        ``valid_loss``, and what callbacks record. That of pretraining is ``encoder_.history_``.
    callbacks_ : list
        The fitted callbacks.
    normalizer_ : torch.nn.Module
        The normalisation, which is the encoder's.
    n_features_in_ : int
        Columns of X: leads, or time points of all leads for 2-D rows.
    feature_names_in_ : ndarray of str
        Columns of X, when X was a frame.
    n_leads_in_, n_times_in_ : int
        Leads of the records and time points of a lead.
    lead_names_in_ : tuple of str
        Names of the leads in standard spelling.

    See Also
    --------
    ACLECGEncoder : Pretrains, for pipelines that end in another classifier.

    References
    ----------
    .. [1] Liu, Wu, Yuan (2026). ACL-ECG. Sensors 26(3), 1080. doi:10.3390/s26031080

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_ecg import ACLECGClassifier, ACLECGEncoder
    >>> from sklearn_ecg.datasets import make_ecg
    >>> X, y = make_ecg(60, duration=2, prevalence=0.5, return_X_y=True, random_state=0)
    >>> encoder = ACLECGEncoder(sampling_rate=100, max_epochs=2, random_state=0).fit(X)
    >>> clf = ACLECGClassifier(FrozenEstimator(encoder), max_epochs=2, random_state=0)
    >>> clf.fit(X[:20], y[:20]).predict_proba(X).shape
    (60, 2)

    With few labels, the other records may be pretrained on in the same `fit`:

    >>> y[20:] = -1
    >>> encoder = ACLECGEncoder(sampling_rate=100, max_epochs=2)
    >>> clf = ACLECGClassifier(encoder, unlabeled=-1, frozen=True, random_state=0).fit(X, y)
    >>> clf.classes_
    array([0, 1])
    """

    def __init__(
        self,
        encoder=None,
        *,
        frozen=False,
        encoder_learning_rate=1e-4,
        unlabeled=None,
        augmentation=None,
        class_weight=None,
        max_epochs=30,
        batch_size=32,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        weight_decay=1e-2,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        warm_start=False,
        n_leads=None,
        lead_names=None,
        sampling_rate=None,
        device="auto",
        precision="float32",
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.frozen = frozen
        self.encoder_learning_rate = encoder_learning_rate
        self.unlabeled = unlabeled
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_leads = n_leads
        self.lead_names = lead_names
        self.sampling_rate = sampling_rate
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    _parameter_constraints = {
        **FineTunedClassifier._parameter_constraints,
        "encoder": [ACLECGEncoder, FrozenEstimator, None],
    }
    _encoder_class = ACLECGEncoder
    _passed_on = ("n_leads", "lead_names", "sampling_rate")

    def fit(self, X, y, sample_weight=None, groups=None):
        """Pretrain an encoder that is not fitted, then train on the labelled records.

        Interrupted by Ctrl-C or by an error, the estimator is left unfitted.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals or, with ``n_leads``, rows of shape (n_records, n_leads * n_times).
        y : array-like of shape (n_records,) or (n_records, n_labels)
            Class labels of any type, or a multilabel indicator of 0 and 1; ``unlabeled`` where
            there is none.
        sample_weight : array-like of shape (n_records,), default=None
            Weights >= 0 of the labelled records in the classification loss. A record of weight
            0 counts as removed, from pretraining too.
        groups : array-like of shape (n_records,), default=None
            Patients: with ``early_stopping=True`` the records of one group are either all
            trained on or all validated on.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For signals that cannot be read without guessing, hold NaN or infinity, or do not
            fit the encoder; for labels that are missing, of one class only or continuous; for a
            non-finite loss.
        """
        return self._fit_on_encoder(X, y, sample_weight, groups)

    def _groups(self):
        return [ParameterGroup("encoder", "encoder", self.encoder_learning_rate)]
