"""Pictures of ECGs from a folder: classes by folder, or by a table."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._validation import check_image_size
from ..model_selection import duplicate_groups
from ..utils._warnings import warn
from ._picture_lists import list_all, list_classes, list_table, read_table
from ._pictures import read_picture
from ._reading import run_parallel
from ._records import RecordError

_REPORT_COLUMNS = ("record", "status", "reason", "label", "shape", "mode")
_CHOICES = {
    "aspect": ("pad", "stretch"),
    "color": ("grey", "rgb"),
    "on_error": ("skip", "raise"),
}

_DESCR = """\
Pictures of ECGs
================

{n_loaded} of {n_files} pictures of {folder!r}, {color}, {height} x {width} pixels, {aspect}.
"""


def load_ecg_images(
    folder,
    *,
    labels="folders",
    file_column="file",
    label_column="label",
    group_column=None,
    image_size=224,
    aspect="pad",
    color="grey",
    on_error="skip",
    n_jobs=None,
    verbose=0,
    return_X_y=False,
):
    """Load pictures of ECGs, scanned or photographed, from a folder.

    PNG, JPEG, TIFF and BMP files of any size are read with Pillow, turned as their EXIF data say,
    put on white where they are transparent, made grey or RGB of 8 bits, and brought to one size.
    Whatever is not loaded is in the report.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds the pictures, or the folders of the classes.
    labels : "folders", DataFrame, str or path-like or None, default="folders"
        Where the labels are. With "folders" each folder in `folder` is a class, and all pictures in
        it and in the folders within belong to it. A DataFrame, or the path of a CSV file, has a row
        per picture, with the columns named below. None loads all pictures without labels.
    file_column, label_column : str, default="file" and "label"
        The columns of the table: paths relative to `folder`, and labels of any kind. With
        ``label_column=None`` there are no labels.
    group_column : str or None, default=None
        A column of the table that tells patients apart. Pictures of one patient, and pictures that
        are the same, are then one group.
    image_size : int or (int, int), default=224
        Height and width to bring pictures to, or both in one.
    aspect : {"pad", "stretch"}, default="pad"
        "pad" scales a picture as a whole, so that squares of the paper stay square, and fills the
        rest with white, half of it on either side; "stretch" scales height and width apart.
    color : {"grey", "rgb"}, default="grey"
        Whether pictures have the shape (height, width) or (height, width, 3).
    on_error : {"skip", "raise"}, default="skip"
        What to do with a picture that cannot be loaded: list it in the report, with a warning that
        says how many failed, or raise an error that names it.
    n_jobs : int, default=None
        Number of processes to read with; None means 1 unless in a ``joblib.parallel_config``
        context, -1 all processors.
    verbose : int, default=0
        Whether to show a progress bar.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` only.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With these attributes:

        data : ndarray of shape (n_images, height, width) or (n_images, height, width, 3), uint8
            In the order of the files' names, img2 before img10; or in the order of the table.
        target : ndarray of shape (n_images,), int
            Positions in `target_names`. None without labels.
        target_names : list
            The classes: the folders' names in the same order, or the sorted labels of the table. A
            class of which nothing was loaded is among them.
        groups : ndarray of shape (n_images,), int
            Pictures that are the same in `data`, pixel by pixel, have one number: for splits that
            do not have them on both sides. `sklearn_ecg.duplicate_groups` finds more, those that
            are nearly the same, with a tolerance.
        filenames : ndarray of shape (n_images,), str
            Relative to `folder`.
        metadata : DataFrame of shape (n_images, n_columns)
            The rows of the table, if there is one; else the files' names.
        report : DataFrame
            A row per file: its name; its status; the reason, or what was done to it; its label; the
            shape (height, width) and Pillow's mode of the picture in the file. The status is
            "loaded", "failed", "no image" (another kind of file, which the table does not name),
            "hidden" (what systems leave in folders: names that begin with a dot, Thumbs.db, ...),
            "no class" (beside the folders of the classes), "no label" (in the table), or "not in
            table".
        DESCR : str
            What was read from where.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If the folder or the table is not there.
    RecordError
        With ``on_error="raise"``, for the first picture that cannot be loaded. It is a ValueError.
    ValueError
        If a parameter has an unknown value, the table lacks a column or names a file twice, there
        are no classes, or no picture is loaded.

    See Also
    --------
    sklearn_ecg.preprocessing.ECGImageRenderer : Pictures of signals.

    Notes
    -----
    Downscaling averages over the pixels that become one (bicubic, anti-aliased), so that thin
    traces become fainter rather than broken. Grey is Pillow's luminance, 0.299 R + 0.587 G +
    0.114 B. Grey values of 16 bits are divided by 257. Pictures of more pixels than Pillow's limit
    against decompression bombs, ``PIL.Image.MAX_IMAGE_PIXELS``, files that end early, and TIFF
    files of several pages count as failed.

    Public collections of printed ECGs hold many pictures twice. Split by ``groups``.

    Examples
    --------
    Two classes, one of which holds a file that is no picture:

    >>> import tempfile, warnings
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from sklearn_ecg.datasets import load_ecg_images, make_ecg
    >>> from sklearn_ecg.preprocessing import ECGImageRenderer
    >>> ecg = make_ecg(4, random_state=0)
    >>> pictures = ECGImageRenderer(100, image_size=(425, 550)).fit_transform(ecg.data)
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, picture in zip(["mi/1", "mi/2", "normal/1", "normal/2"], pictures):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     Image.fromarray(picture).save(folder / f"{name}.png")
    >>> _ = (folder / "mi" / "3.png").write_text("not a picture")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     images = load_ecg_images(folder)
    >>> print(caught[0].message)
    1 of 5 pictures were left out, because they failed (format 1). The reasons are in report.
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
    options = {"aspect": aspect, "color": color, "on_error": on_error}
    for name, value in options.items():
        if value not in _CHOICES[name]:
            raise ValueError(
                f"{name}={value!r} is unknown. Pass one of {', '.join(map(repr, _CHOICES[name]))}."
            )
    size = check_image_size(image_size)
    root = Path(folder)
    if not root.is_dir():
        reason = "it is not a folder" if root.exists() else "it does not exist"
        raise FileNotFoundError(
            f"{str(root)!r} is not a folder of pictures: {reason}. Pass the folder that holds them."
        )
    if isinstance(labels, str) and labels == "folders":
        rows, names, table = list_classes(root)
    elif labels is None:
        rows, names, table = list_all(root)
    else:
        table = read_table(labels, file_column, label_column, group_column)
        rows, names = list_table(root, table, file_column, label_column)

    wanted = [row for row in rows if row["status"] is None]
    calls = [(str(root), row["record"], size, aspect, color) for row in wanted]
    shape = size if color == "grey" else (*size, 3)
    data = np.empty((len(wanted), *shape), dtype=np.uint8)
    loaded = []
    outcomes = run_parallel(_read_one, calls, n_jobs=n_jobs, verbose=verbose, name="images")
    for row, outcome in zip(wanted, outcomes):
        picture, error = outcome["picture"], outcome["error"]
        row.update(shape=outcome["shape"], mode=outcome["mode"])
        if picture is not None:
            data[len(loaded)] = picture
            loaded.append(row)
            row.update(status="loaded", reason="; ".join(outcome["notes"]))
        elif row["optional"] and error.field == "format":
            row.update(status="no image", reason=error.reason)
        elif on_error == "raise":
            raise error
        else:
            row.update(status="failed", reason=f"{error.field}: {error.reason}")
    report = pd.DataFrame(rows, columns=_REPORT_COLUMNS)
    if not loaded:
        _raise_nothing_loaded(root, report)
    _warn_of_left_out(report)
    # Without the rest, which a slice would keep in memory.
    data = data if len(loaded) == len(data) else data[: len(loaded)].copy()
    target = None if names is None else np.array([names.index(row["label"]) for row in loaded])
    if return_X_y:
        return data, target
    if table is None:
        metadata = pd.DataFrame({"record": [row["record"] for row in loaded]})
    else:
        metadata = table.iloc[[row["row"] for row in loaded]]
    patients = None if table is None or group_column is None else metadata[group_column]
    return Bunch(
        data=data,
        target=target,
        target_names=names,
        groups=duplicate_groups(data, groups=patients),
        filenames=np.array([row["record"] for row in loaded]),
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


def _read_one(root, name, size, aspect, color):
    """Read a picture in a worker process; what went wrong is returned, not raised."""
    outcome = {"picture": None, "error": None, "shape": None, "mode": None, "notes": []}
    try:
        read_picture(os.path.join(root, name), name, size, aspect, color, outcome)
    except RecordError as error:
        outcome["error"] = error
    return outcome


# --------------------------------------------------------------------------------------------------
# What is told
# --------------------------------------------------------------------------------------------------


def _warn_of_left_out(report):
    """One warning of all pictures that were left out and could have been expected."""
    statuses = report["status"].value_counts()
    is_failed = report["status"] == "failed"
    n_pictures = report["status"].isin(["loaded", "failed", "no class", "no label"]).sum()
    parts = []
    if is_failed.any():
        fields = report.loc[is_failed, "reason"].str.partition(": ")[0].value_counts()
        counts = ", ".join(f"{field} {count}" for field, count in fields.items())
        parts.append((is_failed.sum(), f"failed ({counts})"))
    for status, why in (("no class", "are in no folder of a class"), ("no label", "have no label")):
        if status in statuses:
            parts.append((statuses[status], why))
    parts = [
        f"{count} of {n_pictures} pictures were left out, because they {why}."
        for count, why in parts
    ]
    if parts:
        warn(f"{' '.join(parts)} The reasons are in report.", UserWarning)


def _raise_nothing_loaded(root, report):
    if len(report) == 0:
        raise ValueError(f"{str(root)!r} holds no files. Pass the folder that holds the pictures.")
    counts = report["status"].value_counts()
    counts = ", ".join(f"{count} {status}" for status, count in counts.items())
    reasons = [f"{name} ({why})" for name, why in zip(report["record"], report["reason"])]
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    raise ValueError(
        f"No picture of {len(report)} files was loaded: {counts}. {'; '.join(reasons[:3])}{more}. "
        "PNG, JPEG, TIFF and BMP files are read."
    )
