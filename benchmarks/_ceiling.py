"""A lower bound for the time of a forward and a backward pass of MSAIC-Net on a processor.

Two things cannot be left out with torch's convolutions:

- Each convolution, the gradient of its weights and that of its input. Each of these is timed alone
  on arrays of the same shapes, channels first and channels last, and the faster layout is taken
  for each, without conversions between them.
- Reading and writing the activations between the convolutions, as often as BatchNorm requires. Its
  statistics depend on the whole batch: the output of a convolution has to be read again once they
  are known, forward, and twice for the gradient, since the gradient depends on two sums over the
  batch. Everything else is counted as free: the statistics themselves, as if the convolution
  computed them, and ReLU, pooling, attention and dropout, as if they took place on the way. The
  rate is that of copies between arrays of the same size.
"""

import statistics
import time
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_ecg.nn._blocks import ConvBlock


class Layer(NamedTuple):
    """A convolution, the shapes of its input and output, and what follows it.

    Parameters
    ----------
    conv : Conv2d
    input_shape, output_shape : torch.Size
    needs_gradient : bool
        Whether the gradient of the input is computed, as it is not for the records.
    n_pooled : int
        Number of values that are written for the next convolution.
    """

    conv: nn.Conv2d
    input_shape: torch.Size
    output_shape: torch.Size
    needs_gradient: bool
    n_pooled: int

    @property
    def n_multiplications(self):
        """Multiplications of one of the convolution and its two gradients."""
        return self.conv.weight[0].numel() * self.output_shape.numel()

    @property
    def n_moved(self):
        """Values that are read and written between this convolution and the next."""
        # Forward: read the output of the convolution, write the pooled values. Backward: read both
        # for the two sums over the batch; read both again, and write the gradient of the output.
        return 4 * self.output_shape.numel() + 3 * self.n_pooled


def list_layers(network, x):
    """Return the convolutions of a MSAICNet as layers, in the order of a forward pass."""
    pool_sizes = {
        block.conv: block.pool_size for block in network.modules() if isinstance(block, ConvBlock)
    }
    layers = []

    def add(conv, inputs, output):
        # After the last convolution, the mean over time is all that is written.
        n_pooled = 0
        if conv in pool_sizes:
            n_pooled = output[..., 0].numel() * -(-output.shape[-1] // pool_sizes[conv])
        needs_gradient = inputs[0].requires_grad
        layers.append(Layer(conv, inputs[0].shape, output.shape, needs_gradient, n_pooled))

    convs = [child for child in network.modules() if isinstance(child, nn.Conv2d)]
    hooks = [conv.register_forward_hook(add) for conv in convs]
    network(x)
    for hook in hooks:
        hook.remove()
    return layers


def passes_of(layer):
    """Return the convolution and its gradients, each as one function for each layout."""
    conv = layer.conv
    options = (conv.stride, conv.padding, conv.dilation)
    arrays = torch.randn(layer.input_shape), torch.randn(layer.output_shape), conv.weight.detach()
    passes = []
    for last in (True, False):
        layout = torch.channels_last if last else torch.contiguous_format
        x, grad, weight = (array.contiguous(memory_format=layout) for array in arrays)
        functions = [lambda x=x, weight=weight: F.conv2d(x, weight, None, *options)]
        for mask in ((False, True, False), (True, False, False)):
            if mask[0] and not layer.needs_gradient:
                continue
            arguments = (grad, x, weight, None, *options, False, (0, 0), 1, mask)
            functions.append(lambda a=arguments: torch.ops.aten.convolution_backward(*a))
        passes.append(functions)
    return list(zip(*passes))


def fastest(functions, repeats=5):
    """Return the function with the smallest median time."""
    seconds = {function: [] for function in functions}
    for _ in range(repeats + 1):
        for function, found in seconds.items():
            start = time.perf_counter()
            function()
            found.append(time.perf_counter() - start)
    return min(functions, key=lambda function: statistics.median(seconds[function][1:]))


def bare_convolutions(layers):
    """Return a function that computes all convolutions and their gradients, and nothing else."""
    with torch.no_grad():
        chosen = [fastest(layouts) for layer in layers for layouts in passes_of(layer)]

    def run():
        with torch.no_grad():
            for function in chosen:
                function()

    return run


def copies(layers):
    """Return a function that copies as many values as are moved between the convolutions."""
    pairs = [torch.zeros(2, layer.output_shape.numel()) for layer in layers]

    def run():
        for layer, (source, target) in zip(layers, pairs):
            # A copy reads and writes.
            n_left = layer.n_moved // 2
            while n_left:
                size = min(n_left, len(source))
                target[:size].copy_(source[:size])
                n_left -= size

    return run


def count_operations(layers):
    """Return the additions and multiplications of all convolutions and their gradients."""
    return sum(2 * (2 + layer.needs_gradient) * layer.n_multiplications for layer in layers)
