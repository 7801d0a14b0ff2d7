"""Reading the record of a file, whatever its format."""

import os
import warnings
from functools import partial

from .._reading import RecordSource
from .._records import RecordError, file_stamp, find_file_fault, open_regular_file, record_states
from ._building import LEAVE_OUT, damaged, not_supported, read_content
from ._csv import read_csv
from ._dicom import read_dicom
from ._edf import read_edf
from ._hl7_aecg import read_hl7_aecg
from ._muse_xml import read_muse_xml
from ._philips_xml import read_philips_xml
from ._scp_ecg import read_scp_ecg
from ._xml import parse_xml

# What is kept of a header, if a file has it.
HEADER_FIELDS = ("format", "patient_id", "sex", "age", "recorded")

FORMATS = ("csv", "dicom", "edf", "hl7_aecg", "muse_xml", "philips_xml", "scp_ecg")

_HEAD = 1024  # bytes by which a format is recognized
_MAX_XML = 2**26  # bytes; twelve leads of ten seconds at 1000 Hz take less than 2 MB

_XML_READERS = {
    "AnnotatedECG": ("hl7_aecg", read_hl7_aecg),
    "RestingECG": ("muse_xml", read_muse_xml),
    "restingecgdata": ("philips_xml", read_philips_xml),
}
_XML_REFUSED = {"CardiologyXML": "CardioSoft XML"}


def file_source(formats, sampling_rate):
    """Return the functions that `read_records` calls for a file, and the options of a cache."""
    options = {"formats": list(formats), "sampling_rate": sampling_rate}
    return RecordSource(
        read=partial(read_record_file, **options),
        describe=_describe_nothing,
        stamp=_stamp_file,
        states=_file_states,
        options=options,
    )


def read_record_file(root, name, *, formats, sampling_rate):
    """Return the Record of a file, and the names of the files that it was read from.

    Parameters
    ----------
    root, name : str
        The folder, and the file relative to it.
    formats : list of str
        The formats to read.
    sampling_rate : float or None
        That of files without one, in Hz.

    Raises
    ------
    RecordError
        If the file is missing, damaged, not supported, or must not be opened.
    """
    path = os.path.join(root, name)
    head = _read_head(root, name, path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = _read_format(path, name, head, formats, sampling_rate)
    # What the libraries remark on a file, such as a value that the standard does not allow.
    remarks = dict.fromkeys(" ".join(str(warning.message).split())[:200] for warning in caught)
    record.notes += remarks
    return record, [name]


def _read_head(root, name, path):
    if name.endswith("/"):
        raise RecordError(name, "folder", "it cannot be searched.", LEAVE_OUT)
    fault = find_file_fault(root, name)
    if fault is not None:
        raise RecordError(name, "file", f"it {fault}.", LEAVE_OUT)
    try:
        with open_regular_file(path) as file:
            return file.read(_HEAD)
    except OSError as error:
        raise RecordError(
            name, "file", f"it cannot be read ({error.strerror}).", LEAVE_OUT
        ) from error


def _read_format(path, name, head, formats, sampling_rate):
    kind = _recognize(name, head)
    if kind == "xml":
        tree = parse_xml(name, read_content(name, path, _MAX_XML))
        if tree.tag in _XML_REFUSED:
            raise not_supported(name, f"it is {_XML_REFUSED[tree.tag]}, which is not read.")
        if tree.tag not in _XML_READERS:
            raise not_supported(
                name,
                f"it is XML with the root element {tree.tag[:40]!r}; HL7 aECG has "
                "'AnnotatedECG', MUSE 'RestingECG' and Philips 'restingecgdata'.",
            )
        kind, read = _XML_READERS[tree.tag]
        _check_wanted(name, kind, formats)
        return read(name, tree)
    _check_wanted(name, kind, formats)
    if kind == "edf":
        return read_edf(name, path)
    if kind == "dicom":
        return read_dicom(name, path)
    if kind == "scp_ecg":
        return read_scp_ecg(name, path)
    return read_csv(name, path, sampling_rate)


def _recognize(name, head):
    """Return the format of a file by its start, or raise; CSV and SCP-ECG are known by name."""
    if not head:
        raise damaged(name, "it is empty.", "file")
    refused = None
    if head[128:132] == b"DICM":
        return "dicom"
    if head[16:22] == b"SCPECG":  # before the formats whose first bytes a checksum may be
        return "scp_ecg"
    if head[:8] == b"0       ":
        return "edf"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<" or head[:4] in (
        b"\xff\xfe<\0",
        b"\xfe\xff\0<",
    ):
        return "xml"
    if name.lower().endswith(".scp"):
        return "scp_ecg"
    if name.lower().endswith(".csv"):
        return "csv"
    if head[:8] == b"\xffBIOSEMI":
        refused = "BDF"
    elif head[:8] == b"ISHNE1.0":
        refused = "an ISHNE Holter record"
    elif head[:3] == b"@  " or name.lower().endswith((".mwf", ".mfer")):
        refused = "MFER"
    elif name.lower().endswith(".hea"):
        raise not_supported(name, "it is a WFDB header, which load_wfdb reads.")
    if refused:
        raise not_supported(name, f"it is {refused}, which is not read.")
    raise damaged(
        name,
        "by its start, it is none of DICOM, EDF, SCP-ECG and XML: damaged, or of another format.",
        "format",
    )


def _check_wanted(name, kind, formats):
    if kind not in formats:
        raise not_supported(name, f"it is of the format {kind!r}, which is not in formats.")


def _describe_nothing(root, name):
    """Return no shape, rate and units: a file that cannot be read is not described."""
    return None, None, []


def _stamp_file(root, name):
    return {name: file_stamp(root, name)}


def _file_states(root, name, files, stamps):
    return record_states(root, name, [name], stamps)
