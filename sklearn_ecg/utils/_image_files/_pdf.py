"""Pages of PDF files, rendered by PDFium."""

import math
import threading
from contextlib import contextmanager

from .._extras import import_extra
from .._record_error import RecordError
from .._regular_files import show_name
from ._opening import open_image_file

_POINTS_PER_INCH = 72
_PREFIX = b"%PDF-"
_MAX_PAGES = 10_000

# PDFium must not be called by two threads at once.
_LOCK = threading.Lock()


def count_pages(root, name):
    """Count the pages of a file if it is a PDF file.

    Parameters
    ----------
    root, name : str
        The folder, and the file relative to it.

    Returns
    -------
    n_pages : int or None
        None for another kind of file, and for a file that cannot be opened.

    Raises
    ------
    RecordError
        If it is a PDF file that cannot be read, or pypdfium2 is not installed.
    """
    try:
        with open_image_file(root, name) as file:
            if not is_pdf(file):
                return None
            with _open_pdf(name, file) as document:
                n_pages = len(document)
    except RecordError as error:
        if error.field == "file":
            return None
        raise
    except OSError:
        return None
    if not 1 <= n_pages <= _MAX_PAGES:
        raise RecordError(
            show_name(name),
            "pages",
            f"it has {n_pages} pages; files of 1 to {_MAX_PAGES} pages are read.",
            "Split it, or leave it out.",
        )
    return n_pages


def is_pdf(file):
    """Return whether an open file starts as a PDF file."""
    start = file.read(len(_PREFIX))
    file.seek(0)
    return start == _PREFIX


def render_page(name, file, page, dpi, check_size):
    """Render a page of a PDF file on white.

    Parameters
    ----------
    name : str
    file : ImageFile
    page : int or None
        From 1. With None, the file has to have one page.
    dpi : float
        Pixels per inch.
    check_size : callable
        Called with height and width before the page is rendered, to refuse it.

    Returns
    -------
    image : PIL.Image.Image
        Of mode RGB.
    """
    file.has_header = True
    with _open_pdf(name, file) as document:
        if page is None and len(document) != 1:
            raise RecordError(
                show_name(name),
                "pages",
                f"it has {len(document)} pages, and it is unknown which one to load.",
                "Save each page as a file of its own.",
            )
        leaf = document[0 if page is None else page - 1]
        try:
            # PDFium rounds up, and the sides of a page are rounded to float32.
            scale = dpi / _POINTS_PER_INCH * (1 - 1e-6)
            width, height = (math.ceil(side * scale) for side in leaf.get_size())
            check_size(height, width)
            bitmap = leaf.render(scale=scale)
            try:
                # A copy, since the bitmap is freed.
                return bitmap.to_pil().convert("RGB").copy()
            finally:
                bitmap.close()
        finally:
            leaf.close()


@contextmanager
def _open_pdf(name, file):
    """Open a PDF file, and describe the errors of PDFium."""
    pdfium = import_extra(name, "pypdfium2", "PDF")
    with _LOCK:
        document = None
        try:
            document = pdfium.PdfDocument(file)
            yield document
        except pdfium.PdfiumError as error:
            reason, remedy = f"PDFium cannot read it ({error}).", "Copy or download it again"
            if "password" in str(error).lower():
                reason, remedy = "it has a password.", "Save it without a password"
            raise RecordError(
                show_name(name), "content", reason, f"{remedy}, or leave it out."
            ) from error
        finally:
            if document is not None:
                document.close()
