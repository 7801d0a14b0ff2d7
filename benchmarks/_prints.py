"""Printed ECGs of four classes: images, copies, folds, and what simple classifiers are given.

The folder has a subfolder of images for each class, as published (Khan & Hussain 2021, Mendeley
gwbz3fsgp8), or one copy of each image and a table ``files.csv`` with all published names
(``original_name``), the ``class`` and the ``file``.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklearn_ecg.datasets import load_ecg_images, load_ptbxl
from sklearn_ecg.preprocessing import ECGImageRenderer

SIZE = (96, 136)  # The aspect ratio of the prints, 1106 x 786.
LARGE = (192, 272)  # For histograms of gradients.
# Of the height of a print: the header, and the footer with date and heart rate.
HEADER, FOOTER = 0.17, 0.97
# Ways to split.
COPIES, GROUPED, DISTINCT = "copies in", "copies grouped", "one of each"
NUMBERS = "one of each, numbers grouped"
# Rows and columns of the printed number of a page, and the correlation of equal numbers, in pages
# of 786 x 1106 pixels. The correlation of different numbers is at most 0.98.
NUMBER_BOX, SAME_NUMBER = (slice(32, 52), slice(30, 115)), 0.99


class Prints:
    """The images, in the order of the published names.

    Attributes
    ----------
    images, large : ndarray of shape (n_names, height, width)
    y : ndarray of shape (n_names,)
    groups : ndarray of shape (n_names,)
        Names of the same image share a number.
    distinct : ndarray of int
        The first name of each image.
    numbers : ndarray of shape (n_names,)
        Pages with the same printed number share a number.
    pages : ndarray of shape (n_pages, height, width)
        Rendered records of PTB-XL.
    external : tuple
        Rendered records of PTB-XL in both sizes, whether they are infarctions, and their patients.
    """

    def __init__(self, folder, ptbxl_folder):
        self.folder = Path(folder)
        self.labels, names = "folders", None
        if (self.folder / "files.csv").exists():
            names = pd.read_csv(self.folder / "files.csv")
            self.labels = names.drop_duplicates("file")
        loaded = self._load(SIZE)
        self.rows = np.arange(len(loaded.data))
        if names is not None:
            positions = {file: i for i, file in enumerate(loaded.filenames)}
            self.rows = names["file"].map(positions).to_numpy()
        self.images, self.y, self.groups = (
            array[self.rows] for array in (loaded.data, loaded.target, loaded.groups)
        )
        self.classes = [str(name) for name in loaded.target_names]
        self.distinct = np.unique(self.groups, return_index=True)[1]
        self.ptbxl_folder = ptbxl_folder

    def _load(self, size):
        return load_ecg_images(
            self.folder, labels=self.labels, label_column="class", image_size=size
        )

    @cached_property
    def pages(self):
        ecg = load_ptbxl(self.ptbxl_folder, folds=[1])
        return render(ecg.data, SIZE)

    @cached_property
    def external(self):
        ecg = load_ptbxl(self.ptbxl_folder, task="mi", folds=[7, 8, 9])
        images = [render(ecg.data, size) for size in (SIZE, LARGE)]
        return *images, np.asarray(ecg.target), np.asarray(ecg.groups)

    @cached_property
    def large(self):
        return self._load(LARGE).data[self.rows]

    @cached_property
    def margins(self):
        return margins(self._load((393, 553)).data)[self.rows]

    @cached_property
    def numbers(self):
        return same_numbers(self._load((786, 1106)).data[:, *NUMBER_BOX])[self.rows]

    def splits(self, protocol, seed):
        """Return training and test positions of three folds."""
        everything = np.arange(len(self.y))
        if protocol == GROUPED:
            folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
            return list(folds.split(everything, self.y, self.groups))
        if protocol == NUMBERS:
            at = self.distinct
            folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
            splits = folds.split(at, self.y[at], self.numbers[at])
            return [(at[train], at[test]) for train, test in splits]
        at = self.distinct if protocol == DISTINCT else everything
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        return [(at[train], at[test]) for train, test in folds.split(at, self.y[at])]


def render(data, size):
    """Return records as pages with the gain of the prints."""
    renderer = ECGImageRenderer(sampling_rate=100, image_size=size, gain=10)
    return renderer.fit_transform(np.asarray(data))


def same_numbers(crops):
    """Return the same group for pages on which the same number is printed."""
    crops = crops.reshape(len(crops), -1).astype(float)
    is_same = np.corrcoef(crops) > SAME_NUMBER
    return connected_components(coo_array(is_same))[1]


def margins(images):
    """Return the header and the footer of images, as rows."""
    height = images.shape[1]
    parts = images[:, : round(HEADER * height)], images[:, round(FOOTER * height) :]
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)


def histograms_of_gradients(images, *, cell=8, n_orientations=9):
    """Compute histograms of unsigned gradient orientations, normalized in blocks of 2 x 2 cells.

    As Dalal & Triggs (2005), without interpolation between bins.
    """
    x = images.astype(np.float32) / 255
    down, across = np.gradient(x, axis=(1, 2))
    strength = np.hypot(down, across)
    angle = np.mod(np.arctan2(down, across), np.pi)
    bins = np.minimum((angle / np.pi * n_orientations).astype(int), n_orientations - 1)
    n, height, width = x.shape
    shape = n, height // cell, cell, width // cell, cell
    cells = np.stack(
        [
            np.where(bins == b, strength, 0)[:, : shape[1] * cell, : shape[3] * cell]
            .reshape(shape)
            .sum(axis=(2, 4))
            for b in range(n_orientations)
        ],
        axis=-1,
    )
    corners = [cells[:, i : i + shape[1] - 1, j : j + shape[3] - 1] for i in (0, 1) for j in (0, 1)]
    blocks = np.concatenate(corners, axis=-1)
    blocks /= np.sqrt(np.square(blocks).sum(axis=-1, keepdims=True) + 1e-4)
    return blocks.reshape(n, -1)


def draw_labels(y, train, n_labels, seed):
    """Return the training positions that keep their labels, ``n_labels`` of each class."""
    if n_labels is None:
        return train
    rng = np.random.RandomState(seed)
    return np.concatenate(
        [rng.permutation(train[y[train] == label])[:n_labels] for label in np.unique(y[train])]
    )
