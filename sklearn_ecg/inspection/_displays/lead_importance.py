"""Importance of leads: bars, and a map of the body."""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import t

from ...leads import REGIONS_12, STANDARD_LEADS, normalize_lead_names
from .._feature_groups import NO_LEAD
from .._lead_importance import lead_importance
from ._style import (
    NO_REGION,
    REGION_OF_LEAD,
    REGION_STYLE,
    SEQUENTIAL,
    check_option,
    close_if_fails,
    color_limits,
    keep_inside,
    new_axes,
    text_color,
)

_KINDS = ("bars", "map")
_INTERVALS = ("sd", "t", "range", None)

# Cabrera's order: limb leads by their angle, so that neighbours look at neighbouring walls.
_ANATOMICAL = ("aVL", "I", "aVR", "II", "aVF", "III", "V1", "V2", "V3", "V4", "V5", "V6")

# Frontal plane: degrees clockwise from the patient's left, as cardiologists count.
_ANGLES = {"I": 0, "II": 60, "aVF": 90, "III": 120, "aVR": -150, "aVL": -30}
_FRONTAL_CENTRE, _FRONTAL_RADIUS = (-2.85, 0.15), 1.0
# Chest electrodes, seen from the front: the patient's left is on the right.
_CHEST = {
    "V1": (-0.19, 0.42),
    "V2": (0.19, 0.42),
    "V3": (0.42, 0.19),
    "V4": (0.66, -0.03),
    "V5": (0.96, -0.07),
    "V6": (1.26, -0.03),
}
_RADIUS = 0.13
_MAP_X, _MAP_Y = (-4.1, 1.6), (-1.3, 1.65)


class LeadImportanceDisplay:
    """Importance of leads or of groups of leads.

    Make it with `from_estimator`, which measures the importance, or with `from_importances`, which
    has this name as what it takes are no predictions.

    Parameters
    ----------
    importances : array-like of shape (n_groups,) or (n_groups, n_repeats)
        Importance of each lead or group, for each repeat; or, where several networks were
        measured, for each of them.
    names : array-like of shape (n_groups,)
        Names of the leads or groups.
    lead_groups : mapping of str to list or None, default=None
        The leads of each group, for the map. The regions of `sklearn_ecg.leads.REGIONS_12` are
        known by name.
    score_name : str or None, default=None
        Of the score that drops.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    bars_ : matplotlib BarContainer or None
        The bars, left to right.
    order_ : ndarray of shape (n_groups,)
        Positions of the bars' importances, left to right.
    disks_ : dict of str to matplotlib Circle
        The map's leads.
    colorbar_ : matplotlib Colorbar or None
        Of the map.

    See Also
    --------
    lead_importance : Measures it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_ecg import MSAICNetClassifier
    >>> from sklearn_ecg.datasets import make_ecg
    >>> from sklearn_ecg.inspection import LeadImportanceDisplay
    >>> X, y = make_ecg(60, duration=1, prevalence=0.5, return_X_y=True, random_state=0)
    >>> clf = MSAICNetClassifier(dilations=(1,), filters=(8,), max_epochs=5, random_state=0)
    >>> display = LeadImportanceDisplay.from_estimator(
    ...     clf.fit(X, y), X, y, scoring="roc_auc", random_state=0
    ... )
    >>> [text.get_text() for text in display.ax_.get_xticklabels()][:4]
    ['aVL', 'I', 'aVR', 'II']
    >>> display = display.plot(kind="map")
    >>> sorted(display.disks_)[:3]
    ['I', 'II', 'III']
    >>> plt.close("all")
    """

    def __init__(self, importances, names, *, lead_groups=None, score_name=None):
        self.importances = importances
        self.names = names
        self.lead_groups = lead_groups
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        method="shuffle",
        lead_groups=None,
        scoring=None,
        n_repeats=5,
        max_samples=1.0,
        sample_weight=None,
        random_state=None,
        n_jobs=None,
        n_leads=None,
        score_name=None,
        kind="bars",
        interval="sd",
        ax=None,
    ):
        """Measure the importance with `lead_importance`, and draw it.

        Parameters
        ----------
        estimator, X, y, method, lead_groups, n_repeats, max_samples, sample_weight, random_state, \
                n_jobs, n_leads
            See `lead_importance`.
        scoring : str, callable or None, default=None
            A single score, see `lead_importance`.
        score_name : str or None, default=None
            For the label of the axis. None takes ``scoring``.
        kind, interval, ax
            See `plot`.

        Returns
        -------
        display : LeadImportanceDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            As `lead_importance` and `plot`, and for several scores.
        """
        result = lead_importance(
            estimator,
            X,
            y,
            method=method,
            lead_groups=lead_groups,
            scoring=scoring,
            n_repeats=n_repeats,
            max_samples=max_samples,
            sample_weight=sample_weight,
            random_state=random_state,
            n_jobs=n_jobs,
            n_leads=n_leads,
        )
        if "importances" not in result:
            raise ValueError(
                f"scoring={scoring!r} gives several scores: {', '.join(result)}. Pass one of them, "
                "or draw each result of lead_importance with from_importances."
            )
        if score_name is None:
            score_name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", None)
        display = cls(
            result.importances, result.names, lead_groups=result.groups, score_name=score_name
        )
        return display.plot(ax, kind=kind, interval=interval)

    @classmethod
    def from_importances(
        cls,
        result,
        names=None,
        *,
        lead_groups=None,
        score_name=None,
        kind="bars",
        interval="sd",
        ax=None,
    ):
        """Draw importances that were measured before.

        Parameters
        ----------
        result : Bunch or array-like of shape (n_groups,) or (n_groups, n_repeats)
            What `lead_importance` or `sklearn.inspection.permutation_importance` returned for
            one score, or importances, such as those of several networks.
        names : array-like of shape (n_groups,), default=None
            Names of the leads or groups. None takes those of the result; twelve importances
            without names are those of the leads in standard order.
        lead_groups, score_name
            See the class.
        kind, interval, ax
            See `plot`.

        Returns
        -------
        display : LeadImportanceDisplay
            The figure that was drawn.

        Raises
        ------
        ValueError
            If names are missing, and as in `plot`.
        """
        if isinstance(result, dict):
            if "importances" not in result:
                raise ValueError(
                    f"result holds several scores: {', '.join(result)}. Pass one of them, "
                    "result[name]."
                )
            names = result.get("names") if names is None else names
            lead_groups = result.get("groups") if lead_groups is None else lead_groups
            result = result["importances"]
        if names is None:
            if len(result) != len(STANDARD_LEADS):
                raise ValueError(
                    f"{len(result)} importances have no names. Pass names, one for each."
                )
            names = STANDARD_LEADS
        display = cls(result, names, lead_groups=lead_groups, score_name=score_name)
        return display.plot(ax, kind=kind, interval=interval)

    @close_if_fails
    def plot(self, ax=None, *, kind="bars", interval="sd", title=None):
        """Draw the importances.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        kind : {"bars", "map"}, default="bars"
            "bars": known leads stand in anatomical order, limb leads by their angle (Cabrera)
            before the chest leads, others behind them; groups stand as they were given. Colours
            and hatches are those of the regions. "map": limb leads at their angles in the
            frontal plane, chest leads at their electrodes, coloured by the mean importance.
        interval : {"sd", "t", "range"} or None, default="sd"
            What the bars' whiskers are, of the repeats: mean plus and minus a standard
            deviation; a 95 % t interval of the mean; the least and the largest. None draws none.
        title : str or None, default=None
            Title of the axes.

        Returns
        -------
        display : LeadImportanceDisplay
            This object.

        Raises
        ------
        ValueError
            If shapes do not fit, or the map has no place for a lead or does not know the leads of
            a group.
        """
        check_option("kind", kind, _KINDS)
        check_option("interval", interval, _INTERVALS)
        values = np.asarray(self.importances, dtype=float)
        values = values[:, np.newaxis] if values.ndim == 1 else values
        names = [str(name) for name in self.names]
        if values.ndim != 2 or len(values) != len(names):
            raise ValueError(
                f"importances must have the shape ({len(names)},) or ({len(names)}, n_repeats), "
                f"one row for each name, got {np.shape(self.importances)}."
            )
        self.bars_ = self.order_ = self.colorbar_ = None
        self.disks_ = {}
        if kind == "bars":
            self._plot_bars(ax, values, names, interval)
        else:
            self._plot_map(ax, values.mean(axis=1), names)
        if title:
            self.ax_.set_title(title)
        return self

    def _plot_bars(self, ax, values, names, interval):
        from matplotlib.patches import Patch

        leads = normalize_lead_names(names, strict=False)
        self.order_ = np.array(
            sorted(range(len(names)), key=lambda i: _rank(leads[i], len(_ANATOMICAL)))
        )
        regions = [_region(leads[i]) for i in self.order_]
        ax = new_axes(ax, (max(4.0, 1.6 + 0.42 * len(names)), 3.2))
        self.ax_, self.figure_ = ax, ax.figure
        means = values.mean(axis=1)[self.order_]
        whiskers, what = _whiskers(values[self.order_], interval)
        styles = [REGION_STYLE.get(region, NO_REGION) for region in regions]
        self.bars_ = ax.bar(
            range(len(names)),
            means,
            yerr=whiskers,
            capsize=3,
            width=0.75,
            color=[color for color, _ in styles],
            hatch=[hatch for _, hatch in styles],
            edgecolor="white",
            linewidth=0,
            error_kw={"elinewidth": 1.2, "ecolor": "black"},
        )
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set_xticks(range(len(names)), labels=[leads[i] for i in self.order_])
        ax.margins(x=0.02)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.set_ylabel("\n".join(filter(None, [_change_of(self.score_name), what])))
        legend = None
        shown = [region for region in REGION_STYLE if region in regions]
        if shown and not set(leads) <= set(REGION_STYLE):
            handles = [
                Patch(
                    facecolor=REGION_STYLE[region][0],
                    hatch=REGION_STYLE[region][1],
                    edgecolor="white",
                    linewidth=0,
                    label=region,
                )
                for region in shown
            ]
            if None in regions:
                handles.append(Patch(facecolor=NO_REGION[0], label="no region"))
            # Beside the bars: inside, it would cover one of them sooner or later.
            legend = ax.legend(
                handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False
            )
            keep_inside(ax, legend)
        _turn_names_that_touch(ax, legend)

    def _plot_map(self, ax, means, names):
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.patches import Circle

        value_of_lead = self._values_of_leads(means, names)
        low, high = color_limits(means)
        ax = new_axes(ax, (7.2, 3.3))
        self.ax_, self.figure_ = ax, ax.figure
        mappable = ScalarMappable(Normalize(low, high), SEQUENTIAL)
        unit = _points_per_unit(ax)
        size = float(np.clip(0.84 * _RADIUS * unit, 4, 9))
        _draw_body(ax, title_size=float(np.clip(0.17 * unit, 4, 9)))
        for lead in STANDARD_LEADS:
            x, y = _place(lead)
            known = lead in value_of_lead
            color = mappable.to_rgba(value_of_lead[lead]) if known else (1, 1, 1, 1)
            self.disks_[lead] = ax.add_patch(
                Circle(
                    (x, y),
                    _RADIUS,
                    facecolor=color,
                    edgecolor="black" if known else "#bbbbbb",
                    linewidth=0.8,
                    zorder=3,
                )
            )
            ax.text(
                x,
                y,
                lead,
                ha="center",
                va="center",
                fontsize=size,
                zorder=4,
                color=text_color(color) if known else "#999999",
            )
        ax.set(xlim=_MAP_X, ylim=_MAP_Y, aspect="equal")
        ax.axis("off")
        beside = ax.inset_axes([1.02, 0.05, 0.022, 0.9])
        self.colorbar_ = ax.figure.colorbar(mappable, cax=beside, label=_change_of(self.score_name))
        keep_inside(ax, beside)

    def _values_of_leads(self, means, names):
        """The importance of each lead, by itself or of the group that it is in."""
        leads = normalize_lead_names(names, strict=False)
        groups = self.lead_groups
        if groups is None and set(names) <= set(REGIONS_12):
            raise ValueError(
                f"The map needs the leads of the regions {', '.join(names)}. Pass lead_groups, or "
                "kind='bars'."
            )
        if groups is None:
            # Features without a lead have no place.
            values = {lead: mean for lead, mean in zip(leads, means) if lead != NO_LEAD}
        else:
            if not isinstance(groups, Mapping):
                raise ValueError(
                    "lead_groups must be a mapping from each group's name to its leads, got "
                    f"{groups!r}. The regions are sklearn_ecg.leads.REGIONS_12."
                )
            missing = [name for name in names if name not in groups]
            if missing:
                raise ValueError(
                    f"The map needs the leads of group {missing[0]!r}. Pass lead_groups, or "
                    "kind='bars'."
                )
            values = {}
            for name, mean in zip(names, means):
                if isinstance(groups[name], str) or not isinstance(groups[name], Iterable):
                    raise ValueError(
                        f"lead_groups: group {name!r} must be a list of lead names, got "
                        f"{groups[name]!r}."
                    )
                for lead in normalize_lead_names(map(str, groups[name]), strict=False):
                    if lead in values:
                        raise ValueError(
                            f"Lead {lead} is in several groups, and the map can show one value of "
                            "it. Pass kind='bars'."
                        )
                    values[lead] = mean
        strange = [lead for lead in values if lead not in STANDARD_LEADS]
        if strange:
            raise ValueError(
                f"The map has places for the twelve standard leads, not for {', '.join(strange)}. "
                "Pass kind='bars', or importances without them."
            )
        return values


def _rank(lead, last):
    return _ANATOMICAL.index(lead) if lead in _ANATOMICAL else last


def _region(name):
    """The region of a lead, or the one of this name, or None."""
    return name if name in REGION_STYLE else REGION_OF_LEAD.get(name)


def _whiskers(values, interval):
    """Lengths below and above the means, (2, n_groups), and what they are."""
    n_repeats = values.shape[1]
    if interval is None or n_repeats == 1:
        return None, None
    mean = values.mean(axis=1)
    if interval == "range":
        ends = np.array([mean - values.min(axis=1), values.max(axis=1) - mean])
        return np.maximum(ends, 0), f"mean and range, n = {n_repeats}"
    if interval == "sd":
        return np.tile(values.std(axis=1), (2, 1)), f"mean and SD, n = {n_repeats}"
    half = values.std(axis=1, ddof=1) / np.sqrt(n_repeats) * t.ppf(0.975, n_repeats - 1)
    return np.tile(half, (2, 1)), f"mean and 95 % interval, n = {n_repeats}"


def _change_of(score_name):
    """What importance is: the rise of a loss is the drop of its negative."""
    if not score_name:
        return "Drop of the score"
    words = score_name.removeprefix("neg_").replace("roc_auc", "AUROC").replace("_", " ")
    return f"{'Rise' if score_name.startswith('neg_') else 'Drop'} of {words}"


def _turn_names_that_touch(ax, legend):
    """Judged by the width that the axes have before they are drawn."""
    widths = np.array([label.get_window_extent().width for label in ax.get_xticklabels()])
    room = ax.bbox.width - (0 if legend is None else legend.get_window_extent().width)
    if len(widths) > 1 and (widths[1:] + widths[:-1]).max() / 2 > 0.95 * room / len(widths):
        ax.tick_params(axis="x", rotation=90)


def _points_per_unit(ax):
    """Of the map, beside which the colour bar takes 50 points."""
    width, height = ax.bbox.size * 72 / ax.figure.dpi
    return min((width - 50) / np.ptp(_MAP_X), height / np.ptp(_MAP_Y))


def _place(lead):
    """Where the map shows a lead."""
    if lead in _CHEST:
        return _CHEST[lead]
    angle = np.deg2rad(_ANGLES[lead])
    (x, y), radius = _FRONTAL_CENTRE, _FRONTAL_RADIUS
    return x + radius * np.cos(angle), y - radius * np.sin(angle)


def _draw_body(ax, title_size):
    """The axes of the limb leads, and the outline of a torso."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), style = _FRONTAL_CENTRE, {"color": "#777777", "linewidth": 1.0, "zorder": 1}
    for lead in _ANGLES:
        end_x, end_y = _place(lead)
        ax.plot([x, end_x], [y, end_y], **style)
        ax.plot([x, 2 * x - end_x], [y, 2 * y - end_y], linestyle=":", **style)
    ax.text(x, 1.5, "Limb leads, frontal plane", ha="center", va="center", fontsize=title_size)
    ax.text(0.0, 1.5, "Chest leads", ha="center", va="center", fontsize=title_size)
    # The left half of the picture, from the neck down; the other half mirrors it.
    half = [
        (-0.26, 1.3),
        (-0.27, 1.05),
        (-0.34, 1.02),
        (-0.75, 0.96),
        (-1.2, 0.9),
        (-1.42, 0.72),
        (-1.45, 0.35),
        (-1.3, 0.1),
        (-1.2, -0.3),
        (-1.14, -0.7),
        (-1.12, -0.95),
        (-1.16, -1.25),
    ]
    for side in (-1, 1):
        vertices = [(side * -across, up) for across, up in half]
        codes = [Path.MOVETO] + [Path.CURVE3, Path.CURVE3] * 5 + [Path.LINETO]
        ax.add_patch(
            PathPatch(Path(vertices, codes), facecolor="none", edgecolor="#777777", linewidth=1.2)
        )
    ax.plot([0, 0], [0.95, -0.35], color="#cccccc", linewidth=1.0, zorder=1)  # the sternum
    for side in (-1, 1):  # the collar bones and the costal arch
        ax.plot([side * 0.08, side * 0.95], [0.9, 0.84], color="#cccccc", linewidth=1.0, zorder=1)
        ax.plot([0, side * 0.6], [-0.35, -0.85], color="#cccccc", linewidth=1.0, zorder=1)
