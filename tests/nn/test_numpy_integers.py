"""Parameters of networks may be NumPy integers, whose products would overflow."""

import numpy as np
import pytest
import torch

from sklearn_ecg import ECGNetClassifier, MSAICNetClassifier, SimCardioNetEncoder, nn
from sklearn_ecg.datasets import make_ecg

# Sizes whose products are beyond 255.
PARAMS = {
    "ACLECGNet": ((4, [[0, 1], [2, 3]]), {"projection_dim": 100, "n_times": 100}),
    "BeatFeatureNet": ((nn.StridedCNN(2), 100, 100), {"n_leads": 2, "n_times": 100}),
    "CNNLSTM": ((2, 3), {"filters": (64, 120), "hidden_size": 100, "n_layers": 1}),
    "InceptionTime": ((2, 3), {"filters": 100, "depth": 3, "kernel_sizes": (9, 5)}),
    "LSTM": ((2, 3), {"hidden_size": 100, "n_layers": 1, "embedding_dim": 8}),
    "MSAICNet": ((2, 3), {"filters": (8, 100), "dilations": (1, 64), "embedding_dim": 100}),
    "ResNet1dWang": ((2, 3), {"width": 100, "n_blocks": 2, "embedding_dim": 100}),
    "SimCardioNet": (
        (1,),
        {"filters": (4, 100), "kernel_sizes": (3, 5), "n_heads": 4, "projection_dim": 100},
    ),
    "StridedCNN": ((2,), {"filters": (64, 100), "kernel_size": 7}),
    "TransformerEncoder": ((2, 3), {"filters": (64, 120), "n_heads": 8, "n_layers": 1}),
    "VGG1d": ((1,), {}),
    "XResNet1d": ((2, 3), {"layers": (1, 1), "width": 64, "embedding_dim": 8}),
}


def convert(value, dtype, arrays=False):
    """Replace integers, and tuples of integers if desired."""
    if isinstance(value, int):
        return dtype(value)
    if isinstance(value, tuple) and arrays:
        return np.array(value, dtype=dtype)
    if isinstance(value, (tuple, list)):
        return type(value)(convert(part, dtype) for part in value)
    return value


def test_all_networks_are_tested():
    classes = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    networks = {name for name in classes if not name.endswith("Loss")}
    assert networks - {"SignalNetwork"} == set(PARAMS)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("name", PARAMS)
def test_networks(name, dtype):
    sizes, params = PARAMS[name]
    make = getattr(nn, name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = make(*sizes, **params).state_dict()
        for arrays in (False, True):
            torch.manual_seed(0)
            found = make(
                *(convert(size, dtype) for size in sizes),
                **{key: convert(value, dtype, arrays) for key, value in params.items()},
            )
            assert type(getattr(found, "embedding_dim", 0)) is int
            for key, weight in found.state_dict().items():
                torch.testing.assert_close(weight, expected[key], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_estimators(dtype):
    X, y = make_ecg(6, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    images = np.random.RandomState(0).randint(256, size=(4, 16, 16)).astype(np.uint8)
    common = {"max_epochs": 1, "batch_size": 100, "random_state": 3}
    for make, params, data in (
        (MSAICNetClassifier, {"filters": (4, 100), "embedding_dim": 100}, (X, y)),
        (SimCardioNetEncoder, {"filters": (4, 100), "image_size": 16}, (images,)),
        (ECGNetClassifier, {"module_params": {"width": 100, "n_blocks": 1}}, (X, y)),
    ):
        params = {**common, **params}
        expected = make(**params).fit(*data).transform(data[0])
        params = {key: convert(value, dtype) for key, value in params.items()}
        if "module_params" in params:
            params["module_params"] = {k: dtype(v) for k, v in params["module_params"].items()}
        np.testing.assert_array_equal(make(**params).fit(*data).transform(data[0]), expected)
