"""Learning rates of fine-tuning, compared with the linear probe from which it starts."""

import numpy as np
from _study import stack_seeds
from _tables import drop_zeros
from sklearn.metrics import log_loss, roc_auc_score

from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval

HEADER = ("records", "rates", "AUROC", "AUROC minus the probe", "at least as good in", "log loss")


def rows_of_rates(y, patients, n_records, of_rates, former=None):
    """Return the rows of a table with `HEADER` for one number of labels.

    Parameters
    ----------
    y : ndarray of shape (n_tested, n_labels)
    patients : ndarray of shape (n_tested,)
    n_records : int
        Number of labeled records.
    of_rates : dict
        By the rates of the encoder and of the linear layer, a dict of the probabilities by the
        encoder and the draw of the labels. The rates are None for the probe. Each row has the
        encoders and draws that the probe and the former rates have as well.
    former : tuple of float, default=None
        Rates that a further column compares the others with.

    Returns
    -------
    rows : list of list of str
    """
    rows, options = [], {"groups": patients, "random_state": 0}
    for rates, fits in of_rates.items():
        shared = set(fits) & set(of_rates.get(None, ()))
        if former is not None:
            shared &= set(of_rates.get(former, ()))
        shared = sorted(shared)
        if not shared:
            continue
        ours, probe = ([of[fit] for fit in shared] for of in (fits, of_rates[None]))
        target, stacked = stack_seeds(y, ours)
        name, difference, ahead = "probe", "", ""
        change = [] if former is None else [""]
        if rates is not None:
            name = format_rates(rates)
            other = stack_seeds(y, probe)[1]
            difference = bootstrap_difference("roc_auc", target, stacked, other, **options)
            scores = [[roc_auc_score(y, p) for p in of] for of in (ours, probe)]
            ahead = f"{sum(a >= b for a, b in zip(*scores))} of {len(shared)}"
            if former not in (None, rates):
                before = stack_seeds(y, [of_rates[former][fit] for fit in shared])[1]
                change = [bootstrap_difference("roc_auc", target, stacked, before, **options)]
        auroc = bootstrap_interval("roc_auc", target, stacked, **options)
        loss = np.mean([log_loss_of_labels(y, p) for p in ours])
        cells = [str(n_records), name, auroc, difference, ahead, f"{loss:.3f}", *change]
        rows.append([drop_zeros(cell) for cell in cells])
    return rows


def format_rates(rates):
    """Return learning rates as text."""
    return ", ".join(f"{rate:.0e}".replace("-0", "-") for rate in rates)


def log_loss_of_labels(y, probability):
    """Return the log loss, a mean over the labels."""
    return np.mean([log_loss(column, p, labels=[0, 1]) for column, p in zip(y.T, probability.T)])
