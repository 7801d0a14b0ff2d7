"""Opening an image file, if it is a regular file, inside the folder if there is one."""

import errno
import io
import os

from .._record_error import RecordError
from .._regular_files import find_file_fault, find_folder_fault, open_regular_file, show_name

# Until the size of the image is known; a regular header takes fewer than a thousand.
_MAX_HEADER_READS = 1_000_000


class ImageFile(io.BufferedReader):
    """A file whose header cannot be endless: Pillow skips junk in JPEG files byte by byte."""

    has_header = False
    n_reads = 0

    def read(self, size=-1):
        self.n_reads += 1
        if self.n_reads > _MAX_HEADER_READS and not self.has_header:
            raise ValueError("its header has no end")
        return super().read(size)


def open_image_file(root, name):
    """Open a file of a folder.

    Raises
    ------
    RecordError
        If it is not a regular file inside the folder.
    OSError
        If it cannot be opened.
    """
    # A name that ends with a slash is that of a folder that could not be searched.
    is_folder = name.endswith("/")
    fault = find_folder_fault(root, name) if is_folder else find_file_fault(root, name)
    if fault is not None:
        advice = "Copy the file into the folder, or leave it out."
        if "not UTF-8" in fault:
            advice = "Rename it, or leave it out."
        elif is_folder:
            advice = "Make it readable, or remove it."
        raise RecordError(show_name(name), "file", f"it {fault}.", advice)
    return open_image_path(os.path.join(root, name))


def open_image_path(path):
    """Open a file that the user has named, which may be a link.

    Raises
    ------
    RecordError
        If it is not a regular file.
    OSError
        If it cannot be opened.
    """
    try:
        return ImageFile(open_regular_file(path).detach())
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        advice = "Pass the path of an image, or leave it out."
        raise RecordError(show_name(path), "file", "it is not a regular file.", advice) from error


def describe_access_error(name, error):
    """Return a RecordError for a file that could not be opened, and None for other errors."""
    if isinstance(error, FileNotFoundError):
        return RecordError(name, "file", "it does not exist.", "Correct its name, or add the file.")
    if isinstance(error, (PermissionError, IsADirectoryError)):
        return RecordError(
            name, "file", f"it cannot be opened ({error.strerror}).", "Make it readable."
        )
    return None
