"""The layout of a file: fixed numbers, a digest, a JSON header, and the arrays as safetensors.

====== =============================================================================
bytes  content
====== =============================================================================
16     `MAGIC`
4      version of the format, an unsigned little-endian integer like those below
4      number of bytes of the header
8      number of bytes of the arrays
32     SHA-256 of everything else
...    header: JSON in ASCII
...    arrays: safetensors, named "0", "1", and so on
====== =============================================================================
"""

import hashlib
import json
import math
import re
import struct

import numpy as np
from safetensors import numpy as safetensors

MAGIC = b"\x89sklearn_ecg\r\n\x1a\n"
#: Version of the format that `save` writes; `load` reads this one and all earlier ones.
VERSION = 1

_NUMBERS = struct.Struct("<IIQ")
_DIGEST = slice(len(MAGIC) + _NUMBERS.size, len(MAGIC) + _NUMBERS.size + 32)
#: Number of bytes before the header.
START = _DIGEST.stop

_MAX_HEADER = 8 * 2**20  # bytes of JSON
_MAX_DEPTH = 200  # of nested lists and objects in JSON
_MAX_DIMENSIONS = 32

# Strings in JSON, also one without an end. Without backtracking, so that the time is linear.
_STRINGS = re.compile(rb'(?s)"[^"\\]*+(?:\\.?[^"\\]*+)*+"?')

_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "F16": "float16",
    "U32": "uint32",
    "I32": "int32",
    "F32": "float32",
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
}


class PersistenceError(ValueError):
    """Raised if an estimator cannot be saved or exported, or a file cannot be loaded.

    The message names the reason: what cannot be saved and where it is, or whether a file is no
    model file, truncated, altered, too large, from a later version, or invalid.

    Examples
    --------
    >>> import pickle, tempfile
    >>> from pathlib import Path
    >>> from sklearn_ecg.persistence import PersistenceError, load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.pkl")
    ...     _ = path.write_bytes(pickle.dumps("a model"))
    ...     try:
    ...         load(path)
    ...     except PersistenceError as error:
    ...         print(error)
    model.pkl is no model file of sklearn_ecg: it does not start as one. Pass a file that
    sklearn_ecg.persistence.save wrote.
    """


def pack(header, arrays):
    """Return the content of a file.

    Parameters
    ----------
    header : object
        What `json.dumps` accepts.
    arrays : list of ndarray
    """
    names = {value: key for key, value in _DTYPES.items()}
    table = [[names[array.dtype.name], list(array.shape)] for array in arrays]
    text = json.dumps({**header, "arrays": table}, allow_nan=False, separators=(",", ":"))
    content = safetensors.save({str(i): array for i, array in enumerate(arrays)})
    return assemble(text.encode("ascii"), content)


def assemble(header, arrays, version=VERSION):
    """Return the content of a file, from the bytes of its two parts."""
    start = MAGIC + _NUMBERS.pack(version, len(header), len(arrays))
    return start + _digest(start, header, arrays) + header + arrays


def unpack(content, name):
    """Return the header and the arrays of a file.

    The arrays are created last, after everything else has been checked.

    Parameters
    ----------
    content : bytes
    name : str
        Name of the file, for error messages.
    """
    header, arrays = disassemble(content, name)
    header = parse_json(header, "its header")
    table = header.pop("arrays", None) if isinstance(header, dict) else None
    _check_table(arrays, table)
    loaded = safetensors.load(bytes(arrays)) if table else {}
    return header, [loaded[str(i)] for i in range(len(table))]


def disassemble(content, name):
    """Return the bytes of the header and of the arrays of a file, which is intact."""
    if content[: len(MAGIC)] != MAGIC:
        raise PersistenceError(
            f"{name} is no model file of sklearn_ecg: it does not start as one. Pass a file that "
            "sklearn_ecg.persistence.save wrote."
        )
    if len(content) < START:
        raise PersistenceError(_damaged(name, "is truncated", f"it has {len(content)} bytes"))
    version, n_header, n_arrays = _NUMBERS.unpack_from(content, len(MAGIC))
    if version > VERSION:
        raise PersistenceError(
            f"{name} has version {version} of the format, but this version of sklearn_ecg reads "
            f"versions up to {VERSION}. Install a later version of sklearn_ecg."
        )
    if version < 1:
        raise PersistenceError(_damaged(name, "is damaged", f"its version is {version}"))
    if n_header > _MAX_HEADER:
        raise PersistenceError(
            f"{name} declares a header of {n_header} bytes, more than {_MAX_HEADER}."
        )
    if len(content) != START + n_header + n_arrays:
        what = "is truncated" if len(content) < START + n_header + n_arrays else "is damaged"
        declared = f"it has {len(content)} bytes, but declares {START + n_header + n_arrays}"
        raise PersistenceError(_damaged(name, what, declared))
    view = memoryview(content)
    header, arrays = view[START : START + n_header], view[START + n_header :]
    if _digest(view[: _DIGEST.start], header, arrays) != content[_DIGEST]:
        reason = "its content differs from its SHA-256 digest"
        raise PersistenceError(_damaged(name, "is altered or damaged", reason))
    return bytes(header), arrays


def _damaged(name, what, reason):
    return f"{name} {what}: {reason}. Copy or save it again."


def _digest(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def parse_json(content, name):
    """Parse JSON in ASCII without repeated keys, NaN or deep nesting.

    Parameters
    ----------
    content : bytes
    name : str
        What the JSON is, for error messages.
    """
    _check_depth(content, name)

    def unique(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is repeated")
        return found

    def refuse(number):
        raise ValueError(f"{number} is no number")

    try:
        return json.loads(content.decode("ascii"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise PersistenceError(f"{name} is not valid: {error}") from error


def _check_depth(content, name):
    """Raise before the parser would recurse too deeply."""
    codes = np.frombuffer(_STRINGS.sub(b"", content), dtype=np.uint8)
    steps = np.isin(codes, list(b"[{")).astype(np.int8) - np.isin(codes, list(b"]}"))
    if len(steps) and np.cumsum(steps, dtype=np.int64).max() > _MAX_DEPTH:
        raise PersistenceError(f"{name} is nested more than {_MAX_DEPTH} levels deep")


def _check_table(arrays, table):
    """Raise unless the arrays are what the header declares, without gaps and overlaps."""
    if not isinstance(table, list):
        raise PersistenceError("its header has no table of arrays")
    if not table:
        return
    if len(arrays) < 8:
        raise PersistenceError("its arrays have no header")
    (n_bytes,) = struct.unpack_from("<Q", arrays)
    if n_bytes > min(_MAX_HEADER, len(arrays) - 8):
        raise PersistenceError(f"its arrays declare a header of {n_bytes} bytes")
    described = parse_json(bytes(arrays[8 : 8 + n_bytes]), "the header of its arrays")
    if not isinstance(described, dict) or len(described) != len(table):
        raise PersistenceError("its arrays differ from the table in its header")
    spans = []
    for i, entry in enumerate(table):
        size = _declared_size(entry)
        found = described.get(str(i))
        if not isinstance(found, dict) or set(found) != {"dtype", "shape", "data_offsets"}:
            raise PersistenceError(f"array {i} is missing or not described")
        if [found["dtype"], found["shape"]] != entry:
            raise PersistenceError(f"array {i} differs from the table in its header")
        offsets = found["data_offsets"]
        if not _are_sizes(offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != size:
            raise PersistenceError(f"array {i} has another size than its shape {entry[1]} declares")
        spans.append(tuple(offsets))
    ends = [0, *(end for _, end in sorted(spans))]
    starts = [*(start for start, _ in sorted(spans)), len(arrays) - 8 - n_bytes]
    if starts != ends:
        raise PersistenceError("its arrays overlap, have gaps, or do not fill the file")


def _declared_size(entry):
    """Return the number of bytes of an array from its dtype and shape."""
    is_pair = isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)
    if not is_pair or entry[0] not in _DTYPES or not _are_sizes(entry[1]):
        raise PersistenceError(f"its table of arrays contains {str(entry)[:80]}")
    if len(entry[1]) > _MAX_DIMENSIONS or 0 in entry[1]:
        raise PersistenceError(f"its table contains an array of shape {str(entry[1])[:80]}")
    return math.prod(entry[1]) * np.dtype(_DTYPES[entry[0]]).itemsize


def _are_sizes(values):
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)
