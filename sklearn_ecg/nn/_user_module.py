"""Wrapper that checks what a user's module returns."""

import torch
from torch import nn


class UserModule(nn.Module):
    """Wrap a module that returns logits, or logits and an embedding, and check its output.

    If the module returns no embedding, the logits serve as the embedding.

    Parameters
    ----------
    module : torch.nn.Module
        Maps signals (batch, leads, time) to logits (batch, n_outputs), or to a tuple of these and
        an embedding (batch, embedding_dim).
    name : str
        Name of the module in error messages.
    n_outputs : int
        Number of logits.

    Attributes
    ----------
    embedding_dim : int
        Length of the embedding. Set by `probe`.
    """

    def __init__(self, module, name, n_outputs):
        super().__init__()
        self.module = module
        self.name = name
        self.n_outputs = n_outputs
        self.embedding_dim = None

    def probe(self, n_leads, n_times, dtype):
        """Call the module with two random records before training.

        This raises errors early, and lets lazy layers infer their sizes.

        Raises
        ------
        ValueError
            If the module fails or its output is invalid.
        """
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(2, n_leads, n_times, generator=generator, dtype=dtype)
        self.to(dtype).eval()
        try:
            with torch.no_grad():
                output = self.module(x)
        except Exception as error:
            raise ValueError(
                f"module {self.name} failed on a batch of shape {tuple(x.shape)}, that is (batch, "
                f"leads, time), of {x.dtype}: {type(error).__name__}: {error}"
            ) from error
        logits, embedding = self._check(output, len(x))
        if not torch.isfinite(logits).all() or not torch.isfinite(embedding).all():
            raise ValueError(
                f"module {self.name} returned NaN or infinity for a batch of finite signals."
            )
        if not any(parameter.requires_grad for parameter in self.parameters()):
            raise ValueError(f"module {self.name} has no parameters to train.")
        self.embedding_dim = embedding.shape[1]
        self.train()
        return self

    def outputs(self, x):
        """Compute logits (batch, n_outputs) and embedding (batch, embedding_dim)."""
        # A contiguous copy: x may share memory with the records, which a module that works in place
        # would change, and modules may call ``x.view``, which needs the standard memory order.
        output = self.module(x.clone(memory_format=torch.contiguous_format))
        return self._check(output, len(x))

    def forward(self, x):
        """Compute logits (batch, n_outputs)."""
        return self.outputs(x)[0]

    def _check(self, output, n_records):
        logits = embedding = output
        if isinstance(output, (tuple, list)):
            if len(output) != 2:
                raise ValueError(
                    f"module {self.name} must return logits or (logits, embedding), got a "
                    f"{type(output).__name__} of length {len(output)}."
                )
            logits, embedding = output
        for name, value in {"logits": logits, "embedding": embedding}.items():
            if not torch.is_tensor(value) or not value.is_floating_point():
                got = value.dtype if torch.is_tensor(value) else type(value).__name__
                raise ValueError(
                    f"module {self.name} must return logits or (logits, embedding) as "
                    f"floating-point tensors, got {got} for the {name}."
                )
        if logits.shape != (n_records, self.n_outputs):
            hint = ""
            if self.n_outputs == 1:
                hint = " For two classes, return one logit, which is positive for the second class."
            raise ValueError(
                f"module {self.name} returned logits of shape {tuple(logits.shape)} for a batch of "
                f"{n_records}; they must have the shape (batch, n_outputs), here "
                f"{(n_records, self.n_outputs)}.{hint}"
            )
        if embedding.ndim != 2 or len(embedding) != n_records:
            raise ValueError(
                f"module {self.name} returned an embedding of shape {tuple(embedding.shape)} for a "
                f"batch of {n_records}; it must have the shape (batch, n_features)."
            )
        return logits, embedding
