"""Fitted estimators can be saved, copied and hashed, whatever their module does."""

import copy
import functools
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklearn_ecg import ACLECGClassifier, ACLECGEncoder, ECGNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.utils._module_arrays import arrays_to_module, module_to_arrays


class Base(nn.Module):
    """A linear layer on the mean of each lead, followed by the layers of a subclass."""

    def __init__(self, n_leads, n_outputs=6):
        super().__init__()
        self.first, self.last = nn.Linear(n_leads, 8), nn.Linear(8, n_outputs)
        self.build()

    def build(self):
        pass

    def middle(self, x):
        return x

    def forward(self, x):
        return self.last(self.middle(self.first(x.mean(2))).relu())


class TiedWeights(Base):
    def build(self):
        self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8)
        self.c.weight = self.b.weight

    def middle(self, x):
        return self.c(self.b(x).relu())


class TransposedWeights(TiedWeights):
    """Two parameters that share their memory."""

    def build(self):
        super().build()
        self.c.weight = nn.Parameter(self.b.weight.detach().t())


class TiedBuffers(Base):
    def build(self):
        self.register_buffer("offset", torch.ones(8))
        self.part = nn.Module()
        self.part.register_buffer("offset", self.offset)

    def middle(self, x):
        return x + self.offset - 0.5 * self.part.offset


class SharedModule(Base):
    def build(self):
        self.b = nn.Linear(8, 8)
        self.again = nn.ModuleList([self.b, self.b])

    def middle(self, x):
        return self.again[1](self.b(x).relu())


class KeepsLastPass(Base):
    """As networks keep their attention, or lists of feature maps."""

    def middle(self, x):
        self.attention = torch.softmax(x, 1)
        self.kept = {"parts": [x, (x[:1], self.attention)], "step": self.attention.detach()}
        return x * self.attention


class KeepsLastPassInHook(Base):
    def build(self):
        self.first.register_forward_hook(self.keep)

    def keep(self, module, inputs, output):
        self.output = output


def _keep(store, module, inputs, output):
    store.append(output)


class KeepsLastPassInPartial(Base):
    def build(self):
        self.store = []
        self.first.register_forward_hook(functools.partial(_keep, self.store))

    def middle(self, x):
        del self.store[:-1]
        return x + 0.1 * self.store[0]


def _pass(module, *args):
    return None


class Hooks(Base):
    def build(self):
        self.first.register_forward_pre_hook(_pass)
        self.last.register_full_backward_hook(_pass)
        self.last.register_full_backward_pre_hook(_pass)


class OldWeightNorm(Base):
    def build(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self.b = nn.utils.weight_norm(nn.Linear(8, 8))

    def middle(self, x):
        return self.b(x)


class OldSpectralNorm(OldWeightNorm):
    def build(self):
        self.b = nn.utils.spectral_norm(nn.Linear(8, 8))


class WeightNorm(OldWeightNorm):
    def build(self):
        self.b = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))


class SpectralNorm(OldWeightNorm):
    def build(self):
        self.b = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))


class Orthogonal(OldWeightNorm):
    def build(self):
        self.b = nn.utils.parametrizations.orthogonal(nn.Linear(8, 8))


class Symmetric(nn.Module):
    def forward(self, x):
        return x + x.t()


class OwnParametrization(OldWeightNorm):
    def build(self):
        self.b = nn.Linear(8, 8)
        nn.utils.parametrize.register_parametrization(self.b, "weight", Symmetric())


class Complex(Base):
    def build(self):
        self.factor = nn.Parameter(torch.randn(5, dtype=torch.complex64))
        self.register_buffer("phase", torch.full((5,), 0.5 + 0.1j))

    def middle(self, x):
        return torch.fft.irfft(torch.fft.rfft(x) * self.factor * self.phase, n=8)


class OtherTensors(Base):
    """Buffers that are not in the state dict, and tensors that are not registered."""

    def build(self):
        self.register_buffer("offset", torch.randn(8), persistent=False)
        self.constant = torch.linspace(0, 1, 8).double()
        self.half = torch.ones(8, dtype=torch.bfloat16)
        self.listed = [torch.arange(8)]
        self.generator = torch.Generator().manual_seed(3)

    def middle(self, x):
        return x + self.offset + self.constant.to(x) + self.half.to(x) * self.listed[0]


class Lazy(Base):
    def build(self):
        self.b = nn.LazyLinear(8)

    def middle(self, x):
        return self.b(x)


class Recurrent(Base):
    def build(self):
        self.b = nn.LSTM(8, 8, batch_first=True)

    def middle(self, x):
        return self.b(x[:, None])[0][:, 0]


class Scripted(Base):
    def build(self):
        self.b = torch.jit.script(nn.Linear(8, 8))

    def middle(self, x):
        return self.b(x)


class TaggedParameter(Base):
    def build(self):
        self.last.weight.no_decay = True


ZOO = [
    TiedWeights,
    TransposedWeights,
    TiedBuffers,
    SharedModule,
    KeepsLastPass,
    KeepsLastPassInHook,
    KeepsLastPassInPartial,
    Hooks,
    OldWeightNorm,
    OldSpectralNorm,
    WeightNorm,
    SpectralNorm,
    Orthogonal,
    OwnParametrization,
    Complex,
    OtherTensors,
    Lazy,
    Recurrent,
    Scripted,
    TaggedParameter,
]
# TorchScript saves names that it counts up in a process.
HASH_DIFFERS = {Scripted}
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


def through_joblib(path):
    def copy_of(estimator):
        joblib.dump(estimator, path / "model.joblib")
        return joblib.load(path / "model.joblib")

    return copy_of


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(24, duration=1, prevalence=0.5, random_state=0)


def make(module, **params):
    return ECGNetClassifier(module, max_epochs=1, batch_size=8, random_state=0, **params)


def make_encoder(module, **params):
    params = {"max_epochs": 1, "batch_size": 8, "projection_dim": 8, "random_state": 0, **params}
    return ACLECGEncoder(backbone=module, sampling_rate=100, **params)


@pytest.mark.parametrize("module", ZOO)
def test_copies_of_a_fitted_classifier_are_equal(module, ecg, tmp_path):
    clf = make(module).fit(ecg.data, ecg.target)
    copiers = [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, through_joblib(tmp_path)]
    after_fit = [copier(clf) for copier in copiers]
    expected = clf.predict_proba(ecg.data)
    after_predict = [copier(clf) for copier in copiers]
    clf.transform(ecg.data)
    for other in [*after_fit, *after_predict, *map(copy.deepcopy, after_predict)]:
        np.testing.assert_array_equal(other.predict_proba(ecg.data), expected)
        assert (module in HASH_DIFFERS) or joblib.hash(other) == joblib.hash(after_fit[0])
    again = clone(clf).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(again.predict_proba(ecg.data), expected)
    assert (module in HASH_DIFFERS) or joblib.hash(again) == joblib.hash(after_fit[0])
    # A copy is complete: it can be trained further.
    after_fit[0].set_params(warm_start=True).fit(ecg.data, ecg.target)


@pytest.mark.parametrize("module", ZOO)
def test_copies_of_a_fitted_encoder_are_equal(module, ecg, tmp_path):
    encoder = make_encoder(module).fit(ecg.data)
    copies = [pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)]
    expected = encoder.transform(ecg.data)
    for other in [*copies, through_joblib(tmp_path)(encoder)]:
        np.testing.assert_array_equal(other.transform(ecg.data), expected)
    clf = ACLECGClassifier(FrozenEstimator(encoder), max_epochs=1, random_state=0)
    clf.fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(clf)).predict_proba(ecg.data), clf.predict_proba(ecg.data)
    )


def test_what_is_shared_or_special_remains_so(ecg):
    def copied(module):
        clf = make(module).fit(ecg.data, ecg.target)
        return pickle.loads(pickle.dumps(clf)).net_.module_.module

    tied = copied(TiedWeights)
    assert tied.b.weight is tied.c.weight
    views = copied(TransposedWeights)
    assert views.b.weight.data_ptr() == views.c.weight.data_ptr()
    assert torch.equal(views.c.weight, views.b.weight.t())
    shared = copied(SharedModule)
    assert shared.again[0] is shared.again[1] is shared.b
    assert copied(TaggedParameter).last.weight.no_decay
    hooked = copied(KeepsLastPassInHook)
    (hook,) = hooked.first._forward_hooks.values()
    assert hook.__self__ is hooked
    normalized = copied(WeightNorm)
    assert nn.utils.parametrize.is_parametrized(normalized.b, "weight")
    assert normalized.b.__class__.__name__ == "ParametrizedLinear"
    assert "offset" not in copied(OtherTensors).state_dict()


class TensorHook(Base):
    """A hook on a tensor, which makes its gradient zero."""

    def build(self):
        self.last.weight.register_hook(torch.zeros_like)


def test_hooks_on_tensors_are_not_saved(ecg):
    clf = make(TensorHook).fit(ecg.data, ecg.target)
    other = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(other.predict_proba(ecg.data), clf.predict_proba(ecg.data))
    module = other.net_.module_.module.requires_grad_(True)
    module(torch.from_numpy(ecg.data)).sum().backward()
    assert module.last.weight.grad.any()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_complex_numbers_remain_complex(precision, ecg):
    clf = make(Complex, precision=precision).fit(ecg.data, ecg.target)
    module = clf.net_.module_.module
    expected = torch.complex128 if precision == "float64" else torch.complex64
    assert module.factor.dtype == module.phase.dtype == expected
    assert module.factor.imag.abs().min() > 0
    start = make(Complex, precision=precision).set_params(max_epochs=0).fit(ecg.data, ecg.target)
    assert not torch.equal(start.net_.module_.module.factor.imag, module.factor.imag)


def test_a_saved_slice_does_not_bring_its_memory():
    module = nn.Linear(2, 2)
    module.kept = torch.zeros(1000, 1000)[:1, :1]
    assert len(pickle.dumps(module_to_arrays(module))) < 10_000
    assert arrays_to_module(module_to_arrays(module)).kept.untyped_storage().nbytes() == 4


def test_memory_order_is_kept():
    conv = nn.Conv2d(4, 4, (1, 3)).to(memory_format=torch.channels_last)
    other = arrays_to_module(module_to_arrays(conv))
    assert other.weight.stride() == conv.weight.stride()
    assert torch.equal(other.weight, conv.weight)


def test_gradients_go_on_after_a_copy():
    module = TiedWeights(12, 1).requires_grad_(True)
    module.first.requires_grad_(False)
    other = arrays_to_module(module_to_arrays(module))
    assert [p.requires_grad for p in other.parameters()] == [
        p.requires_grad for p in module.parameters()
    ]
    other(torch.ones(2, 12, 5)).sum().backward()
    assert other.b.weight.grad is not None and module.b.weight.grad is None


def test_module_defined_in_a_function_can_be_copied_and_sent_to_processes(ecg):
    class Local(KeepsLastPass):
        pass

    clf = make(Local).fit(ecg.data, ecg.target)
    np.testing.assert_array_equal(
        copy.deepcopy(clf).predict_proba(ecg.data), clf.predict_proba(ecg.data)
    )
    (other,) = joblib.Parallel(n_jobs=2)([joblib.delayed(clf.predict_proba)(ecg.data)])
    np.testing.assert_array_equal(other, clf.predict_proba(ecg.data))


def test_processes(ecg):
    clf = make(TiedWeights)
    one, two = (
        cross_val_predict(clf, ecg.data, ecg.target, cv=2, n_jobs=n_jobs, method="predict_proba")
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("module", [TiedWeights, KeepsLastPass, WeightNorm])
def test_caches(module, ecg, tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    encoder = make(module).fit(ecg.data, ecg.target)
    found, pipes = [], []
    for _ in range(2):
        steps = FrozenEstimator(encoder), StandardScaler(), LogisticRegression()
        pipes.append(make_pipeline(*steps, memory=memory).fit(ecg.data, ecg.target))
        found.append(len(list(tmp_path.rglob("output.pkl"))))
    assert found[0] == found[1] > 0
    for pipe in pipes:
        np.testing.assert_array_equal(pipe[0].transform(ecg.data), encoder.transform(ecg.data))


def test_another_process_reads_the_file(ecg, tmp_path):
    clf = ECGNetClassifier("lstm", module_params={"hidden_size": 8}, max_epochs=1)
    clf.fit(ecg.data, ecg.target)
    np.save(tmp_path / "X.npy", ecg.data)
    joblib.dump(clf, tmp_path / "model.joblib")
    program = (
        "import sys, joblib, numpy as np; clf = joblib.load(sys.argv[1] + '/model.joblib');"
        "X = np.load(sys.argv[1] + '/X.npy'); print(clf.predict_proba(X).tobytes().hex())"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == clf.predict_proba(ecg.data).tobytes().hex()
