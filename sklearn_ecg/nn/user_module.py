"""A user's module in the form in which estimators train networks."""

import torch
from torch import nn


class UserModule(nn.Module):
    """A module that returns logits, or logits and an embedding, held to what it must return.

    Without an embedding the logits are taken for it.

    Parameters
    ----------
    module : torch.nn.Module
        Maps (batch, leads, time) to (batch, n_outputs), or to that and (batch, embedding_dim).
    name : str
        What errors call it.
    n_outputs : int

    Attributes
    ----------
    embedding_dim : int
        Known from `probe` on.
    """

    def __init__(self, module, name, n_outputs):
        super().__init__()
        self.module = module
        self.name = name
        self.n_outputs = n_outputs
        self.embedding_dim = None

    def probe(self, n_leads, n_times, dtype):
        """Try two random records: errors come before training, and lazy layers take their sizes.

        Raises
        ------
        ValueError
            When the module fails, or returns something else than it must.
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
        """Logits (batch, n_outputs) and embedding (batch, embedding_dim)."""
        # A copy: x may be a view of the records themselves, which a module that works in place
        # would change, and one in another memory order, which ``view`` refuses.
        output = self.module(x.clone(memory_format=torch.contiguous_format))
        return self._check(output, len(x))

    def forward(self, x):
        """Logits (batch, n_outputs)."""
        return self.outputs(x)[0]

    def _check(self, output, n_records):
        logits = embedding = output
        if isinstance(output, (tuple, list)):
            if len(output) != 2:
                raise ValueError(
                    f"module {self.name} must return logits or (logits, embedding), got a "
                    f"{type(output).__name__} of {len(output)}."
                )
            logits, embedding = output
        for what, value in {"logits": logits, "embedding": embedding}.items():
            if not torch.is_tensor(value) or not value.is_floating_point():
                got = value.dtype if torch.is_tensor(value) else type(value).__name__
                raise ValueError(
                    f"module {self.name} must return logits or (logits, embedding), tensors of "
                    f"floating point; its {what} are {got}."
                )
        if logits.shape != (n_records, self.n_outputs):
            hint = ""
            if self.n_outputs == 1:
                hint = " One logit tells two classes apart: the second is that of positive values."
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
