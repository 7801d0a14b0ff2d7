"""Measurements of the waves of each lead of delineated average beats.

The notes of `BeatFeatures` define them. Every measurement has the shape (n_records, n_leads).
"""

import numpy as np

from ._delineation import first_true, smooth, starts_run, take_at, velocity

# Minimum height of a wave: in mV, and relative to the noise of the average beat.
MIN_WAVE, _WAVE_NOISE = 0.02, 2.0

# Milliseconds.
_SHORTEST_WAVE = 6
_QRS_MARGIN = 12  # the QRS of a lead may extend this much beyond that of all leads
_AFTER_J = (0, 8)
_ST = (56, 64)
_ST_SLOPE = (20, 80)
_P_SMOOTHING, _T_SMOOTHING = 12, 16
_T_START = 60  # from the end of the QRS

# Area of the smallest wave, in mV ms. The direction of a smaller area is not defined.
MIN_WAVE_AREA = MIN_WAVE * _SHORTEST_WAVE

# Limits of the velocity during the QRS of a lead: fraction of the maximum, multiple of the rest.
_LEAD_SLOPE, _LEAD_NOISE = 0.05, 3.0


def measure_qrs(beats, rate, bounds, noise):
    """Measure the Q, R and S waves, and the duration and area of the QRS, in each lead.

    Parameters
    ----------
    beats : ndarray of shape (n_records, n_leads, n_times)
        In mV; the PR level is zero.
    rate : float
        Sampling rate in Hz.
    bounds : WaveBounds
    noise : ndarray of shape (n_records, n_leads)
        Noise of the average beat, in mV.

    Returns
    -------
    measures : dict of str to ndarray of shape (n_records, n_leads)
    """
    ms = rate / 1000
    margin = round(_QRS_MARGIN * ms)
    start = max(0, int(bounds.qrs_onset.min()) - 3 * margin)
    stop = min(beats.shape[2], int(bounds.qrs_offset.max()) + 3 * margin + 1)
    quiet = np.quantile(np.abs(velocity(beats, rate))[:, :, ::4], 0.25, axis=2)
    beats = beats[:, :, start:stop]
    onset = (bounds.qrs_onset - start)[:, None, None]
    offset = (bounds.qrs_offset - start)[:, None, None]
    time = np.arange(beats.shape[2])
    inside = (time >= onset) & (time <= offset)
    last = offset[:, :, 0] - 1  # an extremum at the very end belongs to the ST segment
    least = np.maximum(MIN_WAVE, _WAVE_NOISE * np.nan_to_num(noise))

    shortest = max(1, round(_SHORTEST_WAVE * ms))
    high, low = beats > least[:, :, None], beats < -least[:, :, None]
    r_start = _first_run(inside & high, shortest, len(time))
    # R ends where S starts. A notch that is too small for a wave belongs to R.
    s_start = _first_run(inside & low & (time > r_start[:, :, None]), shortest, len(time))
    above = (time < s_start[:, :, None]) & (beats > 0)
    r_stop = len(time) - first_true(above[:, :, ::-1], 0)
    r_stop = np.where(s_start < len(time), r_stop, offset[:, :, 0] + 1)
    r_peak = np.where(inside & (time < r_stop[:, :, None]), beats, -np.inf).argmax(axis=2)
    has_r = (r_start < len(time)) & (r_peak < last)
    r_start = np.where(has_r, r_start, len(time))

    q_part = inside & (time < r_start[:, :, None])
    q_peak = np.where(q_part, beats, np.inf).argmin(axis=2)
    has_q = ((q_part & low).sum(axis=2) >= shortest) & (q_peak < last)
    s_part = inside & (time >= r_stop[:, :, None])
    s_peak = np.where(s_part, beats, np.inf).argmin(axis=2)
    has_s = has_r & ((s_part & low).sum(axis=2) >= shortest) & (s_peak < last)
    r2_part = inside & (time > s_peak[:, :, None])
    r2_peak = np.where(r2_part, beats, -np.inf).argmax(axis=2)
    has_r2 = has_s & ((r2_part & high).sum(axis=2) >= shortest) & (r2_peak < last)

    q = np.where(has_q, take_at(beats, q_peak), np.nan)
    r = np.where(has_r, take_at(beats, r_peak), np.nan)
    s = np.where(has_s, take_at(beats, s_peak), np.nan)
    r2 = np.where(has_r2, take_at(beats, r2_peak), np.nan)

    change = np.abs(velocity(beats, rate))
    limit = np.maximum(_LEAD_SLOPE * change.max(axis=2), _LEAD_NOISE * quiet)[:, :, None]
    moving = (change > limit) & (time >= onset - margin) & (time <= offset + margin)
    lead_onset = first_true(moving, 0)
    lead_offset = len(time) - 1 - first_true(moving[:, :, ::-1], 0)
    has_qrs = moving.any(axis=2)
    # Q starts and ends at the baseline, before its first and after its last part that is a wave.
    q_low = q_part & low
    first = np.minimum(_first_run(q_low, shortest, len(time)), q_peak)
    last_low = len(time) - 1 - _first_run(q_low[:, :, ::-1], shortest, len(time))
    back = first_true((time > np.maximum(last_low, q_peak)[:, :, None]) & (beats >= 0), len(time))
    before = np.maximum(back - 1, 0)
    step = take_at(beats, np.minimum(back, len(time) - 1)) - take_at(beats, before)
    crossing = before - np.divide(
        take_at(beats, before), step, out=np.zeros_like(step), where=step > 0
    )
    q_end = np.where(has_r, crossing, np.minimum(crossing, lead_offset))
    leaves = (time < first[:, :, None]) & (beats >= 0)
    q_start = np.maximum(
        len(time) - 1 - first_true(leaves[:, :, ::-1], len(time) - 1), onset[:, :, 0]
    )
    q_start = np.where(lead_onset < first, np.maximum(q_start, lead_onset), q_start)

    area = np.where(inside, beats, 0).sum(axis=2) / ms
    highest = np.where(inside, beats, -np.inf).max(axis=2)
    lowest = np.where(inside, beats, np.inf).min(axis=2)
    duration = np.where(has_qrs, (lead_offset - lead_onset) / ms, np.nan)
    return {
        "q_amplitude": q,
        "q_duration": np.where(has_q, (q_end - q_start) / ms, np.nan),
        "r_amplitude": r,
        "r_peak_time": np.where(has_r, (r_peak - onset[:, :, 0]) / ms, np.nan),
        "s_amplitude": s,
        "r2_amplitude": r2,
        "rs_ratio": np.where(has_s, -r / s, np.where(has_q & ~has_r, 0, np.nan)),
        "qrs_duration": duration,
        "qrs_amplitude": highest - lowest,
        "qrs_area": area,
    }


def _first_run(condition, length, default):
    """Return where the first run of true values of at least some length starts."""
    return first_true(starts_run(condition, length), default)


def measure_st(beats, rate, qrs_offset):
    """Measure the J point, the ST level and the ST slope in each lead."""
    ms = rate / 1000

    def mean(window):
        place = _window_indices(qrs_offset, window, ms, beats.shape[2])
        return np.take_along_axis(beats, place[:, None], axis=2).mean(axis=2)

    place = _window_indices(qrs_offset, _ST_SLOPE, ms, beats.shape[2])
    segment = np.take_along_axis(beats, place[:, None], axis=2)
    time = np.arange(place.shape[1]) / rate
    time -= time.mean()
    slope = segment @ (time / (time @ time)).astype(beats.dtype)
    return {"j_level": mean(_AFTER_J), "st_level": mean(_ST), "st_slope": slope}


def measure_p(beats, rate, bounds):
    """Measure amplitude and area of the P wave in each lead."""
    stop = max(1, int(bounds.qrs_onset.max()))
    beats, time = smooth(beats[:, :, :stop], _P_SMOOTHING * rate / 1000), np.arange(stop)
    part = (time >= bounds.p_onset[:, None]) & (time <= bounds.p_offset[:, None])
    part = part[:, None]
    peak = np.where(part, np.abs(beats), -1).argmax(axis=2)
    has_p = part.any(axis=2)
    area = np.where(part, beats, 0).sum(axis=2) / rate * 1000
    return {
        "p_amplitude": np.where(has_p, take_at(beats, peak), np.nan),
        "p_area": np.where(has_p, area, np.nan),
    }


def measure_t(beats, rate, bounds):
    """Measure amplitude, polarity and area of the T wave in each lead."""
    ms = rate / 1000
    start = int(bounds.qrs_offset.min())
    beats = smooth(beats[:, :, start:], _T_SMOOTHING * ms)
    time = np.arange(beats.shape[2]) + start
    part = time >= bounds.qrs_offset[:, None] + _T_START * ms
    part &= time <= bounds.t_offset[:, None]
    has_t = part.any(axis=1)[:, None]
    part = part[:, None]
    highest = np.where(part, beats, 0).max(axis=2)
    lowest = np.where(part, beats, 0).min(axis=2)
    spread = highest - lowest
    polarity = np.divide(
        highest + lowest, spread, out=np.zeros_like(spread), where=spread >= MIN_WAVE
    )
    area = np.where(part, beats, 0).sum(axis=2) / ms
    amplitude = np.where(highest >= -lowest, highest, lowest)
    return {
        "t_amplitude": np.where(has_t, amplitude, np.nan),
        "t_polarity": np.where(has_t, polarity, np.nan),
        "t_area": np.where(has_t, area, np.nan),
    }


def _window_indices(origin, window, ms, n_times):
    """Return the indices of a window after an index of each record, (n_records, width)."""
    offsets = np.arange(round(window[0] * ms), max(round(window[1] * ms), 1) + 1)
    return np.minimum(origin[:, None] + offsets, n_times - 1)
