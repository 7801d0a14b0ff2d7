"""SimCardioNet and simple classifiers on printed ECGs: arms, cached fits and heat maps."""

import time
import warnings
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
import torch
from _prints import DISTINCT, FOOTER, HEADER, draw_labels, histograms_of_gradients
from _results import cached_arrays, cached_object, code_hash, is_cached
from _study import hash_arrays, list_params
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import SimCardioNetClassifier, SimCardioNetEncoder
from sklearn_ecg.augmentation import ColorJitter, RandomResizedCrop, RandomRotation
from sklearn_ecg.inspection import grad_cam

FILTERS = (8, 16, 32, 64)
PRETRAINING = {"max_epochs": 20}
FINE_TUNING = {"max_epochs": 30, "min_steps": 120}
FROM_SCRATCH = {"unfreeze_interval": 0, "encoder_learning_rate": 1e-3, "layer_decay": 1.0}
_BASELINE = make_pipeline(
    make_pipeline(PCA(40, random_state=0), StandardScaler()),
    LogisticRegressionCV(Cs=[1e-3, 1e-2, 0.1, 1], cv=3, max_iter=2000),
)
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
    Arm("pretrained, without attention", {"n_heads": 0}),
    *(
        Arm(f"pretrained, without {name}", {"augmentation": without(name)})
        for name in ("crop", "color jitter", "rotation")
    ),
    Arm("random start, without attention", {"max_epochs": 0, "n_heads": 0}, FROM_SCRATCH),
    Arm("pretrained, all stages unfrozen at once", {}, {"unfreeze_interval": 0}),
    Arm("pretrained on rendered pages of PTB-XL", {}, pool="pages"),
    Arm("pretrained on prints and rendered pages", {}, pool="both"),
    Arm(
        "random start, augmentation in fine-tuning",
        {"max_epochs": 0},
        {**FROM_SCRATCH, "augmentation": list(AUGMENTATIONS.values())},
    ),
]


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
    only_cached : bool, default=False
        Whether to skip what is not in the cache.
    code : str or None, default=None
        `_results.code_hash` of an earlier version of the library, whose fits are used after it was
        checked that the present version repeats one of them. None is the present version.

    Raises
    ------
    RuntimeError
        If the present version fits another network than the earlier one.
    """

    def __init__(self, prints, only_cached=False, code=None):
        self.prints, self.only_cached = prints, only_cached
        self.code = code or code_hash()
        self.data = hash_arrays(prints.images, prints.y)
        self.features = {
            "hog": lambda: histograms_of_gradients(prints.large),
            "pixels": lambda: prints.images.reshape(len(prints.y), -1) / np.float32(255),
            "margins": lambda: prints.margins / np.float32(255),
        }
        if self.code != code_hash():
            self._check_code()

    def _check_code(self):
        """Pretrain and fine-tune a network of the earlier version again."""
        train, test = self.prints.splits(DISTINCT, 0)[0]
        images = self.prints.images[test]

        def compute():
            kept = self._pretrain(PRETRAINED, make_estimators(PRETRAINED, 0)[0], train)
            encoder, classifier = make_estimators(PRETRAINED, 0)
            encoder = self._pretrain(PRETRAINED, encoder, train, again=True)
            predicted = self._fine_tune(encoder, classifier, train).predict(images)
            earlier = self._fit(PRETRAINED, train, train, test, 0)["predicted"]
            is_equal = np.array_equal(kept.transform(images), encoder.transform(images))
            return {"is_equal": is_equal and np.array_equal(predicted, earlier)}

        key = f"code {self.code} repeated by {code_hash()}, data {self.data}"
        if not cached_arrays(None, key, compute)["is_equal"]:
            raise RuntimeError(
                f"The version {code_hash()} of the library fits another network than the version "
                f"{self.code}. Omit --code, so that all fits are repeated."
            )

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
        on = f"data {self.data}, {hash_arrays(pool, labeled, test)}"
        if arm.encoder is None:
            key = f"{arm.features} {_BASELINE}, {on}"
            if self.only_cached and not is_cached(key):
                return None
            return cached_arrays(None, key, lambda: self._fit_baseline(arm, pool, labeled, test))
        encoder, classifier = make_estimators(arm, seed)
        if len(labeled) > len(pool):
            # As many steps with copies as without.
            epochs = round(classifier.max_epochs * len(pool) / len(labeled))
            classifier.set_params(max_epochs=epochs)
        on = f"{on}, code {self.code}"
        key = f"{list_params(classifier)} of {list_params(encoder)}, {arm.pool}, {on}"
        if arm.pool != "prints":
            key += f", pages {hash_arrays(self.prints.pages)}"
        if self.only_cached and not is_cached(key):
            return None
        return cached_arrays(
            None, key, lambda: self._train(arm, encoder, classifier, pool, labeled, test)
        )

    def predict_external(self, arm, seed):
        """Return probabilities of the classes of rendered pages."""
        pool = self.prints.distinct
        encoder, classifier = (
            make_estimators(arm, seed) if arm.encoder is not None else (None, None)
        )
        if encoder is None:
            name = f"{arm.features} {_BASELINE}"
        else:
            name = f"{list_params(classifier)} of {list_params(encoder)}, code {self.code}"
        key = f"{name}, data {self.data}, {hash_arrays(pool)}, infarction of PTB-XL, folds 7-9"

        def compute():
            small, large, *_ = self.prints.external
            if encoder is not None:
                self.train(arm, encoder, classifier, pool, pool)
                return {"probability": classifier.predict_proba(small)}
            reduce, regression = self._fit_regression(arm, pool, pool)
            features = histograms_of_gradients(large)
            return {"probability": regression.predict_proba(reduce.transform(features))}

        return cached_arrays(None, key, compute)["probability"]

    def _train(self, arm, encoder, classifier, pool, labeled, test):
        start = time.process_time()
        self.train(arm, encoder, classifier, pool, labeled)
        seconds = time.process_time() - start
        return {"predicted": classifier.predict(self.prints.images[test]), "seconds": seconds}

    def train(self, arm, encoder, classifier, pool, labeled):
        """Pretrain the encoder, unless it is in the cache, and fit the classifier."""
        return self._fine_tune(self._pretrain(arm, encoder, pool), classifier, labeled)

    def _pretrain(self, arm, encoder, pool, again=False):
        """Return the fitted encoder, from the cache unless ``again``."""
        unlabeled = self.prints.images[pool]
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
            if again:
                return encoder.fit(unlabeled)
            return cached_object(key, lambda: encoder.fit(unlabeled))

    def _fine_tune(self, encoder, classifier, labeled):
        torch.set_num_threads(1)
        classifier.set_params(encoder=FrozenEstimator(encoder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return classifier.fit(self.prints.images[labeled], self.prints.y[labeled])

    def _fit_baseline(self, arm, pool, labeled, test):
        reduce, regression = self._fit_regression(arm, pool, labeled)
        return {
            "predicted": regression.predict(reduce.transform(self.features[arm.features][test]))
        }

    def _fit_regression(self, arm, pool, labeled):
        if callable(self.features[arm.features]):
            self.features[arm.features] = self.features[arm.features]()
        X, y = self.features[arm.features], self.prints.y
        (_, reduce), (_, regression) = clone(_BASELINE).steps
        reduce.fit(X[pool])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            regression.fit(reduce.transform(X[labeled]), y[labeled])
        return reduce, regression


def draw_heat_maps(prints, path, arm=None, n_images=5, code=None):
    """Draw Grad-CAM of test images, and return the share of heat in the margins, by class."""
    study = Study(prints, code=code)
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
