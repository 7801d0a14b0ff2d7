"""Assignment of patients to parts, such that each part has its share of every label."""

import numpy as np

# Kinds of patients that are considered for an exchange between two parts, and the largest number of
# rounds of transfers and exchanges.
_MAX_CANDIDATES = 64
_MAX_STEPS = 2000


def assign_groups(counts, shares, rng=None):
    """Assign groups to parts, such that each part has its share of every column of the counts.

    Groups with equal counts are interchangeable: of each such kind, every part is given its share,
    rounded down. The remaining groups follow one by one, those that are most difficult to place
    first, each in the part where it reduces the deviation most. Then single groups are transferred
    and pairs exchanged as long as this reduces the deviation.

    The deviation is the sum over parts and columns of the squared difference between the count and
    the expected count, divided by the smaller of the numbers of records with and without the label
    and by the share of the part. Rare labels therefore weigh more than frequent ones.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, 1 + n_labels), int
        Number of records of each group, and number of its records with each label.
    shares : ndarray of shape (n_parts,)
        Share of the records that each part is to have, > 0; their sum is 1.
    rng : RandomState or None, default=None
        Chooses between equal solutions. If None, they depend on the order of the groups.

    Returns
    -------
    part : ndarray of shape (n_groups,), int
    """
    order = np.arange(len(counts)) if rng is None else rng.permutation(len(counts))
    kinds, kind_of_group = np.unique(counts[order], axis=0, return_inverse=True)
    kind_of_group = kind_of_group.ravel()
    placement = _Placement(kinds, np.bincount(kind_of_group), shares)
    placement.place_remaining(rng)
    placement.improve()
    part = np.empty(len(counts), dtype=np.intp)
    # The groups of a kind are dealt out in turn, so that each part has early and late ones.
    members = order[np.argsort(kind_of_group, kind="stable")]
    part[members] = placement.deal()
    return part


class _Placement:
    """Number of groups of each kind in each part, and the deviation from the expected counts."""

    def __init__(self, kinds, sizes, shares):
        self.kinds = kinds.astype(float)
        self.shares = shares
        self.sizes = sizes
        total = sizes @ self.kinds
        rarer = np.minimum(total, total[0] - total)
        rarer[0] = total[0]
        self.weighted = self.kinds / np.maximum(rarer, 1)
        self.squares = (self.weighted * self.kinds).sum(axis=1)
        # The addition makes up for rounding: 0.2 * 5 must not be less than 1.
        self.placed = np.floor(np.outer(sizes, shares) + 1e-9).astype(np.intp)
        self.deviation = self.placed.T @ self.kinds - np.outer(shares, total)

    def place_remaining(self, rng):
        """Place the groups that are left, each where it reduces the deviation most."""
        n_remaining = self.sizes - self.placed.sum(axis=1)
        difficulty = self.squares
        if rng is not None:
            difficulty = difficulty * rng.uniform(0.5, 1, len(difficulty))
        remaining = np.repeat(np.arange(len(self.sizes)), n_remaining)
        remaining = remaining[np.argsort(-difficulty[remaining], kind="stable")]
        n_groups = self.placed.sum(axis=0)
        n_parts = len(self.shares)
        parts = np.arange(n_parts)
        for position, kind in enumerate(remaining):
            change = (2 * self.deviation @ self.weighted[kind] + self.squares[kind]) / self.shares
            empty = n_groups == 0
            if np.count_nonzero(empty) >= len(remaining) - position:
                change[~empty] = np.inf  # no part may stay empty
            if rng is not None:
                parts = rng.permutation(n_parts)
            part = parts[np.argmin(change[parts])]
            self.placed[kind, part] += 1
            self.deviation[part] += self.kinds[kind]
            n_groups[part] += 1

    def improve(self):
        """Transfer single groups and exchange pairs as long as this reduces the deviation."""
        # Smaller changes are rounding errors.
        self.tolerance = 1e-9 * self.squares.mean() / self.shares.max()
        n_parts = len(self.shares)
        # Change of the deviation if a group of each kind leaves or enters each part.
        self.leave, self.enter = np.empty((2, n_parts, len(self.kinds)))
        self._update(slice(None))
        for _ in range(_MAX_STEPS):
            if not self._transfer() and not self._exchange():
                break

    def _update(self, parts):
        projection = self.deviation[parts] @ self.weighted.T
        shares = self.shares[parts, None]
        self.leave[parts] = (self.squares - 2 * projection) / shares
        self.enter[parts] = (self.squares + 2 * projection) / shares
        self.leave[parts] = np.where(self.placed.T[parts] > 0, self.leave[parts], np.inf)

    def _transfer(self):
        """Make the best transfer of a group to another part, and return whether there is one."""
        enter = self.enter
        leave = np.where((self.placed.sum(axis=0) == 1)[:, None], np.inf, self.leave)
        kinds = np.arange(leave.shape[1])
        best, choice = -self.tolerance, None
        # If the best source and the best target of a kind are the same part, one of them is not
        # the best one but the second.
        sources, targets = (np.argsort(part, axis=0, kind="stable")[:2] for part in (leave, enter))
        for source, target in ((0, 0), (0, 1), (1, 0)):
            change = leave[sources[source], kinds] + enter[targets[target], kinds]
            change[sources[source] == targets[target]] = np.inf
            kind = np.argmin(change)
            if change[kind] < best:
                best = change[kind]
                choice = kind, sources[source, kind], targets[target, kind]
        if choice is None:
            return False
        self._move(*choice)
        return True

    def _exchange(self):
        """Make the best exchange between each two parts, and return whether there is any."""
        n_parts = len(self.shares)
        found = False
        for a in range(n_parts):
            for b in range(a + 1, n_parts):
                forth, back = self.leave[a] + self.enter[b], self.leave[b] + self.enter[a]
                candidates = [_smallest(forth), _smallest(back)]
                # What one group takes away, the other one brings.
                shared = self.weighted[candidates[0]] @ self.kinds[candidates[1]].T
                scale = 2 * (1 / self.shares[a] + 1 / self.shares[b])
                change = forth[candidates[0]][:, None] + back[candidates[1]] - scale * shared
                i, j = np.unravel_index(np.argmin(change), change.shape)
                if change[i, j] < -self.tolerance:
                    self._move(candidates[0][i], a, b)
                    self._move(candidates[1][j], b, a)
                    found = True
        return found

    def _move(self, kind, source, target):
        self.placed[kind, [source, target]] += [-1, 1]
        self.deviation[source] -= self.kinds[kind]
        self.deviation[target] += self.kinds[kind]
        self._update([source, target])

    def deal(self):
        """Return the part of each group, with the groups sorted by kind."""
        n_kinds, n_parts = self.placed.shape
        sizes = self.placed.ravel()
        kind, part = (
            np.repeat(numbers.ravel(), sizes) for numbers in np.indices((n_kinds, n_parts))
        )
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        turn = (np.arange(len(first)) - first + 0.5) / np.repeat(sizes, sizes)
        return part[np.lexsort((part, turn, kind))]


def _smallest(change):
    """Return the positions of the smallest finite changes."""
    if len(change) > _MAX_CANDIDATES:
        positions = np.sort(np.argpartition(change, _MAX_CANDIDATES)[:_MAX_CANDIDATES])
    else:
        positions = np.arange(len(change))
    return positions[np.isfinite(change[positions])]
