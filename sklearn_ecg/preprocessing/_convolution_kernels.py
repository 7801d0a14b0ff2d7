"""The kernels of MiniRocket: weights, dilations, and thresholds from training records."""

from itertools import combinations

import numpy as np

#: Time points of a kernel without dilation.
KERNEL_LENGTH = 9
#: Positions of the weights 2 of each kernel. All other weights are -1, so that their sum is zero.
KERNELS = np.array(list(combinations(range(KERNEL_LENGTH), 3)))
_MAX_LEADS_OF_KERNEL = 9
_GOLDEN_RATIO = (np.sqrt(5) + 1) / 2


def choose_dilations(n_times, n_per_kernel, max_dilations):
    """Return the dilations of the kernels, and how many features each kernel has with each.

    Parameters
    ----------
    n_times : int
        Length of the records, at least `KERNEL_LENGTH`.
    n_per_kernel : int
        Features of a kernel, over all its dilations.
    max_dilations : int
        Maximum number of dilations of a kernel.

    Returns
    -------
    dilations : ndarray of shape (n_dilations,)
        From 1 to the largest with which a kernel is not longer than a record.
    counts : ndarray of shape (n_dilations,)
        Their sum is ``n_per_kernel``.
    """
    n_exponents = min(n_per_kernel, max_dilations)
    largest = np.log2((n_times - 1) / (KERNEL_LENGTH - 1))
    powers = np.logspace(0, largest, n_exponents, base=2).astype(np.int64)
    dilations, counts = np.unique(powers, return_counts=True)
    counts = (counts * (n_per_kernel / n_exponents)).astype(np.int64)
    # What the rounding has left out goes to the dilations in turn, from the smallest.
    missing = n_per_kernel - counts.sum()
    counts += missing // len(counts)
    counts[: missing % len(counts)] += 1
    return dilations, counts


def low_discrepancy_quantiles(n):
    """Return n probabilities that are evenly spread over (0, 1) in any part of the sequence."""
    return np.arange(1, n + 1) * _GOLDEN_RATIO % 1


def draw_leads(n_leads, n_dilations, random_state):
    """Draw the leads of each kernel for each dilation.

    Parameters
    ----------
    n_leads, n_dilations : int
    random_state : RandomState instance

    Returns
    -------
    chosen : ndarray of shape (n_dilations, 84, n_leads), bool
        From one to nine leads; the smaller a number, the more likely.
    """
    largest = np.log2(min(n_leads, _MAX_LEADS_OF_KERNEL) + 1)
    chosen = np.zeros((n_dilations * len(KERNELS), n_leads), dtype=bool)
    numbers = (2 ** random_state.uniform(0, largest, len(chosen))).astype(np.int64)
    for row, number in zip(chosen, numbers):
        row[random_state.choice(n_leads, number, replace=False)] = True
    return chosen.reshape(n_dilations, len(KERNELS), n_leads)


def fit_thresholds(signals, complete, leads, dilations, counts, random_state):
    """Return quantiles of the output of each kernel for a random training record.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times), float32
    complete : ndarray of shape (n_records, n_leads), bool
        Leads without NaN. Only records in which all leads of a kernel are complete are drawn.
    leads : ndarray of shape (n_dilations, 84, n_leads), bool
        The leads of each kernel for each dilation. Each set is complete in a record.
    dilations, counts : ndarray of shape (n_dilations,)
        Of `choose_dilations`.
    random_state : RandomState instance

    Returns
    -------
    thresholds : list of ndarray of shape (84, n_features_of_dilation), float32
        One array for each dilation.
    """
    n_kernels = len(KERNELS)
    quantiles = np.split(
        low_discrepancy_quantiles(n_kernels * counts.sum()), np.cumsum(n_kernels * counts)[:-1]
    )
    thresholds = []
    for d, dilation in enumerate(dilations):
        outputs = np.empty((n_kernels, signals.shape[2]), dtype=np.float32)
        for kernel, positions in enumerate(KERNELS):
            chosen = leads[d, kernel]
            records = np.flatnonzero(complete[:, chosen].all(axis=1))
            record = records[random_state.randint(len(records))]
            outputs[kernel] = convolve(signals[record, chosen], dilation, positions)
        thresholds.append(_quantiles_of_rows(outputs, quantiles[d].reshape(n_kernels, -1)))
    return thresholds


def convolve(signals, dilation, positions):
    """Convolve the leads of a record with a kernel, and add the results.

    Parameters
    ----------
    signals : ndarray of shape (n_leads, n_times), float32
    dilation : int
    positions : ndarray of shape (3,)
        Of the weights 2.

    Returns
    -------
    output : ndarray of shape (n_times,), float32
        Beyond its ends, a record is zero.
    """
    n_leads, n_times = signals.shape
    margin = KERNEL_LENGTH // 2 * dilation
    padded = np.zeros((n_leads, n_times + 2 * margin), dtype=np.float32)
    padded[:, margin : margin + n_times] = signals
    shifted = [padded[:, dilation * i :][:, :n_times] for i in range(KERNEL_LENGTH)]
    output = -sum_shifted(shifted).sum(axis=0)
    tripled = [3 * shifted[i] for i in positions]
    for part in tripled:
        output += part.sum(axis=0)
    return output


def sum_shifted(shifted, out=None):
    """Add the nine shifted copies of a signal in a fixed order, that of the rounding errors.

    Parameters
    ----------
    shifted : sequence of 9 ndarrays
    out : ndarray or None, default=None

    Returns
    -------
    total : ndarray
    """
    center = KERNEL_LENGTH // 2
    order = [center, *(i for i in range(KERNEL_LENGTH) if i != center)]
    total = np.add(shifted[order[0]], shifted[order[1]], out=out)
    for i in order[2:]:
        np.add(total, shifted[i], out=total)
    return total


def _quantiles_of_rows(values, probabilities):
    """Return quantiles of each row, with linear interpolation.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_values)
    probabilities : ndarray of shape (n_rows, n_quantiles)

    Returns
    -------
    quantiles : ndarray of shape (n_rows, n_quantiles), float32
    """
    ordered = np.sort(values, axis=1).astype(np.float64)
    places = probabilities * (values.shape[1] - 1)
    low = places.astype(np.intp)
    high = np.minimum(low + 1, values.shape[1] - 1)
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, high, axis=1)
    return (below + (above - below) * (places - low)).astype(np.float32)
