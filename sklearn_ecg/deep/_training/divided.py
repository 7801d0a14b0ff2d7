"""Training on a share of a batch, with the result of the whole batch.

Each process runs the network on its rows. The outputs are gathered, so that each process computes
the loss of the whole batch. The gradient of the loss by the outputs of other processes is not
needed here: they compute it themselves.
"""

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


def run_divided(network, x, processes):
    """Return the output of a network for a batch, of which each process computes a share.

    Parameters
    ----------
    network : torch.nn.Module
        Returns a tensor or a tuple of tensors. The first axis of each are the records, unless the
        attribute ``record_axes`` has the axis of each, or None for a tensor of another kind.
    x : tensor of shape (n_rows, ...)
        The whole batch, equal in all processes.
    processes : TrainingProcesses

    Returns
    -------
    output : tensor or tuple of tensors
        The output for all rows.
    """
    rows = processes.share(len(x))
    if rows is None:
        return network(x)
    with _WholeBatchNorm(processes), _WholeBatchDraws(rows, len(x)):
        output = network(x[rows])
    is_tuple = isinstance(output, tuple)
    outputs = output if is_tuple else (output,)
    axes = (*getattr(network, "record_axes", ()), *(0,) * len(outputs))
    gathered = tuple(
        _gather(values, axis, rows, len(x), processes) for values, axis in zip(outputs, axes)
    )
    return gathered if is_tuple else gathered[0]


def _gather(values, axis, rows, n_rows, processes):
    """Return an output for all rows, given that for the rows of this process."""
    if values is None:
        return None
    if not isinstance(values, torch.Tensor):
        raise ValueError(
            f"The network returned a {type(values).__name__}, which processes that train together "
            "cannot combine. Return a tensor or a tuple of tensors."
        )
    if axis is None:
        return _SharedGradient.apply(values, processes.size)
    if values.ndim <= axis or values.shape[axis] != rows.stop - rows.start:
        raise ValueError(
            f"The network returned a tensor of shape {tuple(values.shape)} for "
            f"{rows.stop - rows.start} records, which processes that train together cannot "
            "combine. Return one row per record, or set the attribute record_axes of the network "
            "to the axis of the records of each output, None for outputs without such an axis."
        )
    return _Gather.apply(values, axis, rows, n_rows, processes)


class _Gather(torch.autograd.Function):
    """Concatenate the values of all processes along an axis."""

    @staticmethod
    def forward(ctx, values, axis, rows, n_rows, processes):
        ctx.place = axis, rows.start, rows.stop - rows.start
        dtype = values.dtype
        shape = list(values.shape)
        shape[axis] = n_rows
        # Adding zeros changes no value. Shares of different sizes need no padding.
        full = values.new_zeros(shape, dtype=torch.promote_types(dtype, torch.float32))
        full.narrow(*ctx.place).copy_(values)
        processes.sum(torch.view_as_real(full) if full.is_complex() else full)
        return full.to(dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.narrow(*ctx.place), None, None, None, None


class _SharedGradient(torch.autograd.Function):
    """Values that are equal in all processes, which all compute their whole gradient.

    The gradients of the processes are added up, so that each of them adds its part.
    """

    @staticmethod
    def forward(ctx, values, size):
        ctx.size = size
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient):
        return gradient / ctx.size, None


class _WholeBatchDraws(TorchDispatchMode):
    """Draw random numbers, such as those of dropout, for the whole batch, and use the own rows."""

    def __init__(self, rows, n_rows):
        super().__init__()
        self._rows, self._n_rows = rows, n_rows

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        aten = torch.ops.aten
        if func is aten.bernoulli_.float:
            noise, *rest = args
            full, own = self._whole(noise)
            func(full, *rest, **kwargs)
            return noise.copy_(full[own])
        if func is aten.native_dropout.default:  # on GPUs
            x, *rest = args
            full, own = self._whole(x)
            scale, mask = (values[own] for values in func(full.fill_(1), *rest, **kwargs))
            return x * scale, mask
        is_attention = "scaled_dot_product" in func.name()
        # On GPUs, it draws in a kernel of its own. The generator of the CPU, which draws the
        # batches, stays equal in all processes.
        if is_attention and (args[0].is_cuda or not _dropout_of(func, args, kwargs)):
            return func(*args, **kwargs)
        raise ValueError(
            f"The network draws random numbers by {func.name()}, for which processes that train "
            "together cannot give the result of one process. Use torch.nn.Dropout, or train in "
            "one process."
        )

    def _whole(self, values):
        """Return an empty tensor for the whole batch, laid out in memory like that of a share."""
        n_own = self._rows.stop - self._rows.start
        if not values.ndim or values.shape[0] % n_own:
            raise ValueError(
                f"Dropout is applied to a tensor of shape {tuple(values.shape)}, whose first axis "
                f"is not that of the {n_own} records of this process, so that processes that train "
                "together cannot give the result of one process. Move the records to the front, or "
                "train in one process."
            )
        factor = values.shape[0] // n_own
        shape = (factor * self._n_rows, *values.shape[1:])
        strides, step = [0] * len(shape), 1
        # If a share of one row has the stride of another axis, its rows are not the outermost axis.
        for axis in sorted(range(len(shape)), key=values.stride):
            strides[axis], step = step, step * shape[axis]
        full = torch.empty_strided(shape, strides, dtype=values.dtype, device=values.device)
        return full, slice(factor * self._rows.start, factor * self._rows.stop)


def _dropout_of(func, args, kwargs):
    """Return the dropout rate with which an attention is called."""
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args)), **kwargs}
    return given.get("dropout_p", 0.0)


class _WholeBatchNorm(TorchFunctionMode):
    """Normalize by the mean and variance of the whole batch where BatchNorm is in training mode."""

    def __init__(self, processes):
        super().__init__()
        self._processes = processes

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        x,
        running_mean,
        running_var,
        weight=None,
        bias=None,
        training=False,
        momentum=0.1,
        eps=1e-5,
    ):
        if not training:
            return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        with torch.no_grad():
            mean, var, count = self._statistics(x)
            if running_mean is not None:
                running_mean.lerp_(mean.to(running_mean), momentum)
                running_var.lerp_((var * (count / (count - 1))).to(running_var), momentum)
        dtype = torch.promote_types(x.dtype, torch.float32)
        ones = torch.ones(x.shape[1], dtype=dtype, device=x.device)
        return _Normalize.apply(
            x,
            ones if weight is None else weight,
            torch.zeros_like(ones) if bias is None else bias,
            mean.to(dtype),
            var.to(dtype),
            count,
            eps,
            self._processes,
        )

    def _statistics(self, x):
        """Return the mean and variance of each channel over all processes, and the count."""
        n_channels, processes = x.shape[1], self._processes
        count = x.numel() // n_channels
        wide = x if x.dtype == torch.float64 else x.float()
        mean, var = torch.ops.aten.batch_norm_update_stats(wide, None, None, 0.1)
        own = torch.cat([mean, var, mean.new_full((1,), count)]).double()
        # One row per process.
        table = own.new_zeros(processes.size, len(own))
        table[processes.number] = own
        processes.sum(table)
        means, variances, counts = table.split([n_channels, n_channels, 1], dim=1)
        total = counts.sum()
        mean = (counts * means).sum(0) / total
        var = (counts * (variances + (means - mean).square())).sum(0) / total
        return mean, var, total


class _Normalize(torch.autograd.Function):
    """BatchNorm with a mean and variance that depend on the rows of all processes."""

    @staticmethod
    def forward(ctx, x, weight, bias, mean, var, count, eps, processes):
        ctx.save_for_backward(x, weight, mean, var, count)
        ctx.eps, ctx.processes = eps, processes
        return torch.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0]

    @staticmethod
    def backward(ctx, gradient):
        x, weight, mean, var, count = ctx.saved_tensors
        # Those of a fixed mean and variance, and the sums over the own rows.
        by_x, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, var, None, None, False, ctx.eps, [True, True, True]
        )
        # The mean and variance depend on the rows of all processes.
        n_channels = len(mean)
        sums = ctx.processes.sum(torch.cat([by_bias, by_weight]).double()) / count
        per_channel = (1, n_channels) + (1,) * (x.ndim - 2)
        inverse = (var.double() + ctx.eps).rsqrt()
        # Half precision is rounded once.
        dtype = torch.promote_types(x.dtype, torch.float32)
        scale = weight * inverse
        offset = (scale * sums[:n_channels]).to(dtype).view(per_channel)
        slope = (scale * sums[n_channels:] * inverse).to(dtype).view(per_channel)
        centered = x.to(dtype) - mean.to(dtype).view(per_channel)
        by_x = (by_x.to(dtype) - offset - slope * centered).to(x.dtype)
        return by_x, by_weight, by_bias, None, None, None, None, None
