"""Tests of how many records are compared, and of images that were saved again."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.model_selection import KFold

from sklearn_ecg import check_disjoint_groups, duplicate_groups
from sklearn_ecg.datasets import load_ecg_images, make_ecg
from sklearn_ecg.preprocessing import ECGImageRenderer
from sklearn_ecg.utils import _similar_records


@pytest.fixture
def count_comparisons(monkeypatch):
    """The function that counts the whole records and the summaries compared in a call."""

    def count(*args, **params):
        n_pairs = {"records": 0, "summaries": 0}
        is_similar, connect = _similar_records._is_similar, _similar_records._connect_neighbors

        def counted_is_similar(*pair):
            n_pairs["records"] += 1
            return is_similar(*pair)

        def counted_connect(summaries, radius, norm, preselect, is_match):
            def counted_preselect(i, candidates):
                n_pairs["summaries"] += len(candidates)
                return preselect(i, candidates)

            return connect(summaries, radius, norm, counted_preselect, is_match)

        with monkeypatch.context() as patch:
            patch.setattr(_similar_records, "_is_similar", counted_is_similar)
            patch.setattr(_similar_records, "_connect_neighbors", counted_connect)
            return duplicate_groups(*args, **params), n_pairs["records"], n_pairs["summaries"]

    return count


def make_pages(n_records, image_size=(112, 140)):
    X = make_ecg(n_records, class_sep=np.inf, random_state=0).data
    renderer = ECGImageRenderer(sampling_rate=100, image_size=image_size, gain=10)
    return renderer.fit_transform(X)


@pytest.mark.parametrize("tolerance", [0.05, 0.5, 2.0])
def test_noise_is_not_compared_pair_by_pair(tolerance, count_comparisons):
    X = np.random.RandomState(0).randn(600, 12, 100).astype(np.float32)
    X[500:600] = X[:100] + np.float32(0.9 * tolerance)
    found, n_records, n_summaries = count_comparisons(X, tolerance=tolerance)
    np.testing.assert_array_equal(found, np.r_[:500, :100])
    # The pairs that are the same, and few others of 180,000.
    assert n_records == 100
    assert n_summaries < 4000


@pytest.mark.parametrize("tolerance", [5, 50])
def test_pages_with_equal_means_are_not_compared_pair_by_pair(tolerance, count_comparisons):
    pages = make_pages(500)
    blocks = _similar_records._summarize_blocks(pages.reshape(500, -1).astype(float))
    assert np.ptp(blocks, axis=0).max() < 50
    found, n_records, n_summaries = count_comparisons(pages, tolerance=tolerance)
    np.testing.assert_array_equal(found, np.arange(500))
    assert n_records == 0
    assert n_summaries < 5000


@pytest.mark.parametrize(
    "make_images",
    [make_pages, lambda n: np.random.RandomState(0).randint(0, 256, (n, 64, 64))],
    ids=["pages", "noise"],
)
def test_thumbnails_are_not_compared_pair_by_pair(make_images, count_comparisons):
    images = make_images(400)
    found, _, n_summaries = count_comparisons(images, thumbnail_correlation=0.98)
    np.testing.assert_array_equal(found, np.arange(400))
    assert n_summaries < 2000


def test_records_that_differ_in_one_value(count_comparisons):
    X = np.zeros((300, 2, 500))
    X[:, 1, 77] = np.random.RandomState(0).permutation(300)
    found, n_records, _ = count_comparisons(X, tolerance=0.5)
    np.testing.assert_array_equal(found, np.arange(300))
    assert n_records == 0
    found, n_records, _ = count_comparisons(X, tolerance=1)
    assert not found.any() and n_records == 299


def saved_again(image, **options):
    """Return an image after it was written to a file and read again."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, **options)
    return np.asarray(Image.open(buffer))


def resized(image, factor):
    """Return an image after it was made smaller, and then large again."""
    page = Image.fromarray(image)
    small = page.resize((int(page.width * factor), int(page.height * factor)))
    return np.asarray(small.resize(page.size))


CHANGES = {
    "JPEG q80": lambda image: saved_again(image, format="JPEG", quality=80),
    "JPEG q60": lambda image: saved_again(image, format="JPEG", quality=60),
    "WebP": lambda image: saved_again(np.dstack([image] * 3), format="WebP")[..., 0],
    "smaller": lambda image: resized(image, 0.8),
    "brighter": lambda image: (20 + 0.8 * image).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("form", ["gray", "one channel", "rgb", "rgba", "float"])
def test_copies_that_were_saved_again(change, form):
    pages = make_pages(20, (220, 280)).reshape(20, 220, 280)
    pages = np.concatenate([pages, [change(page) for page in pages[[3, 7, 11]]]])
    expected = np.r_[:20, 3, 7, 11]
    np.testing.assert_array_equal(duplicate_groups(pages), np.arange(23))
    if form == "one channel":
        pages = pages[..., np.newaxis]
    elif form == "rgb":
        pages = np.stack([pages] * 3, axis=-1)
    elif form == "rgba":
        opacity = np.random.RandomState(0).randint(0, 256, pages.shape)
        pages = np.stack([pages] * 3 + [opacity], axis=-1).astype(np.uint8)
    elif form == "float":
        pages = pages / np.float32(255)
    found = duplicate_groups(pages, thumbnail_correlation=0.98)
    np.testing.assert_array_equal(found, expected)


def test_thumbnails_are_means_of_areas():
    image = np.zeros((1, 130, 64))
    image[0, :3] = 1
    thumbnail = _similar_records._thumbnails(image).reshape(64, 64)
    rows = np.zeros(64)
    rows[0], rows[1] = 1, 0.5
    expected = np.corrcoef(np.repeat(rows, 64), thumbnail.ravel())[0, 1]
    assert expected == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(thumbnail) == pytest.approx(1, abs=1e-6)


def test_thumbnails_agree_with_all_pairs():
    rng = np.random.RandomState(0)
    base = rng.rand(30, 40, 50)
    images = np.concatenate([base + amount * rng.rand(*base.shape) for amount in (0, 0.2, 0.5)])
    correlations = np.corrcoef(images.reshape(90, -1))
    for limit in (0.5, 0.9, 0.96, 1.0):
        numbers = np.arange(90)
        for i, j in np.argwhere(correlations >= limit - 1e-9):
            numbers[numbers == numbers[i]] = numbers[j]
        found = duplicate_groups(images, thumbnail_correlation=limit)
        np.testing.assert_array_equal(found, pd.factorize(numbers)[0])


def test_blank_images_have_no_correlation():
    images = np.zeros((4, 20, 30), dtype=np.uint8)
    images[1] = images[2] = 200
    images[3, 3, 3] = 1
    found = duplicate_groups(images, thumbnail_correlation=0.5)
    assert found.tolist() == [0, 1, 1, 2]


def test_tolerance_and_thumbnails_together():
    pages = make_pages(6, (220, 280))
    pages[4] = CHANGES["JPEG q60"](pages[1].reshape(220, 280)).reshape(pages[1].shape)
    pages[5] = pages[0] - np.minimum(pages[0], 1)
    assert duplicate_groups(pages, tolerance=2).tolist() == [0, 1, 2, 3, 4, 0]
    found = duplicate_groups(pages, tolerance=2, thumbnail_correlation=0.99)
    assert found.tolist() == [0, 1, 2, 3, 1, 0]
    with pytest.raises(ValueError, match="Split 0 has the same signal on both sides"):
        check_disjoint_groups(KFold(2), pages[:5], thumbnail_correlation=0.99)
    check_disjoint_groups(KFold(2), pages[:5])
    with pytest.raises(ValueError, match=r"tolerance=None .* Pass tolerance=0.0"):
        check_disjoint_groups(KFold(2), pages, tolerance=None, thumbnail_correlation=0.99)


@pytest.mark.parametrize(
    "X, correlation, message",
    [
        (np.zeros((5, 12, 1000)), 0.9, r"compares images .* got shape \(5, 12, 1000\). For sig"),
        (np.zeros((5, 900)), 0.9, r"got shape \(5, 900\)"),
        (np.zeros((5, 30, 30, 7)), 0.9, r"got shape \(5, 30, 30, 7\)"),
        (np.full((5, 30, 30), np.nan), 0.9, "X contains NaN"),
        (np.zeros((5, 30, 30)), 1.1, "'thumbnail_correlation' parameter of duplicate_groups"),
        (np.zeros((5, 30, 30)), 0, "'thumbnail_correlation' parameter of duplicate_groups"),
    ],
    ids=str,
)
def test_invalid_images_raise(X, correlation, message):
    with pytest.raises(ValueError, match=message):
        duplicate_groups(X, thumbnail_correlation=correlation)


def test_printed_pages(data_folder):
    """Different pages of one device are separated, and their copies are found."""
    images = load_ecg_images(data_folder / "multan_images", image_size=(262, 369)).data
    images = images.reshape(len(images), 262, 369)
    n = len(images)
    for name in ("JPEG q80", "JPEG q60", "smaller"):
        together = np.concatenate([images, [CHANGES[name](image) for image in images]])
        found = duplicate_groups(together, thumbnail_correlation=0.98)
        np.testing.assert_array_equal(found, np.r_[:n, :n], err_msg=name)
        if name != "smaller":
            found = duplicate_groups(together, tolerance=110)
            np.testing.assert_array_equal(found, np.r_[:n, :n], err_msg=name)
