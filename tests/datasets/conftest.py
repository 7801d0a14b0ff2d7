"""Fixtures for tests of loaders."""

import numpy as np
import pytest


def write_record(
    folder, name, digital, channels, *, rate=250, gains="1000/mV", comments=(), length=None
):
    """Write a WFDB record of format 16 with full control of its header.

    digital : array of integers (n_channels, n_times), or a list of arrays whose lengths are
    multiples of the shortest one, for several values per frame.
    gains : the field of gain, baseline and units, for all channels or for each.
    """
    signals = [np.asarray(signal) for signal in digital]
    if isinstance(gains, str):
        gains = [gains] * len(channels)
    n_frames = min(map(len, signals))
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{path.name} {len(channels)} {rate} {n_frames if length is None else length}"]
    for signal, channel, gain in zip(signals, channels, gains):
        per_frame = len(signal) // n_frames
        fmt = "16" if per_frame == 1 else f"16x{per_frame}"
        lines.append(f"{path.name}.dat {fmt} {gain} 16 0 0 0 0 {channel}")
    lines += [f"# {comment}" for comment in comments]
    path.with_name(f"{path.name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
    frames = np.concatenate([signal.reshape(n_frames, -1) for signal in signals], axis=1)
    frames.astype("<i2").tofile(path.with_name(f"{path.name}.dat"))


@pytest.fixture(scope="session")
def write_wfdb():
    """Return the function that writes a record."""
    return write_record
