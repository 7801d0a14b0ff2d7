"""Find what an estimator computes, and make torch modules of it that can be exported."""

import copy
from numbers import Integral

import numpy as np
import torch
from sklearn.base import is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from ..calibration import (
    MultilabelCalibratedClassifierCV,
    MultilabelTunedThresholdClassifierCV,
)
from ..deep import DeepECG
from ..imbalance import PriorCorrectedClassifier
from ..imbalance._probability_maps import _SMALLEST
from ..leads._derived import LIMB_LEAD_WEIGHTS
from ..preprocessing import (
    BandpassFilter,
    BaselineRemover,
    Clipper,
    Cropper,
    ECGImageRenderer,
    LeadDeriver,
    LeadScaler,
    NotchFilter,
    Resampler,
)
from ..preprocessing._leads import LeadSubsetTransformer
from ..utils._container import PersistenceError
from ..utils._module_arrays import copy_module
from ..utils._torch import convert_module
from . import _onnx_modules as modules

# Matrices of filters: 5000 time points, 10 seconds at 500 Hz, take 200 MB.
_MAX_MATRIX = 2**25


class ExportableParts:
    """The modules of an estimator.

    Parameters
    ----------
    estimator : estimator object
        Fitted.

    Attributes
    ----------
    model : torch.nn.Module
        Returns `Outputs`.
    chain : list of estimator
        The transformers of signals through which X passes, and the network.
    networks : list of DeepECG
        Several for a calibrated ensemble.
    network_modules : list of NetworkOutputs
    thresholds : ndarray of shape (n_labels,), float or None
        Thresholds of the probabilities, of a classifier that predicts with thresholds.
    is_isotonic : bool
        Whether there is an isotonic calibrator.

    Raises
    ------
    PersistenceError
        If a part cannot be exported.
    """

    def __init__(self, estimator):
        self.chain, self.networks, self.network_modules = [], [], []
        self.thresholds = None
        self.is_isotonic = False
        self._is_first = True
        self.model = self._build(estimator, type(estimator).__name__)
        is_plain = self.model.has_decision
        for module in self.network_modules:
            module.dtype = torch.float32 if is_plain else torch.float64

    @property
    def network(self):
        """The network, or the first one of an ensemble."""
        return self.networks[0]

    def _build(self, estimator, where):
        """Return a module that returns `Outputs`."""
        if isinstance(estimator, DeepECG):
            return self._network(estimator, where)
        if isinstance(estimator, Pipeline):
            return self._pipeline(estimator, where)
        if isinstance(estimator, FrozenEstimator):
            return self._build(estimator.estimator, f"{where}.estimator")
        if isinstance(estimator, BaseSearchCV) and hasattr(estimator, "best_estimator_"):
            return self._build(estimator.best_estimator_, f"{where}.best_estimator_")
        if isinstance(
            estimator,
            (
                FixedThresholdClassifier,
                MultilabelTunedThresholdClassifierCV,
                TunedThresholdClassifierCV,
            ),
        ):
            model = self._build(_fitted(estimator), f"{where}.estimator_")
            self.thresholds = _thresholds(estimator, where)
            return model
        if isinstance(estimator, CalibratedClassifierCV):
            return self._calibrated(estimator, where, self._calibrated_pair)
        if isinstance(estimator, MultilabelCalibratedClassifierCV):
            return self._calibrated(estimator, where, self._multilabel_calibrated_pair)
        if isinstance(estimator, PriorCorrectedClassifier):
            model = self._build(estimator.estimator_, f"{where}.estimator_")
            self.thresholds = None
            return _prior_corrected(estimator, model)
        raise PersistenceError(
            f"{where} is a {type(estimator).__name__}, which cannot be exported to ONNX. A network "
            "of sklearn_ecg can be, alone, as the last step of a Pipeline, calibrated, prior-"
            "corrected or with thresholds. Export its network, and apply the rest after inference."
        )

    def _network(self, estimator, where):
        if is_regressor(estimator):
            raise PersistenceError(
                f"{where} is {type(estimator).__name__}, a regressor, which cannot be exported to "
                "ONNX. Use sklearn_ecg.persistence.save."
            )
        if estimator.net_.mixed_precision:
            raise PersistenceError(
                f"{where} has precision='mixed' and predicts in bfloat16, which ONNX files do not "
                "reproduce. Set its net_.mixed_precision to False, so that it predicts in float32 "
                "as well, and score it again."
            )
        network = convert_module(copy_module(estimator.net_.module_).cpu(), torch.float32).eval()
        normalizer = copy.deepcopy(estimator.normalizer_).cpu().to(torch.float32)
        if estimator._input.is_image:
            is_bytes = estimator.image_kind_in_ == "bytes"
            normalizer = modules.ImageInput(normalizer, estimator.image_shape_in_, is_bytes)
        kind = estimator._target_kind if hasattr(estimator, "classes_") else None
        module = modules.NetworkOutputs(network.requires_grad_(False), normalizer, kind, None)
        self.networks.append(estimator)
        self.network_modules.append(module)
        if self._is_first:
            self.chain.append(estimator)
            self._is_first = False
        return module

    def _pipeline(self, pipeline, where):
        steps = []
        for i, (name, step) in enumerate(pipeline.steps[:-1]):
            # Samplers act in fit only.
            if step is None or step == "passthrough" or hasattr(step, "fit_resample"):
                continue
            place = f"{where}.steps[{i}] ({name!r})"
            if isinstance(step, DeepECG):
                raise PersistenceError(
                    f"{place} is a {type(step).__name__} with further steps behind it, which "
                    f"cannot be exported to ONNX. Export {where}[:{i + 1}], and apply these to the "
                    "embedding that the file computes; or train a linear classifier on the encoder "
                    "with ACLECGClassifier or SimCardioNetClassifier(frozen=True)."
                )
            steps.append(_step(step, place, f"{where}[{i + 1}:]"))
            if self._is_first:
                self.chain.append(step)
        model = self._build(pipeline.steps[-1][1], f"{where}.steps[{len(pipeline.steps) - 1}]")
        return modules.Steps(steps, model) if steps else model

    def _calibrated(self, estimator, where, make_pair):
        pairs = estimator.calibrated_classifiers_
        models = [
            make_pair(pair, f"{where}.calibrated_classifiers_[{i}]") for i, pair in enumerate(pairs)
        ]
        self.thresholds = None
        return models[0] if len(models) == 1 else modules.Mean(models)

    def _calibrated_pair(self, pair, where):
        model = self._build(pair.estimator, f"{where}.estimator")
        of_decision = hasattr(pair.estimator, "decision_function")
        return modules.Calibrated(model, [self._map(pair, of_decision, where)], of_decision, False)

    def _multilabel_calibrated_pair(self, pair, where):
        model = self._build(pair.estimator, f"{where}.estimator")
        of_decision = pair.response_method == "decision_function"
        maps = []
        for calibrator in pair.calibrators:
            (fitted,) = calibrator.calibrated_classifiers_
            maps.append(self._map(fitted, of_decision, where))
        return modules.Calibrated(model, maps, of_decision, pair.kind == "multilabel")

    def _map(self, pair, of_decision, where):
        """Return the map of the calibrators that scikit-learn fitted for a classifier."""
        if pair.method == "temperature":
            return modules.TemperatureMap(np.ravel(pair.calibrators[0].beta_)[0], of_decision)
        if pair.method == "isotonic":
            self.is_isotonic = True
            maps = [modules.IsotonicMap(c.X_thresholds_, c.y_thresholds_) for c in pair.calibrators]
        elif pair.method == "sigmoid":
            maps = [modules.SigmoidMap(c.a_, c.b_) for c in pair.calibrators]
        else:
            raise PersistenceError(
                f"{where} has method={pair.method!r}, which cannot be exported to ONNX. Calibrate "
                "with 'sigmoid', 'isotonic' or 'temperature'."
            )
        positions = np.searchsorted(pair.classes, pair.estimator.classes_).tolist()
        return modules.OneVsRestMap(maps, positions, len(pair.classes))


def _fitted(estimator):
    """Return the classifier inside a classifier with a threshold."""
    return getattr(estimator, "estimator_", None) or estimator.estimator


def _thresholds(estimator, where):
    """Return the thresholds of the probabilities of the second class, or of each label."""
    is_ours = isinstance(estimator, MultilabelTunedThresholdClassifierCV)
    if isinstance(estimator, FixedThresholdClassifier):
        method, threshold = estimator.response_method, estimator.threshold
        positives, threshold = [estimator.pos_label], 0.5 if threshold == "auto" else threshold
    else:
        method = estimator._response if is_ours else estimator.response_method
        threshold, searches = estimator.best_threshold_, [estimator]
        if is_ours:
            searches = [search for search in estimator._tuners if search is not None]
        positives = [search._curve_scorer._get_pos_label() for search in searches]
    if method not in ("auto", "predict_proba"):
        raise PersistenceError(
            f"{where} has a threshold of {method}, but ONNX files return probabilities. Fit it "
            "with response_method='predict_proba', or export its estimator_."
        )
    second = 1 if is_ours and estimator._target_kind == "multilabel" else estimator.classes_[1]
    if any(positive is not None and positive != second for positive in positives):
        raise PersistenceError(
            f"{where} has a threshold of the probability of another class than {second!r}, the "
            "second one. Export its estimator_, and apply the threshold after inference."
        )
    return threshold


def _step(step, where, rest):
    """Return the module of a transformer of signals."""
    if isinstance(step, LeadScaler):
        return _scaler(step, where)
    if isinstance(step, LeadSubsetTransformer):
        return modules.TakeLeads(step.positions_)
    if isinstance(step, LeadDeriver):
        return _deriver(step)
    if isinstance(step, Clipper):
        limits = (step.low, step.high)
        return modules.Clip(*(None if limit is None else float(limit) for limit in limits))
    if isinstance(step, Cropper) and step.position != "random":
        return _crop(step)
    is_median = isinstance(step, BaselineRemover) and step.method == "median"
    if isinstance(step, (BandpassFilter, BaselineRemover, NotchFilter, Resampler)):
        if not is_median:
            return _time_matrix(step, where)
    remedy = f"Export {where.split('.steps')[0]}{rest[rest.rindex('[') :]}, and apply this step"
    if isinstance(step, ECGImageRenderer):
        raise PersistenceError(
            f"{where} is an ECGImageRenderer, which draws images and cannot be exported to ONNX. "
            f"{remedy} before inference: the file then takes images."
        )
    what = type(step).__name__
    what += "(method='median')" if is_median else ""
    what += "(position='random')" if isinstance(step, Cropper) else ""
    raise PersistenceError(
        f"{where} is a {what}, which cannot be exported to ONNX. Steps can be that scale, select, "
        f"derive or filter leads in a fixed way. {remedy} before inference."
    )


def _scaler(step, where):
    """Return the module of a LeadScaler."""
    if step.normalize in ("record", "record_lead"):
        if step.fill == "zero":
            raise PersistenceError(
                f"{where} is LeadScaler(normalize={step.normalize!r}, fill='zero'), whose "
                "statistics of records with missing leads cannot be exported to ONNX. Use "
                "normalize='dataset' or fill='nan'."
            )
        return modules.RecordScale((1, 2) if step.normalize == "record" else (2,))
    is_fixed = step.normalize == "dataset"
    scale = modules.FixedScale(step.mean_, step.scale_) if is_fixed else torch.nn.Identity()
    return torch.nn.Sequential(scale, modules.FillNaN()) if step.fill == "zero" else scale


def _deriver(step):
    names = step.lead_names_in_
    leads = []
    for lead in step.leads_out_:
        if lead in names:
            leads.append((names.index(lead), 0.0, 0.0))
        else:
            leads.append((None, *LIMB_LEAD_WEIGHTS[lead]))
    is_derived = any(position is None for position, *_ in leads)
    limb_leads = tuple(names.index(lead) for lead in ("I", "II")) if is_derived else (0, 0)
    return modules.DeriveLeads(leads, limb_leads)


def _crop(step):
    n_times = step._output_n_times()
    last_start = step.n_times_in_ - n_times
    starts = {"start": 0, "center": last_start // 2, "end": last_start}
    is_number = isinstance(step.position, Integral)
    return modules.Crop(int(step.position) if is_number else starts[step.position], n_times)


def _time_matrix(step, where):
    """Return a linear filter as a matrix: its responses to an impulse at each time point."""
    size = step.n_times_in_ * step._output_n_times()
    if size > _MAX_MATRIX:
        raise PersistenceError(
            f"{where} is a {type(step).__name__} of records of {step.n_times_in_} time points, "
            f"which would take {size * 8 / 2**20:.0f} MiB in the ONNX file. Export the steps "
            "behind it, and apply it before inference."
        )
    return modules.TimeMatrix(step._transform(np.eye(step.n_times_in_)[None])[0])


def _prior_corrected(estimator, model):
    """Return the module of a PriorCorrectedClassifier."""
    is_multilabel = estimator._target_kind == "multilabel"
    prevalence, maps = estimator.effective_prevalence_, None
    if estimator.maps_ is not None:
        prevalence = estimator._held_out_prevalence
        maps = [(fitted.slope, fitted.intercepts) for fitted in estimator.maps_]
    wanted, ratio = estimator.target_prevalence_, None
    if not np.array_equal(prevalence, wanted):
        ratio = wanted / prevalence
        if is_multilabel:
            ratio = np.stack([(1 - wanted) / (1 - prevalence), ratio])
    return modules.PriorCorrected(model, maps, _SMALLEST, ratio, is_multilabel)
