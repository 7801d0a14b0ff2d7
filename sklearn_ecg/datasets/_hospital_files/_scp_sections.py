"""The sections of an SCP-ECG file (EN 1064, ISO 11073-91064), with their checksums."""

import binascii
import struct

from ._building import damaged, not_supported

_HEADER = 16  # bytes before the content of a section
_RECORD_HEADER = 6
_POINTER = struct.Struct("<HII")  # section, length, position of its first byte, from 1
_N_STANDARD = 12  # sections of manufacturers follow


def read_sections(name, content):
    """Return the contents of the sections by their number, without their headers.

    Raises
    ------
    RecordError
        If the file is shorter or longer than it states, a section is not within it, or a checksum
        of the file or of a section is wrong.
    """
    first = _RECORD_HEADER + _HEADER
    if len(content) < first:
        raise damaged(name, f"it has {len(content)} bytes, which is less than a header.", "length")
    checksum, size = unpack(name, "HI", content, 0)
    if size != len(content):
        raise damaged(name, f"it has {len(content)} bytes, but states {size}.", "length")
    _compare(name, content, 0, size, "the file")
    number, n_pointers = unpack(name, "HI", content, _RECORD_HEADER + 2)
    n_pointers -= _HEADER
    if number or n_pointers < 0 or n_pointers % _POINTER.size:
        raise damaged(name, "it does not start with the pointers to its sections.", "header")
    if first + n_pointers > size:
        raise damaged(name, "its pointers to sections exceed the file.", "header")
    sections = {}
    for number, length, position in _POINTER.iter_unpack(content[first : first + n_pointers]):
        if not length or number >= _N_STANDARD:
            continue
        if number in sections:
            raise damaged(name, f"it has section {number} twice.", "header")
        start = position - 1
        if length < _HEADER or start < _RECORD_HEADER or start + length > size:
            raise damaged(name, f"section {number} is not within the file.", "header")
        _compare(name, content, start, length, f"section {number}")
        if unpack(name, "HI", content, start + 2) != (number, length):
            raise damaged(name, f"the header of section {number} contradicts its pointer.")
        sections[number] = content[start + _HEADER : start + length]
    if 6 not in sections:
        raise not_supported(name, "it has no rhythm of ten seconds or so (section 6).")
    if 3 not in sections:
        raise damaged(name, "it does not define its leads (section 3).", "leads")
    return sections


def unpack(name, layout, content, start=0):
    """Return little-endian numbers; raise if the content ends before them."""
    try:
        return struct.unpack_from("<" + layout, content, start)
    except struct.error as error:
        raise damaged(name, "a section is shorter than its header states.", "length") from error


def _compare(name, content, start, length, what):
    """Raise if the checksum in the first two bytes is not that of the other ones (CRC-CCITT)."""
    (checksum,) = unpack(name, "H", content, start)
    found = binascii.crc_hqx(memoryview(content)[start + 2 : start + length], 0xFFFF)
    if found != checksum:
        raise damaged(
            name, f"the checksum of {what} is {checksum}, but its bytes give {found}.", "content"
        )
