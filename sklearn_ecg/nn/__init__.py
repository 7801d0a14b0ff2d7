"""Networks and losses as plain torch modules and functions, without scikit-learn or skorch.

The estimators of `sklearn_ecg` train these networks with these losses. Use them directly in a
training loop of your own, or pass a network class as the ``module`` of
`sklearn_ecg.ECGNetClassifier`. Networks take a batch of signals of shape (batch, leads, time);
`SimCardioNet` takes images of shape (batch, channels, height, width). `SignalNetwork` is the base
class for networks of your own that support `sklearn_ecg.inspection.grad_cam`.
"""

from ._acl_ecg import ACLECGNet, VGG1d
from ._beat_feature_net import BeatFeatureLoss, BeatFeatureNet
from ._imbalance_losses import (
    balanced_contrastive_loss,
    class_contrastive_loss,
    prototype_contrastive_loss,
)
from ._inception_time import InceptionTime
from ._lead_losses import clocs_loss, lfbt_loss
from ._msaic_loss import MSAICLoss
from ._msaic_net import MSAICNet
from ._recurrent import CNNLSTM, LSTM
from ._resnet import ResNet1dWang, XResNet1d
from ._self_supervised_losses import (
    hybrid_contrastive_loss,
    nt_xent_loss,
    region_contrastive_loss,
)
from ._signal_network import SignalNetwork
from ._simcardionet import SimCardioNet
from ._strided_cnn import StridedCNN
from ._supervised_losses import (
    ClassificationLoss,
    adjust_logits,
    focal_binary_loss,
    focal_cross_entropy,
    supervised_contrastive_loss,
)
from ._transformer import TransformerEncoder

__all__ = [
    "ACLECGNet",
    "BeatFeatureLoss",
    "BeatFeatureNet",
    "CNNLSTM",
    "ClassificationLoss",
    "InceptionTime",
    "LSTM",
    "MSAICLoss",
    "MSAICNet",
    "ResNet1dWang",
    "SignalNetwork",
    "SimCardioNet",
    "StridedCNN",
    "TransformerEncoder",
    "VGG1d",
    "XResNet1d",
    "adjust_logits",
    "balanced_contrastive_loss",
    "class_contrastive_loss",
    "clocs_loss",
    "focal_binary_loss",
    "focal_cross_entropy",
    "hybrid_contrastive_loss",
    "lfbt_loss",
    "nt_xent_loss",
    "prototype_contrastive_loss",
    "region_contrastive_loss",
    "supervised_contrastive_loss",
]
