"""ECG waveforms of DICOM, read with pydicom."""

import numpy as np

from ...utils._extras import import_extra
from .._records import RecordError
from ._building import (
    LEAD_CODES,
    build_record,
    check_values,
    damaged,
    exact_rate,
    not_supported,
    read_content,
)

_MAX_SIZE = 2**29  # bytes; a day of three leads at 500 Hz takes 260 MB
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_COMPANDED = ("MB", "AB")  # samples on the logarithmic scales of telephones
_ECG_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.9.1.1",  # 12-lead
    "1.2.840.10008.5.1.4.1.1.9.1.2",  # general
    "1.2.840.10008.5.1.4.1.1.9.1.3",  # ambulatory
    "1.2.840.10008.5.1.4.1.1.9.1.4",  # general, 32 bit
)
# The last number of a lead's code, of MDC ("2:61") and of SCP-ECG ("5.6.3-9-61").
_CODES = {f"{start}{n}": lead for n, lead in LEAD_CODES.items() for start in ("2:", "5.6.3-9-")}


def read_dicom(name, path):
    """Return the Record of a DICOM file.

    A value in the unit of its channel is ``sample * sensitivity * correction factor + baseline``.
    Samples that are padding are missing values. Derived multiplex groups, such as median beats,
    are left out with a note.
    """
    pydicom = import_extra(name, "pydicom", "DICOM")
    try:
        # Deflated data may be a thousand times as large as the file.
        meta = pydicom.filereader.read_file_meta_info(path)
        is_deflated = meta.get("TransferSyntaxUID", "") == _DEFLATED
    except Exception as error:
        raise damaged(name, f"pydicom cannot read it ({error}).") from error
    if is_deflated:
        raise not_supported(name, "it is compressed (deflated DICOM).")
    content = read_content(name, path, _MAX_SIZE)
    try:
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        return _read_dataset(name, dataset, pydicom)
    except (RecordError, MemoryError):
        raise
    except Exception as error:
        raise damaged(name, f"pydicom cannot read it ({type(error).__name__}: {error}).") from error


def _read_dataset(name, dataset, pydicom):
    kind = dataset.get("SOPClassUID", "")
    if kind not in _ECG_CLASSES:
        raise not_supported(
            name, f"it is {getattr(kind, 'name', kind) or 'of no class'}, not an ECG."
        )
    groups = list(dataset.get("WaveformSequence") or [])
    rhythm = [i for i, group in enumerate(groups) if _is_rhythm(group)]
    notes = [] if len(rhythm) == len(groups) else ["derived waveforms, such as beats, not read"]
    timing = {
        (
            float(groups[i].SamplingFrequency),
            int(groups[i].NumberOfWaveformSamples),
            float(groups[i].get("MultiplexGroupTimeOffset") or 0),
        )
        for i in rhythm
    }
    if not timing:
        raise not_supported(name, "it has no waveform that was recorded.")
    if len(timing) > 1:
        raise not_supported(
            name,
            f"it has {len(rhythm)} groups of leads that differ in start, rate or length; leads "
            "have to be simultaneous.",
        )
    ((rate, n_times, _),) = timing
    rate = exact_rate(name, rate)
    signals = []
    for i in rhythm:
        group = groups[i]
        check_values(name, int(group.NumberOfWaveformChannels), n_times)
        expected = int(group.NumberOfWaveformChannels) * n_times * group.WaveformBitsAllocated // 8
        # One byte may have been added to make the length even.
        if not expected <= len(group.WaveformData) <= expected + 1:
            raise damaged(
                name,
                f"a group has {len(group.WaveformData)} bytes instead of {expected}.",
                "length",
            )
        if group.WaveformSampleInterpretation in _COMPANDED:
            raise not_supported(
                name,
                f"its samples are companded, {group.WaveformSampleInterpretation!r} (mu-law or "
                "A-law).",
            )
        samples = pydicom.waveforms.multiplex_array(dataset, i, as_raw=True)
        if dataset.file_meta.get("TransferSyntaxUID", "") == _BIG_ENDIAN:
            # pydicom takes the bytes as little-endian.
            samples = samples.view(samples.dtype.newbyteorder(">"))
        padding = _find_padding(group, samples.dtype)
        for column, channel in zip(samples.T, group.ChannelDefinitionSequence, strict=True):
            values = column.astype(float)
            if padding is not None:
                values[column == padding] = np.nan
            signals.append(_scale_channel(name, channel, rate, values))
    header = {
        "format": "DICOM",
        "patient_id": dataset.get("PatientID"),
        "sex": dataset.get("PatientSex"),
        "age": dataset.get("PatientAge"),
        "recorded": dataset.get("AcquisitionDateTime"),
    }
    return build_record(name, signals, header, notes)


def _is_rhythm(group):
    """Whether a multiplex group was recorded, rather than derived."""
    label = str(group.get("MultiplexGroupLabel") or "").upper()
    is_beat = "MEDIAN" in label or "BEAT" in label or "AVERAGE" in label
    return str(group.get("WaveformOriginality") or "ORIGINAL") == "ORIGINAL" and not is_beat


def _find_padding(group, dtype):
    """Return the sample that stands for a missing value, or None."""
    padding = group.get("WaveformPaddingValue")
    if padding is None:
        return None
    if isinstance(padding, bytes):
        return np.frombuffer(padding[: dtype.itemsize], dtype)[0]
    return int(padding)


def _scale_channel(name, channel, rate, values):
    """Return name, rate, unit and scaled values of a channel."""
    source = channel.ChannelSourceSequence[0]
    code = str(source.get("CodeValue") or "")
    meaning = str(source.get("CodeMeaning") or channel.get("ChannelLabel") or "")
    lead = _CODES.get(code) or meaning.partition("(")[0].strip()
    skew = float(channel.get("ChannelTimeSkew") or 0), float(channel.get("ChannelSampleSkew") or 0)
    if any(skew):
        raise not_supported(name, f"{lead} is delayed by a skew of {max(skew, key=abs):g}.")
    if channel.get("ChannelSensitivity") is None:
        return lead, rate, None, values
    sensitivity = float(channel.ChannelSensitivity)
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    correction = 1.0 if correction is None else float(correction)
    baseline = float(channel.get("ChannelBaseline") or 0)
    gain = sensitivity * correction
    if not np.isfinite([gain, baseline]).all() or gain == 0:
        raise damaged(
            name,
            f"{lead} has the sensitivity {sensitivity:g}, the correction factor {correction:g} and "
            f"the baseline {baseline:g}.",
            "units",
        )
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    unit = str(units[0].get("CodeValue") or "") if len(units) else None
    return lead, rate, unit, values * gain + baseline
