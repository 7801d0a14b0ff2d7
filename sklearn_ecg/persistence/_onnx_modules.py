"""What an ONNX file computes, as torch modules: steps, networks, and what stands behind them.

The modules of steps map signals to signals. Those of networks, and of what is around a network,
return `Outputs`. Probabilities are computed from the scores of the network in the same precision:
float64 if anything but the network changes them.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ..nn._user_module import UserModule


class Outputs(NamedTuple):
    """Results for a batch of records.

    Parameters
    ----------
    decision : tensor of shape (batch,), (batch, n_classes) or (batch, n_labels), or None
        What ``decision_function`` returns, if the estimator has it.
    probability : tensor of shape (batch, n_classes) or (batch, n_labels), or None
        None for encoders.
    scores : list of tensors of shape (batch, ...)
        Logits of each network, or the embedding.
    valid : list of tensors of shape (batch,)
        Whether the input of each network is free of NaN.
    """

    decision: torch.Tensor | None
    probability: torch.Tensor | None
    scores: list
    valid: list


class ExportedModel(nn.Module):
    """The whole file: probabilities and scores, or an embedding, in float32.

    The results of a record that contains infinity, or NaN in a lead that is used, are NaN, because
    maxima and comparisons of ONNX may ignore NaN.

    Parameters
    ----------
    model : torch.nn.Module
        Returns `Outputs`.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        outputs = self.model(x)
        values = outputs.scores[0] if outputs.probability is None else outputs.probability
        values = values.float()
        if x.is_floating_point():
            valid = torch.isinf(x).flatten(1).logical_not().all(dim=1)
            for part in outputs.valid:
                valid = valid & part
            values = torch.where(valid[:, None], values, torch.full_like(values, torch.nan))
        if outputs.probability is None:
            return values
        return values, torch.cat([scores.flatten(1) for scores in outputs.scores], dim=1)


class NetworkOutputs(nn.Module):
    """A network with its normalization.

    Parameters
    ----------
    network, normalizer : torch.nn.Module
    kind : {"binary", "multiclass", "multilabel"} or None
        None for an encoder.
    dtype : torch.dtype
        Precision of the scores and of the probabilities.
    """

    has_decision = True

    def __init__(self, network, normalizer, kind, dtype):
        super().__init__()
        self.network = network
        self.normalizer = normalizer
        self.kind = kind
        self.dtype = dtype
        # Relative change of the scores (absolute below 1), to find out what a small one does.
        self.shift = None

    def forward(self, x):
        valid = []
        if x.is_floating_point():
            valid = [torch.isnan(x).flatten(1).logical_not().all(dim=1)]
        x = self.normalizer(x)
        if self.kind is None:
            return Outputs(None, None, [self.network.embed(x)], valid)
        logits = self._logits(x).to(self.dtype)
        if self.shift is not None:
            logits = logits + self.shift * logits.abs().clamp(min=1)
        if self.kind == "multiclass":
            return Outputs(logits, torch.softmax(logits, dim=1), [logits], valid)
        positive = torch.sigmoid(logits)
        if self.kind == "multilabel":
            return Outputs(logits, positive, [logits], valid)
        probability = torch.cat([1 - positive, positive], dim=1)
        return Outputs(logits[:, 0], probability, [logits], valid)

    def _logits(self, x):
        if not isinstance(self.network, UserModule):
            return self.network.classifier(self.network.embed(x))
        output = self.network.module(x.clone(memory_format=torch.contiguous_format))
        return output[0] if isinstance(output, (tuple, list)) else output


class ImageInput(nn.Module):
    """Resize images and normalize them, as `ImageNormalizer` does.

    Parameters
    ----------
    normalizer : ImageNormalizer
    image_shape : tuple of int
        Height, width and channels of the input.
    is_bytes : bool
        Whether the images are bytes, which torch resizes with integer weights, and rounds after
        each of the two directions.
    """

    def __init__(self, normalizer, image_shape, is_bytes):
        super().__init__()
        self.normalizer = normalizer
        self.is_bytes = is_bytes
        self.directions = []
        # The width first, as in torch.
        for axis in (3, 2):
            before, after = image_shape[axis - 2], normalizer.size[axis - 2]
            if before == after:
                continue
            weights, bits = _resizing_weights(before, after), 0
            if is_bytes:
                weights, bits = _integer_weights(weights)
            self.register_buffer(f"weights{axis}", weights if is_bytes else weights.float())
            self.directions.append((axis, bits))

    def forward(self, x):
        x = x.permute(0, 3, 1, 2)
        for axis, bits in self.directions:
            weights = getattr(self, f"weights{axis}")
            x = (x.to(weights.dtype).transpose(axis, 3) @ weights).transpose(axis, 3)
            if self.is_bytes:
                x = torch.floor(x / 2**bits + 0.5).clamp(0, 255)
        if self.is_bytes and self.directions:
            x = x.to(torch.uint8)
        return self.normalizer.normalize_augmented(self.normalizer.to_float(x))


def _resizing_weights(before, after):
    """Return the weights (before, after) of linear interpolation with antialiasing."""
    impulses = torch.eye(before, dtype=torch.float64)[None, None]
    return F.interpolate(impulses, (before, after), mode="bilinear", antialias=True)[0, 0]


def _integer_weights(weights):
    """Return the weights as integers of up to 15 bits, and how many bits are fractions."""
    largest, bits = float(weights.max()), 0
    while bits < 21 and int(0.5 + largest * 2 ** (bits + 1)) < 2**15:
        bits += 1
    return torch.floor(weights * 2**bits + 0.5), bits


class Steps(nn.Module):
    """Transformers of signals in front of a network.

    Parameters
    ----------
    steps : list of torch.nn.Module
    model : torch.nn.Module
        Returns `Outputs`.
    """

    def __init__(self, steps, model):
        super().__init__()
        self.steps = nn.ModuleList(steps)
        self.model = model
        self.has_decision = model.has_decision

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        return self.model(x)


class FixedScale(nn.Module):
    """Subtract a mean of each lead, and divide by a scale."""

    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32)[:, None])
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32)[:, None])

    def forward(self, x):
        return (x - self.mean) / self.scale


class FillNaN(nn.Module):
    """Replace NaN by zero."""

    def forward(self, x):
        return torch.where(torch.isnan(x), torch.zeros_like(x), x)


class RecordScale(nn.Module):
    """Standardize each record (over the axes 1 and 2) or lead (over axis 2), in float64."""

    def __init__(self, axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        signals = x.double()
        mean = signals.mean(self.axes, keepdim=True)
        centered = signals - mean
        scale = centered.square().mean(self.axes, keepdim=True).sqrt()
        # As in LeadScaler: SDs that are rounding errors of constant signals.
        rounding = 10 * torch.finfo(torch.float32).eps * mean.abs()
        return (centered / torch.where(scale > rounding, scale, torch.ones_like(scale))).float()


class TimeMatrix(nn.Module):
    """Multiply each lead by a matrix (n_times, n_times_out), in float64."""

    def __init__(self, matrix):
        super().__init__()
        self.register_buffer("matrix", torch.as_tensor(matrix, dtype=torch.float64))

    def forward(self, x):
        return (x.double() @ self.matrix).float()


class TakeLeads(nn.Module):
    """Select leads by position."""

    def __init__(self, positions):
        super().__init__()
        self.positions = [int(position) for position in positions]

    def forward(self, x):
        return x[:, self.positions]


class DeriveLeads(nn.Module):
    """Put together given leads, and sums of two leads.

    Parameters
    ----------
    leads : list of (int or None, float, float)
        For each output lead its position, or None and the weights of leads I and II.
    limb_leads : tuple of int
        Positions of leads I and II.
    """

    def __init__(self, leads, limb_leads):
        super().__init__()
        self.leads = leads
        self.limb_leads = limb_leads

    def forward(self, x):
        first, second = (x[:, lead] for lead in self.limb_leads)
        parts = [
            of_first * first + of_second * second if position is None else x[:, position]
            for position, of_first, of_second in self.leads
        ]
        return torch.stack(parts, dim=1)


class Crop(nn.Module):
    """Keep a part of each record."""

    def __init__(self, start, n_times):
        super().__init__()
        self.start = start
        self.n_times = n_times

    def forward(self, x):
        return x[:, :, self.start : self.start + self.n_times]


class Clip(nn.Module):
    """Limit amplitudes. None is no limit."""

    def __init__(self, low, high):
        super().__init__()
        self.low = low
        self.high = high

    def forward(self, x):
        return torch.clamp(x, self.low, self.high)


class SigmoidMap(nn.Module):
    """Platt's logistic function."""

    def __init__(self, slope, intercept):
        super().__init__()
        self.slope = float(slope)
        self.intercept = float(intercept)

    def forward(self, scores):
        return torch.sigmoid(-(self.slope * scores + self.intercept))


class IsotonicMap(nn.Module):
    """Linear interpolation between points of increasing scores, constant outside of them."""

    def __init__(self, scores, values):
        super().__init__()
        scores = torch.as_tensor(scores, dtype=torch.float64)
        values = torch.as_tensor(values, dtype=torch.float64)
        self.first = float(values[0])
        self.register_buffer("starts", scores[:-1])
        self.register_buffer("lengths", scores.diff())
        self.register_buffer("rises", values.diff())

    def forward(self, scores):
        if not len(self.starts):
            return torch.full_like(scores, self.first)
        passed = ((scores[:, None] - self.starts) / self.lengths).clamp(0, 1)
        return self.first + (passed * self.rises).sum(dim=1)


class OneVsRestMap(nn.Module):
    """Calibrators of single classes, whose probabilities are divided by their sum.

    Parameters
    ----------
    calibrators : list of torch.nn.Module
        For two classes, one for the second class.
    positions : list of int
        Position of the class of each calibrator.
    n_classes : int
    """

    def __init__(self, calibrators, positions, n_classes):
        super().__init__()
        self.calibrators = nn.ModuleList(calibrators)
        self.positions = positions
        self.n_classes = n_classes

    def forward(self, scores):
        scores = scores[:, None] if scores.ndim == 1 else scores
        if self.n_classes == 2:
            positive = self.calibrators[0](scores[:, 0])
            return torch.stack([1 - positive, positive], dim=1)
        columns = [torch.zeros_like(scores[:, 0])] * self.n_classes
        for column, (position, calibrator) in enumerate(zip(self.positions, self.calibrators)):
            columns[position] = calibrator(scores[:, column])
        probability = torch.stack(columns, dim=1)
        total = probability.sum(dim=1, keepdim=True)
        is_positive = total > 0
        total = torch.where(is_positive, total, torch.ones_like(total))
        uniform = torch.full_like(probability, 1 / self.n_classes)
        return torch.where(is_positive, probability / total, uniform)


class TemperatureMap(nn.Module):
    """Softmax of the scores, or of the logarithms of probabilities, times a factor."""

    def __init__(self, factor, of_decision):
        super().__init__()
        self.factor = float(factor)
        self.of_decision = of_decision

    def forward(self, scores):
        if self.of_decision:
            logits = torch.stack([-scores, scores], dim=1) if scores.ndim == 1 else scores
        else:
            if scores.ndim == 1:
                scores = torch.stack([1 - scores, scores], dim=1)
            logits = torch.log(scores + 1e-12)  # as in scikit-learn
        return torch.softmax(self.factor * logits, dim=1)


class Calibrated(nn.Module):
    """A model with a map of its decisions or probabilities.

    Parameters
    ----------
    model : torch.nn.Module
        Returns `Outputs`.
    maps : list of torch.nn.Module
        One for each label of a multilabel target, otherwise a single one.
    of_decision : bool
        Whether the maps take decisions rather than probabilities.
    is_multilabel : bool
    """

    has_decision = False

    def __init__(self, model, maps, of_decision, is_multilabel):
        super().__init__()
        self.model = model
        self.maps = nn.ModuleList(maps)
        self.of_decision = of_decision
        self.is_multilabel = is_multilabel

    def forward(self, x):
        outputs = self.model(x)
        scores = outputs.decision if self.of_decision else outputs.probability
        if self.is_multilabel:
            columns = [part(scores[:, i])[:, 1] for i, part in enumerate(self.maps)]
            return Outputs(None, torch.stack(columns, dim=1), outputs.scores, outputs.valid)
        if not self.of_decision and scores.shape[1] == 2:
            scores = scores[:, 1]
        return Outputs(None, self.maps[0](scores), outputs.scores, outputs.valid)


class Mean(nn.Module):
    """Mean of the probabilities of several models."""

    has_decision = False

    def __init__(self, models):
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x):
        parts = [model(x) for model in self.models]
        return Outputs(
            None,
            torch.stack([part.probability for part in parts]).mean(dim=0),
            [scores for part in parts for scores in part.scores],
            [valid for part in parts for valid in part.valid],
        )


class PriorCorrected(nn.Module):
    """Probabilities at another prevalence, see `sklearn_ecg.PriorCorrectedClassifier`.

    Parameters
    ----------
    model : torch.nn.Module
        Returns `Outputs`.
    maps : list of (float, array) or None
        Slope and intercepts for each label of a multilabel target, otherwise a single pair.
    smallest : float
        Smallest probability that the maps take the logarithm of.
    ratio : array of shape (n_classes,) or (2, n_labels), or None
        Wanted prevalence divided by that of the training; for a multilabel target that of the
        values 0 and 1 of each label.
    is_multilabel : bool
    """

    has_decision = False

    def __init__(self, model, maps, smallest, ratio, is_multilabel):
        super().__init__()
        self.model = model
        self.smallest = smallest
        self.is_multilabel = is_multilabel
        self.slopes = None if maps is None else [float(slope) for slope, _ in maps]
        for i, (_, intercepts) in enumerate(maps or ()):
            self.register_buffer(f"intercepts{i}", torch.as_tensor(intercepts).double())
        self.register_buffer("ratio", None if ratio is None else torch.as_tensor(ratio).double())

    def forward(self, x):
        outputs = self.model(x)
        probability = outputs.probability
        if self.slopes is not None:
            probability = self._mapped(probability)
        if self.ratio is not None and self.is_multilabel:
            negative, positive = (1 - probability) * self.ratio[0], probability * self.ratio[1]
            probability = positive / (positive + negative)
        elif self.ratio is not None:
            weighted = probability * self.ratio
            probability = weighted / weighted.sum(dim=1, keepdim=True)
        return Outputs(None, probability, outputs.scores, outputs.valid)

    def _mapped(self, probability):
        if not self.is_multilabel:
            return self._map(0, probability)
        columns = [
            self._map(i, torch.stack([1 - probability[:, i], probability[:, i]], dim=1))[:, 1]
            for i in range(len(self.slopes))
        ]
        return torch.stack(columns, dim=1)

    def _map(self, i, probability):
        logarithm = torch.log(probability.clamp(min=self.smallest))
        return torch.softmax(self.slopes[i] * logarithm + getattr(self, f"intercepts{i}"), dim=1)
