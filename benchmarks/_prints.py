"""SimCardioNet on printed ECGs of four classes: arms, cross-validation and tables.

`study_simcardio.py --prints` runs this. The folder has a subfolder of images for each class, as
published (Khan & Hussain 2021, Mendeley gwbz3fsgp8), or one copy of each image and a table
``files.csv`` with all published names (``original_name``), the ``class`` and the ``file``.
"""

import time
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from _results import cached_arrays, cached_object, code_hash, is_cached
from _study import hash_arrays, list_params
from _tables import Table
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.augmentation import ColorJitter, RandomResizedCrop, RandomRotation
from sklearn_ecg.datasets import load_ecg_images, load_ptbxl
from sklearn_ecg.inspection import grad_cam
from sklearn_ecg.metrics import bootstrap_difference, bootstrap_interval
from sklearn_ecg.preprocessing import ECGImageRenderer

SIZE = (96, 136)  # The aspect ratio of the prints, 1106 x 786.
LARGE = (192, 272)  # For histograms of gradients.
# Of the height of a print: the header, and the footer with date and heart rate.
HEADER, FOOTER = 0.17, 0.97
FILTERS = (8, 16, 32, 64)
PRETRAINING = {"max_epochs": 20}
FINE_TUNING = {"max_epochs": 30, "min_steps": 120}
FROM_SCRATCH = {"unfreeze_interval": 0, "encoder_learning_rate": 1e-3, "layer_decay": 1.0}
COPIES, GROUPED, DISTINCT = "copies in", "copies grouped", "one of each"
NUMBERS = "one of each, numbers grouped"
# Rows and columns of the printed number of a page, and the correlation of equal numbers, in pages
# of 786 x 1106 pixels. The correlation of different numbers is at most 0.98.
NUMBER_BOX, SAME_NUMBER = (slice(32, 52), slice(30, 115)), 0.99
_BASELINE = make_pipeline(
    make_pipeline(PCA(40, random_state=0), StandardScaler()),
    LogisticRegressionCV(Cs=[1e-3, 1e-2, 0.1, 1], cv=3, max_iter=2000),
)
PARTS = ["baselines", "main", "copies", "rest"]
AUGMENTATIONS = {
    "rotation": RandomRotation(),
    "crop": RandomResizedCrop(),
    "color jitter": ColorJitter(),
}


@dataclass(frozen=True)
class Arm:
    """A way to train.

    Attributes
    ----------
    name : str
    encoder : dict or None
        Parameters of the encoder. None is a baseline.
    classifier : dict
        Parameters of the classifier.
    pool : {"prints", "pages", "both"}
        Images of pretraining: those of the training folds without their labels, or rendered pages.
    features : {"hog", "pixels", "margins"}
        Of a baseline.
    """

    name: str
    encoder: dict | None = None
    classifier: dict = field(default_factory=dict)
    pool: str = "prints"
    features: str = ""


def without(name):
    return [transform for other, transform in AUGMENTATIONS.items() if other != name]


PRETRAINED = Arm("SimCardioNet, pretrained", {})
RANDOM = Arm("SimCardioNet, random start", {"max_epochs": 0}, FROM_SCRATCH)
HOG = Arm("histograms of gradients + logistic regression", features="hog")
PIXELS = Arm("pixels + logistic regression", features="pixels")
MARGINS = Arm("header and footer alone + logistic regression", features="margins")
FROZEN = Arm("linear probe of the pretrained encoder", {}, {"frozen": True})
FROZEN_RANDOM = Arm("linear probe of a random encoder", {"max_epochs": 0}, {"frozen": True})
ABLATIONS = [
    PRETRAINED,
    Arm("pretrained on rendered pages of PTB-XL", {}, pool="pages"),
    Arm("pretrained on prints and rendered pages", {}, pool="both"),
    Arm("pretrained, all stages unfrozen at once", {}, {"unfreeze_interval": 0}),
    Arm("pretrained, without attention", {"n_heads": 0}),
    Arm("random start, without attention", {"max_epochs": 0, "n_heads": 0}, FROM_SCRATCH),
    *(Arm(f"pretrained, without {a}", {"augmentation": without(a)}) for a in AUGMENTATIONS),
    Arm(
        "random start, augmentation in fine-tuning",
        {"max_epochs": 0},
        {**FROM_SCRATCH, "augmentation": list(AUGMENTATIONS.values())},
    ),
]


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
        renderer = ECGImageRenderer(sampling_rate=100, image_size=SIZE)
        return renderer.fit_transform(np.asarray(ecg.data))

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


def make_estimators(arm, seed):
    """Return the unfitted encoder and classifier of an arm."""
    options = {**PRETRAINING, **arm.encoder}
    encoder = SimCardioNetEncoder(image_size=None, filters=FILTERS, random_state=seed, **options)
    options = {**FINE_TUNING, **arm.classifier}
    return encoder, SimCardioNetClassifier(random_state=seed, **options)


class Study:
    """Cached fits on prints.

    Parameters
    ----------
    prints : Prints
    only_cached : bool
        Whether to skip what is not in the cache.
    """

    def __init__(self, prints, only_cached):
        self.prints, self.only_cached = prints, only_cached
        self.code = code_hash()
        self.data = hash_arrays(prints.images, prints.y)
        self.features = {
            "hog": lambda: histograms_of_gradients(prints.large),
            "pixels": lambda: prints.images.reshape(len(prints.y), -1) / np.float32(255),
            "margins": lambda: prints.margins / np.float32(255),
        }

    def predict(self, arm, protocol, n_labels, seed):
        """Return predicted classes out of fold (-1 where none), or None if a fit is missing."""
        predicted = np.full(len(self.prints.y), -1)
        for fold, (train, test) in enumerate(self.prints.splits(protocol, seed)):
            labeled = draw_labels(self.prints.y, train, n_labels, 100 * seed + fold)
            result = self._fit(arm, train, labeled, test, seed)
            if result is None:
                return None
            predicted[test] = result["predicted"]
        return predicted

    def _fit(self, arm, train, labeled, test, seed):
        # Copies add nothing to a pool without labels.
        pool = train[np.unique(self.prints.groups[train], return_index=True)[1]]
        on = f"data {self.data}, code {self.code}, {hash_arrays(pool, labeled, test)}"
        if arm.encoder is None:
            key = f"{arm.features} {_BASELINE}, {on}"
            return cached_arrays(None, key, lambda: self._fit_baseline(arm, pool, labeled, test))
        encoder, classifier = make_estimators(arm, seed)
        if len(labeled) > len(pool):
            # As many steps with copies as without.
            epochs = round(classifier.max_epochs * len(pool) / len(labeled))
            classifier.set_params(max_epochs=epochs)
        key = f"{list_params(classifier)} of {list_params(encoder)}, {arm.pool}, {on}"
        if arm.pool != "prints":
            key += f", pages {hash_arrays(self.prints.pages)}"
        if self.only_cached and not is_cached(key):
            return None
        return cached_arrays(
            None, key, lambda: self._train(arm, encoder, classifier, pool, labeled, test)
        )

    def _train(self, arm, encoder, classifier, pool, labeled, test):
        start = time.process_time()
        self.train(arm, encoder, classifier, pool, labeled)
        seconds = time.process_time() - start
        return {"predicted": classifier.predict(self.prints.images[test]), "seconds": seconds}

    def train(self, arm, encoder, classifier, pool, labeled):
        """Pretrain the encoder, unless it is in the cache, and fit the classifier."""
        images, y = self.prints.images, self.prints.y
        unlabeled = images[pool]
        if arm.pool == "pages":
            unlabeled = self.prints.pages
        elif arm.pool == "both":
            unlabeled = np.concatenate([unlabeled, self.prints.pages])
        # As many steps with any pool.
        epochs = round(encoder.max_epochs * len(pool) / len(unlabeled))
        encoder.set_params(max_epochs=epochs)
        key = f"{list_params(encoder)} on {hash_arrays(unlabeled)}, code {self.code}"
        torch.set_num_threads(1)
        with warnings.catch_warnings():
            # A loss of few images may collapse; the scores show the consequences.
            warnings.simplefilter("ignore", ConvergenceWarning)
            encoder = cached_object(key, lambda: encoder.fit(unlabeled))
            classifier.set_params(encoder=FrozenEstimator(encoder))
            classifier.fit(images[labeled], y[labeled])
        return classifier

    def _fit_baseline(self, arm, pool, labeled, test):
        if callable(self.features[arm.features]):
            self.features[arm.features] = self.features[arm.features]()
        X, y = self.features[arm.features], self.prints.y
        (_, reduce), (_, regression) = clone(_BASELINE).steps
        reduce.fit(X[pool])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            regression.fit(reduce.transform(X[labeled]), y[labeled])
        return {"predicted": regression.predict(reduce.transform(X[test]))}


def draw_heat_maps(prints, path, arm=None, n_images=5):
    """Draw Grad-CAM of test images, and return the share of heat in the margins, by class."""
    study = Study(prints, False)
    train, test = prints.splits(DISTINCT, 0)[0]
    arm = arm or PRETRAINED
    classifier = study.train(arm, *make_estimators(arm, 0), train, train)
    images, y = prints.images[test], prints.y[test]
    heat = grad_cam(classifier, images)
    heat = np.maximum(heat.reshape(images.shape), 0)
    height = images.shape[1]
    rows = np.arange(height)
    outside = (rows < HEADER * height) | (rows >= FOOTER * height)
    shares = heat[:, outside].sum(axis=(1, 2)) / np.maximum(heat.sum(axis=(1, 2)), 1e-12)
    predicted = classifier.predict(images)
    chosen = [np.flatnonzero(y == label)[0] for label in np.unique(y)]
    chosen += [i for i in np.flatnonzero(predicted != y)][: n_images - len(chosen)]
    figure, axes = plt.subplots(len(chosen), 2, figsize=(12, 4 * len(chosen)))
    for (left, right), i in zip(axes, chosen):
        for axis in (left, right):
            axis.imshow(prints.large[test][i], cmap="gray", extent=(0, 1, 0, 1), aspect=0.7)
            axis.axis("off")
        right.imshow(heat[i], cmap="inferno", alpha=0.5, extent=(0, 1, 0, 1), aspect=0.7)
        names = [prints.classes[c] for c in (y[i], predicted[i])]
        left.set_title(f"{names[0]}, predicted {names[1]}, in the margins {shares[i]:.2f}")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    return outside.mean(), {prints.classes[c]: shares[y == c].mean() for c in np.unique(y)}


def score(y, predicted, which):
    """Return the mean over seeds of the accuracy, or of a macro average over classes."""
    return np.mean([_score_one(y, p, which) for p in predicted.reshape(len(y), -1).T])


def _score_one(y, predicted, which):
    n_classes = 1 + max(y.max(), predicted.max())
    counts = np.bincount(n_classes * y + predicted, minlength=n_classes**2)
    counts = counts.reshape(n_classes, n_classes)
    correct = counts.diagonal()
    if which == "accuracy":
        return correct.sum() / counts.sum()
    recall = correct / np.maximum(counts.sum(axis=1), 1)
    precision = correct / np.maximum(counts.sum(axis=0), 1)
    if which == "recall":
        return recall.mean()
    if which == "precision":
        return precision.mean()
    return (2 * recall * precision / np.maximum(recall + precision, 1e-12)).mean()


METRICS = ("accuracy", "precision", "recall", "F1")


class Tables:
    """Rows of tables from a study."""

    def __init__(self, study):
        self.study = study

    def predictions(self, arm, protocol, n_labels, n_seeds):
        """Return predictions (n_records, n_seeds) of the seeds that are complete, or None."""
        found = [self.study.predict(arm, protocol, n_labels, seed) for seed in range(n_seeds)]
        found = [f for f in found if f is not None]
        return np.stack(found, axis=1) if found else None

    def cells(self, predicted):
        """Return the scores with their intervals, over images, and the number of seeds."""
        y, values, options = self._evaluated(predicted)
        cells = [
            str(bootstrap_interval(lambda a, b, m=m: score(a, b, m), y, values, **options))
            for m in METRICS
        ]
        return [*cells, str(predicted.shape[1])]

    def difference(self, predicted, reference, which):
        """Return the difference of two arms on the same images and seeds."""
        n = min(predicted.shape[1], reference.shape[1])
        y, values, options = self._evaluated(predicted[:, :n])
        _, others, _ = self._evaluated(reference[:, :n])
        return str(
            bootstrap_difference(lambda a, b: score(a, b, which), y, values, others, **options)
        )

    def _evaluated(self, predicted):
        prints = self.study.prints
        at = predicted[:, 0] >= 0
        return (
            prints.y[at],
            predicted[at],
            {
                "groups": prints.groups[at],
                "n_resamples": 500,
                "random_state": 0,
            },
        )


def tables_of_prints(prints, *, only_cached=False, parts=PARTS):
    """Run what is missing, in the order of its importance, and return the tables as text."""
    tables = Tables(Study(prints, only_cached))
    done = {}

    def run(part, arm, protocol, n_labels=None, n_seeds=1):
        if part not in parts:
            return
        start = time.perf_counter()
        found = tables.predictions(arm, protocol, n_labels, n_seeds)
        key = arm.name, protocol, n_labels
        if found is not None and (key not in done or found.shape[1] > done[key].shape[1]):
            done[key] = found
        print(f"  {part}: {arm.name}, {protocol}, {n_labels or 'all'}: ", end="", flush=True)
        print(f"{time.perf_counter() - start:.0f} s", flush=True)

    for arm in (HOG, PIXELS, MARGINS):
        for protocol in (COPIES, GROUPED, DISTINCT, NUMBERS):
            run("baselines", arm, protocol, n_seeds=3)
    for n_labels in (10, 30, None):
        run("baselines", HOG, DISTINCT, n_labels, 3)
    for seed in (1, 2, 3):
        for n_labels in (10, 30, None):
            for arm in (PRETRAINED, RANDOM, FROZEN, FROZEN_RANDOM):
                run("main", arm, DISTINCT, n_labels, seed)
    for arm in (RANDOM, PRETRAINED):
        for protocol in (COPIES, GROUPED, NUMBERS):
            run("copies", arm, protocol)
    for n_labels in (None, 10):
        for arm in ABLATIONS:
            run("rest", arm, DISTINCT, n_labels)
    parts = [_describe(prints), _table_of_copies(tables, done), _table_of_labels(tables, done)]
    ablations = _table_of_ablations(tables, done)
    return parts if ablations is None else [*parts, ablations]


def _describe(prints):
    counts = np.bincount(prints.y[prints.distinct])
    names = np.bincount(prints.y)
    classes = ", ".join(
        f"{name.replace('_', ' ')} {distinct} ({all_names})"
        for name, distinct, all_names in zip(prints.classes, counts, names)
    )
    of_numbers = pd.Series(prints.y[prints.distinct]).groupby(prints.numbers[prints.distinct])
    return (
        f"{len(prints.distinct)} different images under {len(prints.y)} names; by class, with "
        f"the number of names: {classes}. {of_numbers.ngroups} numbers are printed on them, "
        f"{(of_numbers.nunique() > 1).sum()} of which are on pages of several classes."
    )


def _table_of_copies(tables, done):
    rows = [["SimCardioNet, the paper", COPIES, ".975", "", "", ".972", ""]]
    for arm in (PRETRAINED, RANDOM, HOG, PIXELS, MARGINS):
        for protocol in (COPIES, GROUPED, DISTINCT, NUMBERS):
            found = done.get((arm.name, protocol, None))
            if found is not None:
                rows.append([arm.name, protocol, *tables.cells(found)])
    header = ["", "copies", *METRICS, "seeds"]
    return Table("Three-fold cross-validation, all labels", header, rows)


def _table_of_labels(tables, done):
    rows = []
    for n_labels in (10, 30, None):
        for arm in (PRETRAINED, RANDOM, FROZEN, FROZEN_RANDOM, HOG):
            found = done.get((arm.name, DISTINCT, n_labels))
            if found is None:
                continue
            reference = done.get((RANDOM.name, DISTINCT, n_labels))
            difference = ""
            if reference is not None and arm is not RANDOM:
                difference = tables.difference(found, reference, "F1")
            labels = n_labels or "all"
            rows.append([str(labels), arm.name, *tables.cells(found), difference])
    header = ["labels per class", "", *METRICS, "seeds", "F1 - random start"]
    return Table("Few labels, one of each image", header, rows)


def _is_done(arm, done):
    return any((arm.name, DISTINCT, n_labels) in done for n_labels in (None, 10))


def _table_of_ablations(tables, done):
    rows = []
    for n_labels in (None, 10):
        for arm in ABLATIONS:
            found = done.get((arm.name, DISTINCT, n_labels))
            full = done.get((PRETRAINED.name, DISTINCT, n_labels))
            if found is None or full is None:
                continue
            found = found[:, :1]
            difference = "" if arm is PRETRAINED else tables.difference(found, full, "F1")
            rows.append([str(n_labels or "all"), arm.name, *tables.cells(found)[:-1], difference])
    if all(arm.name == PRETRAINED.name for arm in ABLATIONS if _is_done(arm, done)):
        return None
    header = ["labels per class", "", *METRICS, "F1 - pretrained"]
    return Table("Ablations, one of each image, one seed", header, rows)
