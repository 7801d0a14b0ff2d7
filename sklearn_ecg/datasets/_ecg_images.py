"""Images of ECGs in a folder, with classes by subfolder or by table."""

from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.utils import Bunch

from .._validation import check_image_size
from ..model_selection import duplicate_groups
from ..utils._image_files import count_pages
from ..utils._paths import expand_path
from ..utils._warnings import warn
from ._image_files import (
    decode_image,
    list_class_folders,
    list_image_files,
    list_table_files,
)
from ._label_tables import read_label_table
from ._reading import check_option, count_failed_fields, run_parallel, summarize_reasons
from ._records import RecordError, show_name

_IMAGE_REPORT_COLUMNS = ("record", "page", "status", "reason", "label", "shape", "mode")

_DESCR = """\
Images of ECGs
==============

{n_loaded} of {n_files} images in {folder!r}, {color}, {height} x {width} pixels, {aspect}.
"""


def load_ecg_images(
    folder,
    *,
    labels: Any = "folders",
    file_column="file",
    label_column: str | None = "label",
    group_column=None,
    image_size: int | tuple[int, int] = 224,
    aspect="pad",
    color="gray",
    dpi: float = 200,
    on_error="raise",
    n_jobs=None,
    verbose=0,
    return_X_y=False,
) -> Any:
    """Load scanned or photographed images of ECGs from a folder.

    PNG, JPEG, TIFF and BMP files of any size are read with Pillow, turned according to their EXIF
    data, put on white where they are transparent, converted to gray or RGB with 8 bits, and brought
    to one size. Each page of a PDF file is an image, whether it was drawn or scanned; this requires
    pypdfium2 (``pip install "sklearn_ecg[files]"``). Files that are not loaded are listed in the
    report.

    Parameters
    ----------
    folder : str or path-like
        The folder of the images, or of the subfolders of the classes.
    labels : "folders", DataFrame, str or path-like or None, default="folders"
        Where the labels are. With "folders", each subfolder is a class, and all images in it and in
        its own subfolders belong to it. A DataFrame, or the path of a CSV file, has a row per
        image, with the columns named below. Labels and patients of a CSV file such as 00123 and
        12E3 are strings, and so is any column with 00123. None loads all images without labels.
    file_column : str, default="file"
        The column of the table with the paths relative to `folder`.
    label_column : str or None, default="label"
        The column of the table with the labels, of any type. With None there are no labels.
    group_column : str or None, default=None
        The column of the table with the patients. Images of one patient, and identical images, are
        then one group. With None, each file is regarded as a patient of its own.
    image_size : int or (int, int), default=224
        Height and width of the loaded images, or one number for both.
    aspect : {"pad", "stretch"}, default="pad"
        "pad" scales height and width by the same factor, so that squares of the paper stay square,
        and fills the rest with white, half of it on either side; "stretch" scales height and width
        separately.
    color : {"gray", "rgb"}, default="gray"
        Whether images have the shape (height, width) or (height, width, 3).
    dpi : float, default=200
        Pixels per inch with which pages of PDF files are rendered before they are brought to
        `image_size`, > 0. A page of DIN A4 has 2339 x 1654 pixels with 200 dpi.
    on_error : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be loaded: raise an error that names it, or list it in
        the report and issue a warning with the number of such images.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_images, height, width) or (n_images, height, width, 3), uint8
            In the order of the file names, img2 before img10; or in the order of the table.
        target : ndarray of shape (n_images,), int
            Positions in `target_names`. None without labels.
        target_names : list
            The classes: the names of the subfolders in the same order, or the sorted labels of the
            table. Classes of which no image was loaded are included.
        groups : ndarray of shape (n_images,), int
            Images that are identical in `data`, pixel by pixel, and all pages of a PDF file have
            the same number, for splits that do not have them on both sides.
            `sklearn_ecg.duplicate_groups` also finds nearly identical images, with a tolerance.
        filenames : ndarray of shape (n_images,), str
            Relative to `folder`.
        pages : ndarray of shape (n_images,), int
            Page of the PDF file, from 1. 1 for other files.
        metadata : DataFrame of shape (n_images, n_columns)
            The rows of the table, or the file names and pages if there is no table.
        report : DataFrame
            A row per file, or page of a PDF file: its name; the page, from 1; its status; the
            reason, or what was done to it; its label; the shape (height, width) and Pillow's mode
            of the image in the file. The status is
            "loaded", "failed", "no image" (another kind of file, which is not in the table),
            "hidden" (files of operating systems: names that start with a dot, Thumbs.db, ...),
            "no class" (not in the subfolder of a class), "no label" (in the table), or
            "not in table".
        DESCR : str
            Description of what was read.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If the folder or the table does not exist.
    RecordError
        With ``on_error="raise"``, for the first image that cannot be loaded. It is a ValueError.
    TypeError
        If `labels` is of another type.
    ValueError
        If a parameter has an unknown value, the table has no such column or has a file twice, there
        are no classes, or no image is loaded.

    See Also
    --------
    sklearn_ecg.preprocessing.ECGImageRenderer : Draw signals as images.

    Notes
    -----
    Downscaling averages over the pixels that become one (bicubic, anti-aliased), so that thin
    traces become fainter rather than broken. Gray is Pillow's luminance, 0.299 R + 0.587 G +
    0.114 B. Gray values of 16 bits are divided by 257. Truncated files, animated PNG files and TIFF
    files with several pages cannot be loaded. A progressive JPEG that would take more than 0.5 GB
    is decoded at half its size if that is at least `image_size`, and the report notes it.

    Images with more pixels than Pillow's limit against decompression bombs,
    ``PIL.Image.MAX_IMAGE_PIXELS``, or with a side of more than 1,048,576, are not decoded, nor are
    pages of PDF files that would have as many. The limit of the calling process counts, also in
    worker processes. Links to files have to stay inside the folder, and pipes and devices are not
    opened.

    All pages of a PDF file are loaded: leave out reports without an ECG. They have the label of the
    file, and its patient with ``group_column``; otherwise the pages of a file are one group, as if
    they were of one patient. A file with the pages of many patients is one group, too: split it
    into files, or use `pages` to make groups. PDF files with a password, or more than 10,000 pages,
    cannot be loaded.

    Many public collections of printed ECGs contain the same image twice. Split by ``groups``.

    Examples
    --------
    Two classes, one of which has a file that is not an image:

    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from sklearn_ecg.datasets import load_ecg_images, make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> ecg = make_ecg(4, random_state=0)
    >>> pages = ECGImageRenderer(100, image_size=(425, 550)).fit_transform(ecg.data)
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, page in zip(["mi/1", "mi/2", "normal/1", "normal/2"], pages):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     Image.fromarray(page).save(folder / f"{name}.png")
    >>> _ = (folder / "mi" / "3.png").write_text("not an image")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     images = load_ecg_images(folder, on_error="skip")
    >>> print(caught[0].message)
    1 of 5 images were left out, because they failed (format 1). The reasons are in report.
    >>> images.data.shape, images.target, images.target_names
    ((4, 224, 224), array([0, 0, 1, 1]), ['mi', 'normal'])
    >>> images.report[["record", "status", "shape", "mode"]]
             record  status       shape mode
    0      mi/1.png  loaded  (425, 550)    L
    1      mi/2.png  loaded  (425, 550)    L
    2      mi/3.png  failed        None  NaN
    3  normal/1.png  loaded  (425, 550)    L
    4  normal/2.png  loaded  (425, 550)    L
    """
    check_option("aspect", aspect, ("pad", "stretch"))
    check_option("color", color, ("gray", "rgb"))
    check_option("on_error", on_error, ("raise", "skip"))
    if isinstance(dpi, bool) or not isinstance(dpi, Real) or not 0 < dpi < np.inf:
        raise ValueError(f"dpi must be a positive number of pixels per inch, got {dpi!r}.")
    size = check_image_size(image_size)
    root = Path(expand_path(folder, "folder"))
    if not root.is_dir():
        reason = "it is not a folder" if root.exists() else "it does not exist"
        raise FileNotFoundError(
            f"{str(root)!r} is not a folder of images: {reason}. Pass the folder that contains "
            "them."
        )
    names, table = None, None
    if isinstance(labels, str) and labels == "folders":
        rows, names = list_class_folders(root)
    elif labels is None:
        rows = list_image_files(root)
    else:
        columns = {
            "file_column": file_column,
            "label_column": label_column,
            "group_column": group_column,
        }
        table = read_label_table(labels, columns, what="image", keywords=["folders"])
        rows, names = list_table_files(root, table, file_column, label_column)

    rows = _list_pages(root, rows, on_error)
    options = (size, aspect, color, float(dpi))
    data, loaded = _load_images(root, rows, options, on_error, n_jobs, verbose)
    pages = [row["page"] for row in loaded]
    report = pd.DataFrame(rows, columns=_IMAGE_REPORT_COLUMNS)
    if not loaded:
        _raise_no_image_loaded(root, report)
    _warn_of_omitted_images(report)
    target = None if names is None else np.array([names.index(row["label"]) for row in loaded])
    if return_X_y:
        return data, target
    if table is None:
        metadata = pd.DataFrame({"record": [row["record"] for row in loaded], "page": pages})
    else:
        metadata = table.iloc[[row["row"] for row in loaded]]
    filenames = np.array([row["record"] for row in loaded])
    # The pages of a PDF file are probably of one patient.
    has_patients = table is not None and group_column is not None
    patients = metadata[group_column] if has_patients else filenames
    return Bunch(
        data=data,
        target=target,
        target_names=names,
        groups=duplicate_groups(data, groups=patients),
        filenames=filenames,
        pages=np.array(pages, dtype=int),
        metadata=metadata,
        report=report,
        DESCR=_DESCR.format(
            n_loaded=len(loaded),
            n_files=report["status"].isin(["loaded", "failed"]).sum(),
            folder=str(root),
            color=color,
            height=size[0],
            width=size[1],
            aspect="padded with white" if aspect == "pad" else "stretched",
        ),
    )


def _list_pages(root, rows, on_error):
    """Return a row for each page of PDF files, and the rows of other files."""
    listed = []
    for row in rows:
        n_pages = None
        if row["status"] is None:
            try:
                n_pages = count_pages(str(root), row["record"])
            except RecordError as error:
                # What has not the name of an image is left to `_load_images`.
                if not (row["optional"] and _is_no_image(error)):
                    if on_error == "raise":
                        raise
                    reason = f"{error.field}: {error.reason}"
                    row.update(record=show_name(row["record"]), status="failed", reason=reason)
        if n_pages is None:
            listed.append(row)
        else:
            listed += [{**row, "page": page} for page in range(1, n_pages + 1)]
    return listed


def _load_images(root, rows, options, on_error, n_jobs, verbose):
    """Read the files without a status, complete their rows, and return data and loaded rows."""
    to_read = [row for row in rows if row["status"] is None]
    size, _, color, _ = options
    # Worker processes have a limit of their own.
    calls = [
        (str(root), row["record"], row["page"], *options, Image.MAX_IMAGE_PIXELS) for row in to_read
    ]
    shape = size if color == "gray" else (*size, 3)
    data = np.empty((len(to_read), *shape), dtype=np.uint8)
    loaded = []
    images = run_parallel(decode_image, calls, n_jobs=n_jobs, verbose=verbose, name="images")
    for row, image in zip(to_read, images):
        row.update(record=show_name(row["record"]), shape=image.shape, mode=image.mode)
        if image.error is None:
            data[len(loaded)] = image.pixels
            loaded.append(row)
            row.update(status="loaded", reason="; ".join(image.notes))
        elif row["optional"] and _is_no_image(image.error):
            row.update(status="no image", reason=image.error.reason)
        elif on_error == "raise":
            raise image.error
        else:
            row.update(status="failed", reason=f"{image.error.field}: {image.error.reason}")
    # A copy, because a slice would keep the unused rows in memory.
    return data if len(loaded) == len(data) else data[: len(loaded)].copy(), loaded


def _is_no_image(error):
    """Whether a file that has not the name of an image is none."""
    return error.field == "format" or "not a regular file" in error.reason


def _warn_of_omitted_images(report):
    """Issue one warning about all images that were left out."""
    statuses = report["status"].value_counts()
    n_images = report["status"].isin(["loaded", "failed", "no class", "no label"]).sum()
    reasons = {
        "failed": f"failed ({count_failed_fields(report)})",
        "no class": "are not in the subfolder of a class",
        "no label": "have no label",
    }
    sentences = [
        f"{statuses[status]} of {n_images} images were left out, because they {reason}."
        for status, reason in reasons.items()
        if status in statuses
    ]
    if sentences:
        warn(f"{' '.join(sentences)} The reasons are in report.", UserWarning)


def _raise_no_image_loaded(root, report):
    if len(report) == 0:
        raise ValueError(f"{str(root)!r} has no files. Pass the folder that contains the images.")
    counts = report["status"].value_counts()
    counts = ", ".join(f"{count} {status}" for status, count in counts.items())
    reasons = summarize_reasons(report["record"], report["reason"])
    raise ValueError(
        f"None of {len(report)} files was loaded as an image: {counts}. {reasons}. Pass a folder "
        "with PNG, JPEG, TIFF, BMP or PDF files."
    )
