"""Bringing a record from its files to the requested leads, sampling rate and length."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.signal import resample_poly

from ...leads import normalize_lead_names
from ...leads._derived import LIMB_LEAD_WEIGHTS
from ...utils._rates import resampling_ratio
from ...utils._units import millivolts_per_unit
from .._records import UNIT_NOT_STATED, RecordError, check_size
from ._lead_aliases import parse_lead_aliases

# Weights of I and II in each limb lead. Any two of the six determine the other four.
_LIMB_LEADS = {"I": (1.0, 0.0), "II": (0.0, 1.0), **LIMB_LEAD_WEIGHTS}

# Neither hearts nor pacemakers reach a volt at the skin.
_LARGEST_MILLIVOLTS = 1000

_POLICY_OPTIONS = {
    "missing_leads": ("raise", "derive", "drop_record", "nan"),
    "missing_values": ("raise", "drop_record", "interpolate", "nan"),
    "longer": ("raise", "crop_start", "crop_center", "windows", "drop_record"),
    "shorter": ("raise", "pad", "drop_record"),
    "on_error": ("raise", "skip"),
}


class RecordDropped(Exception):
    """Raised for a record that a policy leaves out; the message is the reason."""


@dataclass(frozen=True)
class Policies:
    """What to do with a record; see the parameters of `load_wfdb`."""

    leads: tuple
    missing_leads: str = "raise"
    missing_values: str = "raise"
    duration: float | None = None
    longer: str = "raise"
    shorter: str = "raise"
    resample_to: float | None = None
    assume_units: str | None = None
    lead_aliases: tuple = ()


@dataclass
class HarmonizedRecord:
    """Rows made from a record, and notes on what was changed."""

    rows: np.ndarray  # (n_rows, n_leads, n_times), float32
    starts: list  # first time point of each row, in s
    sampling_rate: float
    notes: list


def check_option(name, value, options):
    """Raise unless a parameter has one of the given values."""
    if value not in options:
        raise ValueError(
            f"{name}={value!r} is unknown. Pass one of {', '.join(map(repr, options))}."
        )


def check_leads_argument(name, leads):
    """Raise unless a parameter is an iterable that is not a single name."""
    if isinstance(leads, (str, bytes)) or not np.iterable(leads):
        kind = type(leads).__name__
        raise TypeError(f"{name} must be a list of lead names, got the {kind} {leads!r}.")


def make_policies(*, on_error, leads, lead_aliases=None, **options):
    """Check the parameters that all loaders of WFDB records share."""
    check_leads_argument("leads", leads)
    leads = normalize_lead_names(leads, strict=False)
    if not leads:
        raise ValueError("leads is empty. Pass at least one lead.")
    for name, value in {**options, "on_error": on_error}.items():
        if name in _POLICY_OPTIONS:
            check_option(name, value, _POLICY_OPTIONS[name])
    for name, unit in (("duration", "seconds"), ("resample_to", "Hz")):
        value = options[name]
        if value is not None and (
            not isinstance(value, Real) or not 0 < value < np.inf or isinstance(value, bool)
        ):
            raise ValueError(f"{name}={value!r} must be a positive number of {unit}, or None.")
        if value is not None:
            # NumPy scalars could not be written to the cache.
            options[name] = float(value)
    unit = options["assume_units"]
    if unit is not None and millivolts_per_unit(unit) is None:
        raise ValueError(f"assume_units={unit!r} is not a voltage. Pass 'mV', 'uV', 'V' or None.")
    if options["duration"] is None:
        for name in ("longer", "shorter"):
            if options[name] not in ("raise", "drop_record"):
                raise ValueError(
                    f"{name}={options[name]!r} requires a length. Pass duration, in seconds."
                )
    aliases = parse_lead_aliases(lead_aliases, leads)
    return Policies(leads, lead_aliases=aliases, **options)


def harmonize(record, policies):
    """Bring a record to the requested leads, units, sampling rate and length.

    Parameters
    ----------
    record : Record
    policies : Policies

    Returns
    -------
    HarmonizedRecord

    Raises
    ------
    RecordError
        If the policies do not allow it.
    RecordDropped
        If a policy leaves the record out.
    """
    notes = list(record.notes)
    channels, weights, missing = _choose_channels(record, policies, notes)
    _add_remarks(record, channels, policies, notes)
    _check_units(record, channels, policies, notes)
    rate = _find_rate(record, channels, policies)
    signals = {i: record.signals[i] * _millivolt_factor(record, i, policies) for i in channels}
    signals = _treat_missing_values(record, signals, policies, notes)
    if policies.resample_to is not None and channels:
        _check_resampling(record, channels, policies)
        signals = {
            i: _resample_signal(signal, record.rates[i], policies.resample_to)
            for i, signal in signals.items()
        }
        if any(record.rates[i] != policies.resample_to for i in channels):
            rates = ", ".join(f"{rate:g}" for rate in sorted({record.rates[i] for i in channels}))
            notes.append(f"resampled from {rates} to {policies.resample_to:g} Hz")
        rate = policies.resample_to
    n_times = min(len(signal) for signal in signals.values())
    leads = np.full((len(policies.leads), n_times), np.nan)
    for position, lead in enumerate(policies.leads):
        if lead not in missing:
            leads[position] = sum(
                weight * signals[i][:n_times] for i, weight in weights[lead].items()
            )
    rows, starts = _fit_duration(record, leads, rate, policies, notes)
    return HarmonizedRecord(_to_float32(record, rows, policies, notes), starts, rate, notes)


def _to_float32(record, rows, policies, notes):
    """Return rows as float32; raise if the gain makes them infinite or zero, or note on it."""
    with np.errstate(over="ignore", under="ignore"):
        cast = np.ascontiguousarray(rows, dtype=np.float32)
    # Also values that were infinite before the cast, which count as missing elsewhere.
    largest = np.abs(np.nan_to_num(cast, nan=0, posinf=np.inf, neginf=-np.inf)).max(axis=(0, 2))
    has_values = np.any(rows, axis=(0, 2), where=~np.isnan(rows))
    for lead, peak, is_nonzero in zip(policies.leads, largest, has_values):
        is_lost = is_nonzero and peak < np.finfo(np.float32).tiny
        if is_lost or peak == np.inf:
            raise RecordError(
                record.name,
                "units",
                f"values of lead {lead} are too {'small' if is_lost else 'large'} for float32: "
                "the gain in the header is wrong.",
                "Correct the gain in the header, or leave the record out.",
            )
        if peak > _LARGEST_MILLIVOLTS:
            notes.append(f"{lead}: values of up to {peak:.6g} mV, check the gain and the unit")
    return cast


# --------------------------------------------------------------------------------------------------
# Leads
# --------------------------------------------------------------------------------------------------


def _choose_channels(record, policies, notes):
    """Return the channels to use, the weight of each in each lead, and the missing leads."""
    channels = {lead: record.find(lead) for lead in policies.leads}
    missing = [lead for lead, channel in channels.items() if channel is None]
    weights = {lead: {i: 1.0} for lead, i in channels.items() if i is not None}
    if missing:
        what = f"{', '.join(missing)} missing; the channels are {', '.join(record.channels)}."
        if policies.missing_leads == "drop_record":
            raise RecordDropped(f"leads: {what}")
        if policies.missing_leads == "derive":
            weights.update(_limb_lead_weights(record, missing, what))
            notes.append(f"{', '.join(missing)} derived")
            missing = []
        elif policies.missing_leads == "raise" or not weights:
            raise RecordError(
                record.name,
                "leads",
                what,
                "Pass other leads, missing_leads='derive', 'drop_record' or 'nan', or "
                "on_error='skip'.",
            )
        else:
            notes.append(f"{', '.join(missing)} missing, NaN")
    used = list(dict.fromkeys(i for of_lead in weights.values() for i in of_lead))
    for i in used:
        if i in record.aliases:
            lead, sign = record.aliases[i]
            inverted = "inverted " if sign < 0 else ""
            notes.append(f"{record.channels[i]} loaded as {inverted}{lead}")
    return used, weights, missing


def _limb_lead_weights(record, missing, what):
    """Return the weights of two channels in each missing limb lead."""
    impossible = [lead for lead in missing if lead not in _LIMB_LEADS]
    limb = {lead: record.find(lead) for lead in _LIMB_LEADS}
    limb = {lead: i for lead, i in limb.items() if i is not None}
    if impossible or len(limb) < 2:
        why = (
            f"{', '.join(impossible)} cannot be derived from other leads."
            if impossible
            else "two limb leads are required to derive the others."
        )
        raise RecordError(
            record.name,
            "leads",
            f"{what[:-1]}; {why}",
            "Pass other leads, missing_leads='drop_record' or 'nan', or on_error='skip'.",
        )
    # I and II come first if they exist, and the inverse is then the identity.
    (first, i), (second, j) = list(limb.items())[:2]
    from_two = np.linalg.inv([_LIMB_LEADS[first], _LIMB_LEADS[second]])
    weights = {}
    for lead in missing:
        of_first, of_second = np.array(_LIMB_LEADS[lead]) @ from_two
        weights[lead] = {i: float(of_first), j: float(of_second)}
    return weights


def _add_remarks(record, channels, policies, notes):
    """Add the remarks on channels to the notes, one note for all channels with the same remark."""
    remarks = {}
    for i in channels:
        found = record.remarks.get(i, [])
        if policies.assume_units is not None:
            found = [remark for remark in found if remark != UNIT_NOT_STATED]
        if found:
            remarks.setdefault(", ".join(found), []).append(record.channels[i])
    notes += [f"{', '.join(names)}: {remark}" for remark, names in remarks.items()]


def _check_units(record, channels, policies, notes):
    assumed = []
    for i in channels:
        is_assumed = i in record.without_unit and policies.assume_units is not None
        is_voltage = millivolts_per_unit(record.units[i]) is not None and not is_assumed
        if is_voltage or np.isnan(record.signals[i]).all():
            continue
        if policies.assume_units is None:
            raise RecordError(
                record.name,
                "units",
                f"lead {record.channels[i]} is in {record.units[i]!r}, which is not a voltage.",
                "Pass assume_units if you know the unit, leave the lead out, or pass "
                "on_error='skip'.",
            )
        assumed.append(record.channels[i])
    if assumed:
        notes.append(f"{', '.join(assumed)} assumed to be in {policies.assume_units}")


def _millivolt_factor(record, channel, policies):
    unit = record.units[channel]
    if channel in record.without_unit and policies.assume_units is not None:
        unit = policies.assume_units
    _, sign = record.aliases.get(channel, (None, 1))
    # Channels of empty segments have neither a unit nor values.
    return sign * (millivolts_per_unit(unit, policies.assume_units) or 1.0)


# --------------------------------------------------------------------------------------------------
# Rates and missing values
# --------------------------------------------------------------------------------------------------


def _find_rate(record, channels, policies):
    rates = {record.rates[i] for i in channels}
    if len(rates) > 1 and policies.resample_to is None:
        found = ", ".join(f"{record.channels[i]} {record.rates[i]:g} Hz" for i in channels)
        raise RecordError(
            record.name,
            "sampling rate",
            f"its leads have different ones ({found}).",
            "Pass resample_to, or leads with the same sampling rate.",
        )
    return min(rates)


def _check_resampling(record, channels, policies):
    """Raise for a sampling rate so far from the new one that it is not that of an ECG."""
    for i in channels:
        if not 1e-5 <= policies.resample_to / record.rates[i] <= 1000:
            raise RecordError(
                record.name,
                "sampling rate",
                f"{record.channels[i]} has {record.rates[i]:g} Hz, which is too far from "
                f"resample_to={policies.resample_to:g} Hz.",
                "Correct the header if the rate is wrong, or leave the record out.",
            )
    duration = max(len(record.signals[i]) / record.rates[i] for i in channels)
    what = f"resample_to={policies.resample_to:g} Hz gives"
    n_times = duration * policies.resample_to
    check_size(record.name, len(policies.leads), n_times, "sampling rate", what)


def _treat_missing_values(record, signals, policies, notes):
    counts = {i: int(np.count_nonzero(~np.isfinite(signal))) for i, signal in signals.items()}
    counts = {i: count for i, count in counts.items() if count}
    if not counts:
        return signals
    found = ", ".join(
        f"{count} of {len(signals[i])} in {record.channels[i]}" for i, count in counts.items()
    )
    if policies.missing_values == "drop_record":
        raise RecordDropped(f"missing values: {found}.")
    if policies.missing_values == "raise":
        raise RecordError(
            record.name,
            "missing values",
            f"{found}.",
            "Pass missing_values='drop_record', 'interpolate' or 'nan', or on_error='skip'.",
        )
    if policies.missing_values == "nan":
        notes.append(f"missing values, NaN: {found}")
        return signals
    empty = [record.channels[i] for i, count in counts.items() if count == len(signals[i])]
    if empty:
        raise RecordError(
            record.name,
            "missing values",
            f"{', '.join(empty)} has no values to interpolate from.",
            "Pass missing_values='drop_record' or 'nan', or on_error='skip'.",
        )
    notes.append(f"missing values, interpolated: {found}")
    return {i: _interpolate_gaps(signal) for i, signal in signals.items()}


def _interpolate_gaps(signal):
    """Fill gaps with straight lines, and those at the ends with the nearest value."""
    present = np.isfinite(signal)
    if present.all():
        return signal
    times = np.arange(len(signal))
    return np.interp(times, times[present], signal[present])


def _resample_signal(signal, rate, new_rate):
    """Resample with the ends extended by their last value; missing values stay missing."""
    if rate == new_rate:
        return signal
    ratio = resampling_ratio(rate, new_rate)
    missing = ~np.isfinite(signal)
    if missing.all():
        n_times = -(-len(signal) * ratio.numerator // ratio.denominator)
        return np.full(n_times, np.nan)
    # SciPy's default, zeros beyond the ends, would ring if the record has an offset. See Resampler.
    resampled = resample_poly(
        _interpolate_gaps(signal), ratio.numerator, ratio.denominator, padtype="edge"
    )
    if missing.any():
        # A new time point is missing if one of its two old neighbors is.
        times = np.arange(len(resampled)) / float(ratio)
        below = np.minimum(np.floor(times + 1e-9).astype(int), len(signal) - 1)
        above = np.minimum(np.ceil(times - 1e-9).astype(int), len(signal) - 1)
        resampled[missing[below] | missing[above]] = np.nan
    return resampled


# --------------------------------------------------------------------------------------------------
# Length
# --------------------------------------------------------------------------------------------------


def _fit_duration(record, leads, rate, policies, notes):
    """Return rows (n_rows, n_leads, n_times) of the requested length, and their starts in s."""
    found = leads.shape[1]
    if policies.duration is None:
        return leads[np.newaxis], [0.0]
    wanted = max(round(policies.duration * rate), 1)
    if found == wanted:
        return leads[np.newaxis], [0.0]
    longer = found > wanted
    policy = policies.longer if longer else policies.shorter
    name = "longer" if longer else "shorter"
    what = f"it has {found} time points instead of {wanted} ({found / rate:g} s at {rate:g} Hz)."
    if policy == "raise":
        options = "'crop_start', 'crop_center', 'windows'" if longer else "'pad'"
        raise RecordError(
            record.name,
            "length",
            what,
            f"Pass {name}={options} or 'drop_record'.",
        )
    if policy == "drop_record":
        raise RecordDropped(f"length: {what}")
    if policy == "pad":
        check_size(record.name, len(leads), wanted, "length", f"{rate:g} Hz needs")
        notes.append(f"padded with zeros from {found} to {wanted} time points")
        padded = np.zeros((len(leads), wanted))
        padded[:, :found] = leads
        padded[np.isnan(leads).all(axis=1)] = np.nan  # missing leads stay missing
        return padded[np.newaxis], [0.0]
    if policy == "windows":
        n_windows = found // wanted
        left_out = found - n_windows * wanted
        notes.append(f"{n_windows} windows, {left_out} of {found} time points left out")
        rows = leads[:, : n_windows * wanted].reshape(len(leads), n_windows, wanted)
        starts = [window * wanted / rate for window in range(n_windows)]
        return rows.transpose(1, 0, 2), starts
    start = (found - wanted) // 2 if policy == "crop_center" else 0
    notes.append(f"cropped from {found} to {wanted} time points")
    return leads[np.newaxis, :, start : start + wanted], [start / rate]
