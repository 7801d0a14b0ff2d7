"""EDF and EDF+, read with pyedflib."""

import os

import numpy as np

from ...utils._extras import import_extra
from ._building import build_record, check_values, damaged, exact_rate, not_supported


def read_edf(name, path):
    """Return the Record of an EDF file.

    Values are physical minimum plus gain times the step, from the header of each channel.
    """
    pyedflib = import_extra(name, "pyedflib", "EDF")
    with open(path, "rb") as file:
        if file.read(197)[192:] == b"EDF+D":
            raise not_supported(name, "it is EDF+D, whose data records have gaps between them.")
    # A value has two bytes.
    check_values(name, 1, os.path.getsize(path) // 2)
    try:
        reader = pyedflib.EdfReader(path, annotations_mode=pyedflib.DO_NOT_READ_ANNOTATIONS)
    except Exception as error:
        # The first line of its message is the path.
        reason = str(error).partition(": ")[2] or str(error)
        raise damaged(name, f"pyedflib cannot read it ({' '.join(reason.split())}).") from error
    with reader:
        return _read_channels(name, reader)


def _read_channels(name, reader):
    signals, notes = [], []
    counts = reader.getNSamples()
    for i, channel in enumerate(reader.getSignalLabels()):
        digital = reader.readSignal(i, digital=True).astype(float)
        if len(digital) != counts[i]:
            raise damaged(name, f"{channel} has {len(digital)} of {counts[i]} values.", "length")
        lowest, highest = reader.getDigitalMinimum(i), reader.getDigitalMaximum(i)
        least, most = reader.getPhysicalMinimum(i), reader.getPhysicalMaximum(i)
        if not highest > lowest or least == most or not np.isfinite([least, most]).all():
            raise damaged(
                name,
                f"the steps {lowest} to {highest} of {channel} are {least:g} to {most:g}, which is "
                "no scale.",
                "header",
            )
        n_outside = np.count_nonzero((digital < lowest) | (digital > highest))
        if n_outside:
            notes.append(f"{channel}: {n_outside} values beyond the steps that the header states")
        gain = (most - least) / (highest - lowest)
        if gain < 0:
            notes.append(f"{channel}: negative gain, which turns the lead upside down")
        rate = exact_rate(name, reader.getSampleFrequency(i))
        unit = reader.getPhysicalDimension(i).strip()
        signals.append((channel.strip(), rate, unit, least + (digital - lowest) * gain))
    header = {
        "format": "EDF+" if reader.filetype == 1 else "EDF",
        "patient_id": reader.getPatientCode(),
        "sex": reader.getSex(),
        "recorded": reader.getStartdatetime().isoformat(),
    }
    return build_record(name, signals, header, notes)
