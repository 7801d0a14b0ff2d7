"""XLI, the compression of Philips ECGs: second differences of a lead, in LZW codes of 10 bits."""

import numpy as np

from ._building import damaged

_CODE_BITS = 10
_END = 2**_CODE_BITS - 1  # the last code; entries of the table are below it
_CHUNK_HEADER = 8
_OFFSET = 64  # is added to second differences
_POWERS = 2 ** np.arange(_CODE_BITS - 1, -1, -1)


def read_xli(name, content, n_leads, n_times):
    """Return the samples of the first leads of XLI data.

    Each lead is a chunk: its number of bytes, two bytes that are not needed, the first second
    difference, and the compressed bytes. Chunks of unused channels may follow.

    Parameters
    ----------
    name : str
    content : bytes
    n_leads, n_times : int

    Returns
    -------
    leads : list of ndarray of shape (n_times,), int64
    """
    leads, start = [], 0
    while start < len(content):
        header = content[start : start + _CHUNK_HEADER]
        size = int.from_bytes(header[:4], "little")
        chunk = content[start + _CHUNK_HEADER : start + _CHUNK_HEADER + size]
        if len(header) < _CHUNK_HEADER or not size or len(chunk) < size:
            raise damaged(name, f"its XLI data end within channel {len(leads) + 1}.", "length")
        start += _CHUNK_HEADER + size
        if len(leads) < n_leads:
            first = int.from_bytes(header[6:], "little", signed=True)
            leads.append(_read_lead(name, chunk, first, n_times, len(leads) + 1))
    if len(leads) < n_leads:
        raise damaged(name, f"its XLI data have {len(leads)} channels instead of {n_leads}.")
    return leads


def _read_lead(name, chunk, first, n_times, channel):
    unpacked = np.frombuffer(_decompress(name, chunk, 2 * n_times, channel), np.uint8)
    # The high bytes of all values, then the low bytes.
    values = (unpacked[:n_times].astype(np.uint16) << 8 | unpacked[n_times:]).view(np.int16)
    values = values.astype(np.int64)
    # The first two values are samples; a second difference belongs to the sample after the next.
    curvature = np.concatenate([[first], values[2:-1] - _OFFSET])[: n_times - 2]
    slopes = values[1] - values[0] - np.concatenate([[0], np.cumsum(curvature)])
    samples = values[0] + np.concatenate([[0], np.cumsum(slopes)])
    if not -(2**15) <= samples.min() <= samples.max() < 2**15:
        raise damaged(name, f"channel {channel} has values beyond 16 bits.")
    return samples


def _decompress(name, chunk, n_bytes, channel):
    """Return the bytes of LZW codes; the most significant bit of each is first."""
    bits = np.unpackbits(np.frombuffer(chunk, np.uint8))
    n_codes = len(bits) // _CODE_BITS
    codes = bits[: n_codes * _CODE_BITS].reshape(n_codes, _CODE_BITS) @ _POWERS
    ends = np.flatnonzero(codes == _END)
    n_codes = ends[0] if len(ends) else n_codes
    if bits[(n_codes + len(ends[:1])) * _CODE_BITS :].any():
        raise damaged(name, f"channel {channel} goes on behind its end.")
    table = [bytes([byte]) for byte in range(256)]
    previous, found, size = b"", [], 0
    for code in codes[:n_codes].tolist():
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise damaged(name, f"channel {channel} has the code {code} before it is defined.")
        if previous and len(table) < _END:
            table.append(previous + entry[:1])
        found.append(entry)
        size += len(entry)
        if size > n_bytes:
            break
        previous = entry
    if size != n_bytes:
        what = f"more than {n_bytes}" if size > n_bytes else f"{size} instead of {n_bytes}"
        raise damaged(name, f"channel {channel} has {what} bytes.", "length")
    return b"".join(found)
