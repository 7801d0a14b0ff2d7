"""Display of the importance of leads: bars, or a map of the body.

The file has more than 500 lines because each constructor documents its parameters in full.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import t

from ...leads import REGIONS_12, STANDARD_LEADS, normalize_lead_names
from .._lead_groups import NO_LEAD
from .._lead_importance import lead_importance
from ._body_map import (
    LEAD_RADIUS,
    MAP_LIMITS,
    draw_body,
    lead_position,
    points_per_unit,
)
from ._plot_style import (
    NO_REGION_STYLE,
    REGION_OF_LEAD,
    REGION_STYLE,
    SEQUENTIAL,
    as_real_array,
    check_option,
    close_if_fails,
    color_limits,
    figure_of,
    make_room_right,
    new_axes,
    readable_score,
    text_color,
)

# Cabrera's order: limb leads by their angle, so that adjacent leads view adjacent walls.
_ANATOMICAL_ORDER = (
    *("aVL", "I", "aVR", "II", "aVF", "III"),
    *("V1", "V2", "V3", "V4", "V5", "V6"),
)


class LeadImportanceDisplay:
    """Display of the importance of leads or of groups of leads.

    Use `from_estimator` to compute the importance with `lead_importance`, or `from_importances` if
    it is already computed. Importances are not predictions, so that there is no
    ``from_predictions``.

    Parameters
    ----------
    importances : array-like of shape (n_groups,) or (n_groups, n_repeats)
        Importance of each lead or group, for each repeat, or for each of several networks.
    names : array-like of shape (n_groups,)
        Names of the leads or groups.
    lead_groups : mapping of str to list or None, default=None
        The leads of each group. Required to draw groups on the map.
    score_name : str or None, default=None
        Name of the score, for the label of the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the bars or of the map.
    figure_ : matplotlib Figure
        Figure of the axes.
    bars_ : matplotlib BarContainer or None
        The bars, from left to right.
    order_ : ndarray of shape (n_groups,)
        Position in ``importances`` of each bar, from left to right.
    disks_ : dict of str to matplotlib Circle
        The leads on the map.
    colorbar_ : matplotlib Colorbar or None
        Color bar of the map.

    See Also
    --------
    lead_importance : Computes the importance.

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
        max_samples: float = 1.0,
        sample_weight=None,
        random_state=None,
        n_jobs=None,
        n_leads=None,
        score_name=None,
        kind="bars",
        interval: str | None = "sd",
        ax=None,
    ):
        """Compute the importance with `lead_importance`, and draw it.

        Parameters
        ----------
        estimator : estimator
            Fitted on such X: a classifier of this package, a `Pipeline`, a search, a calibrated
            classifier, or any other scikit-learn estimator.
        X : array-like, DataFrame or lead frame
            Signals of shape (n_records, n_leads, n_times), a lead frame, an object array of
            signals, or lead-major rows of shape (n_records, n_leads * n_times). Alternatively a
            table of features: a DataFrame with lead names in its column names (see
            `feature_groups`), such as that of `sklearn_ecg.preprocessing.BeatFeatures`. Use records
            that the estimator was not fitted on. X is not modified; the estimator is given a copy
            in the same container.
        y : array-like of shape (n_records,) or (n_records, n_labels), or None
            Labels.
        method : {"shuffle", "gaussian"}, default="shuffle"
            "shuffle": the signals of the lead are exchanged between records. "gaussian": each
            signal is replaced by Gaussian noise with the same mean and standard deviation over
            time.
        lead_groups : None, "regions" or mapping of str to list, default=None
            Leads that are replaced together. None: each lead by itself. "regions": the leads of
            each region of `sklearn_ecg.REGIONS_12`, or of `sklearn_ecg.REGIONS_8` if X has only
            these eight leads. A mapping from the name of each group to its leads, as names or
            positions; a lead may be in several groups or in none. In a table of features, the
            features of each lead, or of the leads of each group, are replaced together. The leads
            of a group are exchanged with the same shuffle, so that they come from the same record.
        scoring : str, callable or None, default=None
            A single score; see `lead_importance`.
        n_repeats : int, default=5
            Number of times that each group is replaced.
        max_samples : int or float, default=1.0
            Number or share of the records in which leads are replaced. They are drawn without
            replacement, once for all groups.
        sample_weight : array-like of shape (n_records,), default=None
            Weights of the records in the score.
        random_state : int, RandomState instance or None, default=None
            Seed of the shuffles or of the noise, which are the same for all groups.
        n_jobs : int or None, default=None
            Number of processes among which the groups are divided. It does not affect the result.
        n_leads : int or None, default=None
            Number of leads of 2-D rows and numeric frames, if the estimator does not know it.
        score_name : str or None, default=None
            Name of the score, for the label of the axis. None is the name of ``scoring``.
        kind : {"bars", "map"}, default="bars"
            "bars": known leads are in anatomical order, the limb leads by their angle (Cabrera)
            before the chest leads, and other leads after them. Groups are in the given order.
            Colors and hatches are those of the regions. "map": limb leads are at their angles in
            the frontal plane and chest leads at their electrodes, colored by the mean importance.
        interval : {"sd", "t", "range"} or None, default="sd"
            Error bars over the repeats. "sd": mean plus and minus a standard deviation. "t": 95 %
            confidence interval of the mean, from Student's t distribution. "range": minimum and
            maximum. None draws no error bars.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LeadImportanceDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            As `lead_importance` and `plot`; also if there are several scores.
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
                f"scoring={scoring!r} is several scores: {', '.join(result)}. Pass one of them, "
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
        interval: str | None = "sd",
        ax=None,
    ):
        """Draw importances that are already computed.

        Parameters
        ----------
        result : Bunch or array-like of shape (n_groups,) or (n_groups, n_repeats)
            The result of `lead_importance` or of `sklearn.inspection.permutation_importance` for
            one score, or importances, such as those of several networks.
        names : array-like of shape (n_groups,), default=None
            Names of the leads or groups. None takes those of the result; twelve importances
            without names are taken to be those of the leads in standard order.
        lead_groups : mapping of str to list or None, default=None
            The leads of each group. Required to draw groups on the map.
        score_name : str or None, default=None
            Name of the score, for the label of the axis.
        kind : {"bars", "map"}, default="bars"
            "bars": known leads are in anatomical order, the limb leads by their angle (Cabrera)
            before the chest leads, and other leads after them. Groups are in the given order.
            Colors and hatches are those of the regions. "map": limb leads are at their angles in
            the frontal plane and chest leads at their electrodes, colored by the mean importance.
        interval : {"sd", "t", "range"} or None, default="sd"
            Error bars over the repeats. "sd": mean plus and minus a standard deviation. "t": 95 %
            confidence interval of the mean, from Student's t distribution. "range": minimum and
            maximum. None draws no error bars.
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LeadImportanceDisplay
            Display with the figure.

        Raises
        ------
        ValueError
            If names are missing; also as in `plot`.
        """
        if isinstance(result, dict):
            if not result:
                raise ValueError("result is empty. Pass the result of lead_importance.")
            if "importances" not in result:
                raise ValueError(
                    f"result has several scores: {', '.join(result)}. Pass one of them, "
                    "result[name]."
                )
            names = result.get("names") if names is None else names
            lead_groups = result.get("groups") if lead_groups is None else lead_groups
            result = result["importances"]
        result = np.atleast_1d(as_real_array("importances", result))
        if names is None:
            if np.size(result, 0) != len(STANDARD_LEADS):
                raise ValueError(
                    f"{len(result)} importances have no names. Pass names, one for each."
                )
            names = STANDARD_LEADS
        display = cls(result, names, lead_groups=lead_groups, score_name=score_name)
        return display.plot(ax, kind=kind, interval=interval)

    @close_if_fails
    def plot(self, ax=None, *, kind="bars", interval: str | None = "sd", title=None):
        """Draw the importances.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on. None makes a figure.
        kind : {"bars", "map"}, default="bars"
            "bars": known leads are in anatomical order, the limb leads by their angle (Cabrera)
            before the chest leads, and other leads after them. Groups are in the given order.
            Colors and hatches are those of the regions. "map": limb leads are at their angles in
            the frontal plane and chest leads at their electrodes, colored by the mean importance.
        interval : {"sd", "t", "range"} or None, default="sd"
            Error bars over the repeats. "sd": mean plus and minus a standard deviation. "t": 95 %
            confidence interval of the mean, from Student's t distribution. "range": minimum and
            maximum. None draws no error bars.
        title : str or None, default=None
            Title of the axes.

        Returns
        -------
        display : LeadImportanceDisplay
            This display.

        Raises
        ------
        ValueError
            If shapes are invalid, a lead is not on the map, or the leads of a group are unknown.
        """
        check_option("kind", kind, ("bars", "map"))
        check_option("interval", interval, ("sd", "t", "range", None))
        values = as_real_array("importances", self.importances)
        values = values[:, np.newaxis] if values.ndim == 1 else values
        if not isinstance(self.names, Iterable):
            raise ValueError(f"names must be a list of names, got {self.names!r}.")
        names = [str(name) for name in self.names]
        if values.ndim != 2 or len(values) != len(names) or not values.size:
            raise ValueError(
                f"importances must have the shape ({len(names)},) or ({len(names)}, n_repeats), "
                f"one row for each name, got {np.shape(self.importances)}."
            )
        if np.isnan(values).all():
            raise ValueError("importances are all NaN, which cannot be drawn.")
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
        self.order_ = np.array(sorted(range(len(names)), key=lambda i: _anatomical_rank(leads[i])))
        regions = [_region_of(leads[i]) for i in self.order_]
        ax = new_axes(ax, (max(4.0, 1.6 + 0.42 * len(names)), 3.2))
        self.ax_, self.figure_ = ax, figure_of(ax)
        means = values.mean(axis=1)[self.order_]
        error_bars, description = _error_bars(values[self.order_], interval)
        styles = [REGION_STYLE.get(region, NO_REGION_STYLE) for region in regions]
        self.bars_ = ax.bar(
            range(len(names)),
            means,
            yerr=error_bars,
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
        labels = [_importance_label(self.score_name), description]
        ax.set_ylabel("\n".join(filter(None, labels)))
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
                handles.append(Patch(facecolor=NO_REGION_STYLE[0], label="no region"))
            # To the right of the bars: inside, it might cover one of them.
            legend = ax.legend(
                handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False
            )
            make_room_right(ax, legend)
        _rotate_touching_names(ax, legend)

    def _plot_map(self, ax, means, names):
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.patches import Circle

        value_of_lead = self._values_of_leads(means, names)
        low, high = color_limits(means)
        ax = new_axes(ax, (7.2, 3.3))
        self.ax_, self.figure_ = ax, figure_of(ax)
        mappable = ScalarMappable(Normalize(low, high), SEQUENTIAL)
        unit = points_per_unit(ax)
        size = float(np.clip(0.84 * LEAD_RADIUS * unit, 4, 9))
        draw_body(ax, title_size=float(np.clip(0.17 * unit, 4, 9)))
        for lead in STANDARD_LEADS:
            x, y = lead_position(lead)
            known = lead in value_of_lead
            color = mappable.to_rgba(value_of_lead[lead]) if known else (1, 1, 1, 1)
            self.disks_[lead] = ax.add_patch(
                Circle(
                    (x, y),
                    LEAD_RADIUS,
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
        ax.set(xlim=MAP_LIMITS[0], ylim=MAP_LIMITS[1], aspect="equal")
        ax.axis("off")
        bar_axes = ax.inset_axes([1.02, 0.05, 0.022, 0.9])
        label = _importance_label(self.score_name)
        self.colorbar_ = ax.figure.colorbar(mappable, cax=bar_axes, label=label)
        make_room_right(ax, bar_axes)

    def _values_of_leads(self, means, names):
        """Return the importance of each lead, or of the group that contains it."""
        leads = normalize_lead_names(names, strict=False)
        groups = self.lead_groups
        if groups is None and set(names) <= set(REGIONS_12):
            raise ValueError(
                f"The map needs the leads of the regions {', '.join(names)}. Pass lead_groups, or "
                "kind='bars'."
            )
        if groups is None:
            # Features without a lead are not on the map.
            values = {lead: mean for lead, mean in zip(leads, means) if lead != NO_LEAD}
        else:
            if not isinstance(groups, Mapping):
                raise ValueError(
                    "lead_groups must be a mapping from each group's name to its leads, got "
                    f"{groups!r}. The regions are sklearn_ecg.REGIONS_12."
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
                            f"Lead {lead} is in several groups, but the map shows one value for "
                            "each lead. Pass kind='bars'."
                        )
                    values[lead] = mean
        unknown = [lead for lead in values if lead not in STANDARD_LEADS]
        if unknown:
            raise ValueError(
                f"The map shows only the twelve standard leads, not {', '.join(unknown)}. Pass "
                "kind='bars', or importances without them."
            )
        return values


def _anatomical_rank(lead):
    if lead in _ANATOMICAL_ORDER:
        return _ANATOMICAL_ORDER.index(lead)
    return len(_ANATOMICAL_ORDER)


def _region_of(name):
    """Return the region of a lead, or the region of this name, or None."""
    return name if name in REGION_STYLE else REGION_OF_LEAD.get(name)


def _error_bars(values, interval):
    """Return lengths below and above the means, (2, n_groups), and a description."""
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


def _importance_label(score_name):
    """Return the label of the axis: the drop of a negated loss is the rise of the loss."""
    if not score_name:
        return "Drop of the score"
    is_loss = str(score_name).startswith("neg_")
    words = readable_score(str(score_name).removeprefix("neg_"))
    return f"{'Rise' if is_loss else 'Drop'} of {words}"


def _rotate_touching_names(ax, legend):
    """Rotate the names of the bars if they would touch, given the current width of the axes."""
    widths = np.array([label.get_window_extent().width for label in ax.get_xticklabels()])
    room = ax.bbox.width - (0 if legend is None else legend.get_window_extent().width)
    if len(widths) > 1 and (widths[1:] + widths[:-1]).max() / 2 > 0.95 * room / len(widths):
        ax.tick_params(axis="x", rotation=90)
