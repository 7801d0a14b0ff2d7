"""Writers of small files in the formats that `load_records` reads."""

import base64
import zlib

import numpy as np

MDC_CODES = {"I": "2:1", "II": "2:2", "III": "2:61", "V1": "2:3", "V6": "2:8"}


def write_csv(path, signals, *, rate=250, unit="mV", time="time (s)"):
    """Write a column per lead; `time` is the name of the column of times, or None."""
    columns = {f"{lead} ({unit})" if unit else lead: values for lead, values in signals.items()}
    n_times = len(next(iter(signals.values())))
    if time:
        columns = {time: np.arange(n_times) / rate, **columns}
    lines = [",".join(columns)]
    lines += [",".join(map(repr, map(float, row))) for row in zip(*columns.values())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_edf(path, signals, *, rates=250, unit="mV", largest=5.0, plus=True, digital=False):
    """Write signals in `unit`, or steps, of which the largest is `largest`."""
    import pyedflib

    kind = pyedflib.FILETYPE_EDFPLUS if plus else pyedflib.FILETYPE_EDF
    rates = rates if isinstance(rates, dict) else dict.fromkeys(signals, rates)
    with pyedflib.EdfWriter(str(path), len(signals), file_type=kind) as writer:
        for i, lead in enumerate(signals):
            writer.setSignalHeader(
                i,
                {
                    "label": lead,
                    "dimension": unit,
                    "sample_frequency": rates[lead],
                    "physical_max": largest,
                    "physical_min": -largest,
                    "digital_max": 32767,
                    "digital_min": -32768,
                    "transducer": "",
                    "prefilter": "",
                },
            )
        if plus:
            writer.setPatientCode("P17")
            writer.setPatientName("Someone")
            writer.setSex(0)
        kind = np.int32 if digital else float
        values = [np.asarray(values, dtype=kind) for values in signals.values()]
        writer.writeSamples(values, digital=digital)


def aecg(signals, *, rate=500, scale="5", unit="uV", origin="0", origin_unit="uV", more=""):
    """Return an HL7 aECG document of digits, with a representative beat that must not be read."""
    step = f'<increment value="{1 / rate!r}" unit="s"/>'
    rhythm = "".join(_sequence(*one, scale, unit, origin, origin_unit) for one in signals.items())
    beat = _sequence("I", [9, 9], scale, unit, origin, origin_unit)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<effectiveTime><low value="20250102030405"/></effectiveTime>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id extension="P17"/><subjectDemographicPerson><name>Someone</name>
<administrativeGenderCode code="F"/></subjectDemographicPerson>
</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series><code code="RHYTHM"/><component><sequenceSet>
<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">
<head value="20250102030405"/>{step}</value></sequence></component>{rhythm}{more}
</sequenceSet></component>
<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/><component><sequenceSet>{beat}
</sequenceSet></component></derivedSeries></derivation>
</series></component></AnnotatedECG>"""


def _sequence(lead, digits, scale, unit, origin, origin_unit):
    return (
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="{origin}" unit="{origin_unit}"/><scale value="{scale}" unit="{unit}"/>'
        f"<digits>{' '.join(map(str, digits))}</digits></value></sequence></component>"
    )


def muse(signals, *, rate="500", exponent="0", gain="4.88", unit="MICROVOLTS", wrong_crc=()):
    """Return a MUSE document of steps, with a median beat that must not be read."""
    leads = "".join(
        _muse_lead(lead, steps, gain, unit, lead in wrong_crc) for lead, steps in signals.items()
    )
    median = _muse_lead("I", [9, 9], gain, unit, False)
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG><PatientDemographics><PatientID>P17</PatientID><PatientAge>63</PatientAge>
<AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender><PatientLastName>Someone</PatientLastName>
</PatientDemographics><TestDemographics><AcquisitionTime>03:04:05</AcquisitionTime>
<AcquisitionDate>01-02-2025</AcquisitionDate></TestDemographics>
<Waveform><WaveformType>Median</WaveformType><SampleBase>500</SampleBase>
<SampleExponent>0</SampleExponent>{median}</Waveform>
<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>{rate}</SampleBase>
<SampleExponent>{exponent}</SampleExponent>{leads}</Waveform></RestingECG>"""


def _muse_lead(lead, steps, gain, unit, is_wrong):
    content = np.asarray(steps, "<i2").tobytes()
    return (
        f"<LeadData><LeadByteCountTotal>{len(content)}</LeadByteCountTotal>"
        f"<LeadSampleCountTotal>{len(steps)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{gain}</LeadAmplitudeUnitsPerBit>"
        f"<LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadSampleSize>2</LeadSampleSize>"
        f"<LeadID>{lead}</LeadID><LeadDataCRC32>{zlib.crc32(content) + is_wrong}</LeadDataCRC32>"
        f"<WaveFormData>\n{base64.encodebytes(content).decode()}</WaveFormData></LeadData>"
    )


def dicom(signals, *, rate=500, channel=None, group=None, change=None):
    """Return a DICOM dataset of steps, with a median beat that must not be read.

    channel, group : dict of attributes of all channels, and of the recorded group.
    change : function of the dataset, called before it is returned.
    """
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3"
    dataset.PatientID, dataset.PatientSex, dataset.PatientAge = "P17", "F", "063Y"
    dataset.PatientName, dataset.AcquisitionDateTime = "Someone", "20250102030405"
    dataset.WaveformSequence = [
        _dicom_group(signals, rate, "ORIGINAL", "RHYTHM", channel, group),
        _dicom_group({"I": [9, 9]}, rate, "DERIVED", "MEDIAN BEAT", None, None),
    ]
    if change:
        change(dataset)
    return dataset


def _dicom_group(signals, rate, originality, label, of_channel, of_group):
    from pydicom.dataset import Dataset

    group = Dataset()
    group.WaveformOriginality, group.MultiplexGroupLabel = originality, label
    group.NumberOfWaveformChannels, group.SamplingFrequency = len(signals), rate
    group.NumberOfWaveformSamples = len(next(iter(signals.values())))
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    channels = []
    for lead in signals:
        channel, source, unit = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator = MDC_CODES[lead], "MDC"
        source.CodeMeaning = "Lead"
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "uV", "UCUM", "microvolt"
        channel.ChannelSourceSequence, channel.ChannelSensitivityUnitsSequence = [source], [unit]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "2.5", "2"
        channel.ChannelBaseline, channel.ChannelSampleSkew = "10", "0"
        channel.WaveformBitsStored = 16
        for key, value in (of_channel or {}).items():
            setattr(channel, key, value)
        channels.append(channel)
    group.ChannelDefinitionSequence = channels
    group.WaveformData = np.array(list(signals.values()), "<i2").T.tobytes()
    for key, value in (of_group or {}).items():
        setattr(group, key, value)
    return group


def write_dicom(path, signals, **options):
    dicom(signals, **options).save_as(path, enforce_file_format=True)
