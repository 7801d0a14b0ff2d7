"""Comparison of modules; their descriptions are tested with saved estimators in tests/deep."""

import pytest
import torch
from torch import nn

from sklearn_ecg.utils._module_arrays import copy_module, module_difference


def make_module():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Sequential(nn.Linear(4, 1)))
    module.notes = {"kept": [1.5, (float("nan"), "text")]}
    module[0].register_forward_hook(torch.relu)
    return module.eval()


def change_weight(module):
    module[2][0].weight.data[0, 1] += 1e-6


def change_strides(module):
    module[0].weight.data = module[0].weight.data.permute(2, 0, 1).contiguous().permute(1, 2, 0)


def change_buffer(module):
    module[1].running_mean += 1


def change_note(module):
    module.notes["kept"][1] = (float("nan"), "other")


def add_note(module):
    module[2].notes = 1


def change_mode(module):
    module[1].train()


def change_class(module):
    module[1] = nn.InstanceNorm1d(3)


def add_hook(module):
    module[1].register_forward_hook(torch.relu)


def freeze(module):
    module[1].bias.requires_grad_(False)


@pytest.mark.parametrize(
    "change, name",
    [
        (change_weight, ".2.0.weight"),
        (change_strides, ".0.weight"),
        (change_buffer, ".1.running_mean"),
        (change_note, ".notes.kept"),
        (add_note, ".2.notes"),
        (change_mode, ".1.training"),
        (change_class, ".1"),
        (add_hook, ".1._forward_hooks"),
        (freeze, ".1.bias"),
    ],
)
def test_difference(change, name):
    module, other = make_module(), make_module()
    assert module_difference(module, other) is None
    assert module_difference(module, copy_module(module)) is None
    change(other)
    assert module_difference(module, other) == name
    assert module_difference(other, module) == name
