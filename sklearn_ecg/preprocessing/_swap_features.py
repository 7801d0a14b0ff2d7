"""Measurements of median beats from which swapped electrodes are recognized.

A swap gives each lead the signal of another one, or its negative. Each lead and its negative are
therefore measured once, and the measurements after any swap are selected from them.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.signal import resample_poly

from ..beats._beat_averaging import average_beats
from ..beats._delineation import pr_level, qrs_bounds, wave_bounds
from ..beats._measurements import measure_p, measure_qrs, measure_st, measure_t
from ..leads._electrodes import CHEST_LEADS, LIMB_LEADS, derive_limb_leads, swapped_leads
from ..utils._chunks import BEAT_FEATURES, record_chunks
from ..utils._parallel import compute_parts

_WINDOW = (-0.40, 0.68)  # seconds from the R-peak
_MEASURING_RATE = 500  # Hz
_CORRELATED = ((-80, 100), (-300, 500))  # ms from the R-peak: QRS, and the whole beat
_CORRELATION_STEP = 6  # ms
_ROUNDING = 1e-6  # mV; a lead that changes less is flat
_SMALLEST_POWER = 1e-6  # mV^2, the sum over a window; the correlation of flat leads is 0

MEASURES = (
    "p_amplitude",
    "p_area",
    "q_amplitude",
    "r_amplitude",
    "s_amplitude",
    "qrs_area",
    "st_level",
    "t_amplitude",
    "t_area",
    "r2_amplitude",
    "t_polarity",
)
#: How many of them are predicted from other leads.
N_PREDICTED = 9


class LeadLayout:
    """The leads that are measured, and what they are after a swap.

    Parameters
    ----------
    lead_names : sequence of str
        Names of the leads of the records. Two limb leads determine all six.

    Attributes
    ----------
    limb, chest : tuple of str
        The leads that are measured.
    """

    def __init__(self, lead_names):
        present = tuple(lead for lead in LIMB_LEADS if lead in lead_names)
        self.limb = LIMB_LEADS if len(present) > 1 else present
        self.chest = tuple(lead for lead in CHEST_LEADS if lead in lead_names)
        self.lead_names = tuple(lead_names)

    @property
    def available(self):
        """The leads whose signals are known."""
        return self.limb + self.chest

    def can_simulate(self, swap):
        """Return whether the leads after a swap are known, and differ from those before it."""
        sources = self.sources(swap)
        return bool(sources) and all(lead in self.available for lead, _ in sources.values())

    def sources(self, swap):
        """Return the `swapped_leads` of the leads that are measured or present."""
        known = self.available
        return {lead: source for lead, source in swapped_leads(swap).items() if lead in known}

    def order(self, swap):
        """Return the positions, in the measured leads, of what these show after a swap.

        The measured leads are the limb leads, their negatives, and the chest leads.
        """
        sources = self.sources(swap)
        limb, chest = list(self.limb), list(self.chest)
        upright = []
        for lead in limb:
            source, sign = sources.get(lead, (lead, 1))
            upright.append(limb.index(source) + (sign < 0) * len(limb))
        inverted = [(place + len(limb)) % (2 * len(limb)) for place in upright]
        on_chest = [2 * len(limb) + chest.index(sources.get(lead, (lead, 1))[0]) for lead in chest]
        return np.array([*upright, *inverted, *on_chest])

    @property
    def upright(self):
        """The positions of the leads themselves, without the negatives of limb leads."""
        n_limb = len(self.limb)
        return np.r_[:n_limb, 2 * n_limb : 2 * n_limb + len(self.chest)]

    def limb_signals(self, signals):
        """Return the measured limb leads of records, derived if they are not present."""
        return derive_limb_leads(signals, self.lead_names, self.limb)

    def blocks(self):
        """Return groups of positions of independent leads, each predicted from the other groups."""
        limb = list(range(min(len(self.limb), 2)))
        chest = [[len(self.limb) + i] for i in range(len(self.chest))]
        if not chest:
            return [[lead] for lead in limb]
        return ([limb] if limb else []) + chest


class BeatMeasures(NamedTuple):
    """Measurements of the records that have reliable beats and no flat lead.

    Attributes
    ----------
    values : ndarray of shape (n_reliable, n_measured_leads, n_measures)
    correlation : ndarray of shape (n_reliable, n_chest_leads, n_chest_leads, 2)
        Between the chest leads, during the QRS and the whole beat.
    """

    values: np.ndarray
    correlation: np.ndarray

    def after(self, swap, layout):
        """Return the measurements of the same records after a swap."""
        order = layout.order(swap)
        chest = order[2 * len(layout.limb) :] - 2 * len(layout.limb)
        return BeatMeasures(self.values[:, order], self.correlation[:, chest][:, :, chest])

    def select(self, records):
        """Return the measurements of some of the records."""
        return BeatMeasures(self.values[records], self.correlation[records])


def measure_records(signals, layout, rate, min_reliability, n_jobs=1):
    """Measure the median beat of each record.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_times)
        In mV.
    layout : LeadLayout
    rate : float
        In Hz.
    min_reliability : float
    n_jobs : int or None, default=1
        Number of processes.

    Returns
    -------
    measures : BeatMeasures
    reliable : ndarray of shape (n_records,), bool
        The records that are in it.
    """
    measure = partial(_measure_part, layout=layout, rate=rate, min_reliability=min_reliability)
    parts = record_chunks(len(signals), 1, BEAT_FEATURES)
    results = compute_parts(measure, signals, parts, n_jobs=n_jobs)
    values, correlation, reliable = (np.concatenate(arrays) for arrays in zip(*results))
    return BeatMeasures(values, correlation), reliable


def _measure_part(signals, layout, rate, min_reliability):
    # Leads I, II and III instead of two of them: a swap then does not change the R-peaks.
    n_limb = min(len(layout.limb), 3)
    chest = [layout.lead_names.index(lead) for lead in layout.chest]
    signals = np.concatenate([layout.limb_signals(signals)[:, :n_limb], signals[:, chest]], axis=1)
    start, stop = (round(edge * rate) for edge in _WINDOW)
    average = average_beats(signals.astype(np.float32), None, rate, start, stop)
    reliable = (average.rhythm.reliability >= min_reliability) & (average.n_used > 0)
    heart_rate = average.rhythm.heart_rate()
    reliable &= np.isfinite(heart_rate)
    # A flat lead looks like nothing that the electrodes can record, wherever they are.
    reliable &= (np.ptp(signals, axis=2) > _ROUNDING).all(axis=1)
    n_measured = 2 * len(layout.limb) + len(chest)
    if not reliable.any():
        values = np.zeros((0, n_measured, len(MEASURES)), dtype=np.float32)
        n_windows = len(_CORRELATED)
        return values, np.zeros((0, len(chest), len(chest), n_windows), np.float32), reliable
    beats, n_used = average.beats[reliable], average.n_used[reliable]
    noise = np.sqrt(np.square(np.nan_to_num(average.noise[reliable])).mean(axis=1) / n_used)
    values, correlation = _measure_beats(
        beats, layout, noise, rate, -start, 60_000 / heart_rate[reliable]
    )
    return values, correlation, reliable


def _measure_beats(beats, layout, noise, rate, peak, rr):
    factor = max(1, round(_MEASURING_RATE / rate))
    if factor > 1:
        beats = resample_poly(beats, factor, 1, axis=2, padtype="line")
        rate, peak = rate * factor, peak * factor
    every = np.arange(beats.shape[1])
    qrs = qrs_bounds(beats, rate, peak, every)
    beats = beats - pr_level(beats, rate, qrs[0])[:, :, None]
    bounds = wave_bounds(beats, rate, peak, every, rr, noise, *qrs)
    n_limb = min(len(layout.limb), 3)
    limb, chest = beats[:, :n_limb], beats[:, n_limb:]
    if n_limb > 1:
        # Halves of sums of I, II and III, so that the negative of a lead is exact.
        first, second, third = (limb[:, i] for i in range(3))
        goldberger = [-(first + second) / 2, (first - third) / 2, (second + third) / 2]
        limb = np.concatenate([limb, np.stack(goldberger, axis=1)], axis=1)
    leads = np.concatenate([limb, -limb, chest], axis=1)
    # The same limits for all leads, so that measurements do not depend on the position of a lead.
    lead_noise = np.repeat(noise[:, None], leads.shape[1], axis=1)
    measures = {
        **measure_p(leads, rate, bounds),
        **measure_qrs(leads, rate, bounds, lead_noise),
        **measure_st(leads, rate, bounds.qrs_offset),
        **measure_t(leads, rate, bounds),
    }
    # An absent wave has the amplitude zero.
    values = np.stack([np.nan_to_num(measures[name]) for name in MEASURES], axis=-1)
    correlations = [_correlate(chest, rate, peak, window) for window in _CORRELATED]
    return values.astype(np.float32), np.stack(correlations, axis=-1).astype(np.float32)


def _correlate(leads, rate, peak, window):
    """Return the correlations between leads in a window around the R-peak."""
    ms = rate / 1000
    start, stop = (peak + round(edge * ms) for edge in window)
    part = leads[:, :, max(start, 0) : stop : max(1, round(_CORRELATION_STEP * ms))]
    part = part - part.mean(axis=2, keepdims=True)
    product = np.einsum("rit,rjt->rij", part, part)
    power = np.einsum("rii->ri", product)
    size = np.sqrt(np.maximum(power, _SMALLEST_POWER))
    return product / (size[:, :, None] * size[:, None, :])
