"""Training by several processes that were launched together."""

import copy
import os
import socket
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.deep._training import processes as processes_module
from sklearn_ecg.deep._training import training_processes
from sklearn_ecg.deep._training.divided import run_divided
from sklearn_ecg.deep._training.processes import TrainingProcesses

PROGRAM = Path(__file__).parent / "divided_fits.py"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
    **{"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"},
}
FITS = (
    "MSAICNetClassifier",
    "MSAICNetClassifier, float64",
    "MSAICNetClassifier, early stopping",
    "MSAICNetClassifier, prototypes",
    "MSAICNetRegressor",
    "ECGNetClassifier",
    "ECGNetClassifier, attention",
    "ACLECGEncoder",
    "ACLECGEncoder, separate",
    "ACLECGEncoder, paper",
    "ACLECGClassifier",
    "SimCardioNetEncoder",
    "SimCardioNetEncoder, float64",
    "SimCardioNetClassifier",
    "BeatFeatureEncoder",
    "GridSearchCV, n_jobs",
)


def launch(folder, *names, n_processes=2, **environment):
    """Run the program by ``accelerate launch``, and return what it printed."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    command += ["--num_processes", str(n_processes), "--num_machines", "1"]
    command += ["--main_process_port", str(free_port()), "--mixed_precision", "no"]
    command += ["--dynamo_backend", "no", str(PROGRAM), str(folder), *names]
    return subprocess.run(
        command, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, timeout=230
    )


def start(folder, *names, **environment):
    """Start two processes without a launcher that ends one of them with the other."""
    port = str(free_port())
    command = [sys.executable, str(PROGRAM), str(folder), *names]
    return [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"},
                **{"RANK": str(number), "LOCAL_RANK": str(number), "LOCAL_WORLD_SIZE": "2"},
                **ENVIRONMENT,
                **environment,
            },
        )
        for number in range(2)
    ]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def stored(folder, name, number):
    with np.load(folder / f"{name}-{number}.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Folder with the results of one process."""
    folder = tmp_path_factory.mktemp("single")
    names = [*FITS, "checkpoint"]
    command = [sys.executable, str(PROGRAM), str(folder), *names]
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    return folder


@pytest.mark.parametrize(
    "n_processes, names", [(2, FITS), (3, [name for name in FITS if "Encoder" in name])]
)
def test_result_is_that_of_one_process(single, tmp_path, n_processes, names):
    done = launch(tmp_path, *names, n_processes=n_processes)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        expected, found = stored(single, name, 0), stored(tmp_path, name, 0)
        assert list(found) == list(expected)
        is_double = expected["embedding"].dtype == np.float64
        for key, values in expected.items():
            is_loss = key.endswith("_loss of history")
            tolerance = 1e-9 if is_double else 1e-5 if is_loss else 1e-4
            assert_allclose(found[key], values, tolerance, tolerance, err_msg=f"{name}: {key}")
        for number in range(1, n_processes):
            for key, values in stored(tmp_path, name, number).items():
                assert values.tobytes() == found[key].tobytes(), (name, key)
    if n_processes == 3:
        return
    # The fit with verbose=1 prints a line per epoch in the first process. skorch does not print the
    # line of the epoch after which training stops early.
    n_epochs = len(stored(tmp_path, "MSAICNetClassifier, early stopping", 0)["epoch of history"])
    assert 2 < n_epochs < 9
    assert len([line for line in done.stdout.splitlines() if "0." in line]) == n_epochs - 1


def test_errors_are_those_of_all_processes(tmp_path):
    texts = {
        "no seed": "ValueError: random_state must be an int if 3 processes train together",
        "small batches": "ValueError: batch_size=2 is smaller than the number of processes",
        "other data": "ValueError: Process 1 fits something else than process 0: they differ in "
        "the labels (y)",
        "no folder": "NotADirectoryError: [Errno 20] checkpoint=",
        "diverged": "DivergenceError: ",
    }
    done = launch(tmp_path, *texts, n_processes=3)
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(3):
        for name, text in texts.items():
            assert (tmp_path / f"{name}-{number}.txt").read_text().startswith(text)


def test_checkpoint(single, tmp_path):
    done = launch(tmp_path, "checkpoint", INTERRUPT="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "checkpoint-1.txt").read_text() == "OSError: interrupted"
    assert len(list((tmp_path / "checkpoint").glob("*.partial.ckpt"))) == 1
    done = launch(tmp_path, "checkpoint")
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(2):
        assert f"epoch 2 of process {number}" not in done.stdout
        assert f"epoch 3 of process {number}" in done.stdout
        found = stored(tmp_path, "checkpoint", number)
        for key, values in stored(single, "checkpoint", 0).items():
            assert_allclose(found[key], values, 1e-4, 1e-4, err_msg=key)


@pytest.mark.parametrize(
    "name, environment",
    [("killed", {}), ("failed", {}), ("suspended", {"TIMEOUT": "5"})],
)
def test_lost_process_raises(tmp_path, name, environment):
    first, second = start(tmp_path, name, "MSAICNetClassifier", **environment)
    try:
        output = first.communicate(timeout=120)[0]
    finally:
        second.kill()
        second.communicate()
    found = (tmp_path / f"{name}-0.txt").read_text()
    assert found.startswith("RuntimeError: Process 0 could not exchange data with the 1 other"), (
        found + output
    )
    # The next fit does not wait, either.
    again = (tmp_path / "MSAICNetClassifier-0.txt").read_text()
    assert again.startswith("RuntimeError: An earlier fit failed in one of the processes")


def test_launcher_ends_the_job(tmp_path):
    done = launch(tmp_path, "killed")
    assert done.returncode != 0
    assert not (tmp_path / "killed-1.txt").exists()


class InThreads(TrainingProcesses):
    """Processes that are threads, so that they can be tested here."""

    def __init__(self, number, barrier, board):
        super().__init__(number, len(board), torch.device("cpu"))
        self._barrier, self._board = barrier, board

    def sum(self, tensor):
        self._board[self.number] = tensor.clone()
        self._barrier.wait()
        total = torch.stack(list(self._board)).sum(0)
        self._barrier.wait()
        return tensor.copy_(total)


class SmallNet(nn.Module):
    """A network whose outputs have the records in different places."""

    record_axes = (1, None, 0)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, (1, 3))
        self.norm = nn.BatchNorm2d(4)
        self.norms = nn.ModuleList([nn.BatchNorm1d(4), nn.BatchNorm1d(4, affine=False)])
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        x = self.norm(self.conv(x)).relu().mean((2, 3))
        first, second = (norm(x * self.weight) for norm in self.norms)
        return torch.stack([first, second]), self.weight, None


class SmallLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.center = nn.Parameter(torch.ones(4, dtype=torch.float64))

    def forward(self, output, targets):
        vectors, weight, _ = output
        similarity = (vectors[0] * weight) @ (vectors[1] - self.center).T
        return nn.functional.cross_entropy(similarity, targets)


@pytest.mark.parametrize("n_rows, n_threads", [(7, 2), (7, 3), (3, 3), (2, 3)])
def test_loss_gradients_and_statistics_are_those_of_the_batch(n_rows, n_threads):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n_rows, 3, 1, 20, generator=generator, dtype=torch.float64)
    x = (5 + x).to(memory_format=torch.channels_last)
    targets = torch.arange(n_rows)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, loss = SmallNet().double(), SmallLoss()

    def train(number=None):
        model, criterion = copy.deepcopy((network, loss))
        if number is None:
            value = criterion(model(x), targets)
            value.backward()
        else:
            processes = InThreads(number, barrier, board)
            value = criterion(run_divided(model, x, processes), targets)
            value.backward()
            if processes.share(n_rows) is not None:
                processes.sum_gradients(model, criterion)
        gradients = [p.grad for p in [*model.parameters(), *criterion.parameters()]]
        return [value.detach(), *gradients, *model.buffers()]

    expected = train()
    barrier, board = threading.Barrier(n_threads), [None] * n_threads
    with ThreadPoolExecutor(n_threads) as pool:
        for found in pool.map(train, range(n_threads)):
            for one, other in zip(found, expected, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_mixed_precision():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, x = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)), torch.randn(7, 4)

    def gradients(number=None):
        model = copy.deepcopy(network)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            if number is None:
                output = model(x)
            else:
                output = run_divided(model, x, InThreads(number, barrier, board))
        assert output.dtype == torch.bfloat16
        output.float().pow(3).sum().backward()
        return output, [p.grad for p in model.parameters()], model[1].running_var

    output, expected, variance = gradients()
    barrier, board = threading.Barrier(2), [None] * 2
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(gradients, range(2)))
    for other, _, other_variance in found:
        torch.testing.assert_close(other, output, rtol=0.02, atol=0.02)
        torch.testing.assert_close(other_variance, variance, rtol=1e-4, atol=1e-4)
    for one, first, second in zip(expected, found[0][1], found[1][1], strict=True):
        assert (first + second - one).abs().max() <= 0.05 * expected[0].abs().max()


@pytest.mark.parametrize(
    "drop, shape",
    [
        (nn.Dropout(0.5), (6, 3, 4, 5)),
        (nn.Dropout2d(0.5), (6, 3, 4, 5)),
        (nn.TransformerEncoderLayer(4, 2, 8, 0.5, batch_first=True), (6, 5, 4)),
        (nn.TransformerEncoderLayer(4, 2, 8, 0.5, batch_first=True), (3, 5, 4)),
        # Channels last, and heads of an attention in the first axis.
        (lambda x: nn.functional.dropout(x.movedim(1, -1).contiguous().movedim(-1, 1)), (6, 3, 5)),
        (lambda x: nn.functional.dropout(x.flatten(0, 1)).view(x.shape), (6, 3, 5)),
    ],
)
def test_dropout_is_that_of_the_batch(drop, shape):
    x = torch.ones(shape, requires_grad=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = drop(x)
        state = torch.get_rng_state()
        for number in range(3):
            processes = TrainingProcesses(number, 3, torch.device("cpu"))
            processes.sum = lambda full: full
            torch.manual_seed(0)
            found = run_divided(drop, x, processes)
            rows = processes.share(len(x))
            torch.testing.assert_close(found[rows], expected[rows], rtol=1e-6, atol=1e-6)
            assert torch.equal(torch.get_rng_state(), state)
    assert (expected[:1] != expected[-1:]).any()


@pytest.mark.parametrize(
    "forward, message",
    [
        (torch.rand_like, "random numbers by aten::rand_like, for which processes"),
        (
            lambda x: nn.functional.dropout(x.T),
            r"tensor of shape \(5, 2\), whose first axis is not that of the 2 records",
        ),
        (lambda x: {"logits": x}, "The network returned a dict, which processes"),
        (lambda x: x.T, r"returned a tensor of shape \(5, 2\) for 2 records"),
    ],
)
def test_networks_that_cannot_be_divided(forward, message):
    with pytest.raises(ValueError, match=message):
        run_divided(forward, torch.ones(4, 5), TrainingProcesses(0, 2, torch.device("cpu")))


def test_devices_of_processes():
    processes = TrainingProcesses(1, 2, torch.device("cuda:1"))
    assert processes.resolve_device(torch.device("cuda")) == torch.device("cuda:1")
    assert processes.resolve_device(torch.device("cuda:1")) == torch.device("cuda:1")
    for device in ("cuda:0", "cpu"):
        with pytest.raises(ValueError, match=f"device='{device}' is not the device of process 1"):
            processes.resolve_device(torch.device(device))


def test_fits_in_threads_are_refused():
    processes = TrainingProcesses(0, 2, torch.device("cpu"))
    processes.check_parameters(MSAICNetClassifier(random_state=0))
    with ThreadPoolExecutor(1) as pool:
        check = pool.submit(processes.check_parameters, MSAICNetClassifier(random_state=0))
        with pytest.raises(ValueError, match="2 processes .* must call fit one after another"):
            check.result()


def test_programs_that_are_not_launched_train_alone(monkeypatch):
    assert training_processes() is None
    launched = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    # As in a worker of joblib.
    monkeypatch.setattr(processes_module.multiprocessing, "parent_process", lambda: object())
    assert training_processes() is None
    monkeypatch.undo()
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    state = types.SimpleNamespace(num_processes=1)
    accelerate = types.SimpleNamespace(PartialState=lambda cpu: state)
    monkeypatch.setitem(sys.modules, "accelerate", accelerate)
    with pytest.raises(RuntimeError, match="2 processes were launched .* pass cpu=True"):
        training_processes()
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"2 processes were launched .*sklearn_ecg\[distributed"):
        MSAICNetClassifier().fit(np.zeros((4, 2, 50)), [0, 1, 0, 1])
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert training_processes() is None
