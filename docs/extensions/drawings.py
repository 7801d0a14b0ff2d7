"""The logo, the favicon and the figure of the landing page, drawn when the site is built."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.inspection import lead_importance
from sklearn_ecg.metrics import bootstrap_interval
from sklearn_ecg.preprocessing import BeatFeatures

RED = "#d62f4b"
BLUE = "#3b6ea8"


def beat(width, height, n_points=120):
    """Return the points of one heart cycle in a box, as the path of an SVG file."""
    t = np.linspace(0, 1, n_points)
    waves = [(0.2, 0.035, 0.14), (0.41, 0.014, -0.14), (0.45, 0.018, 1.0), (0.5, 0.016, -0.28)]
    waves.append((0.74, 0.06, 0.28))
    signal = sum(size * np.exp(-(((t - center) / sd) ** 2) / 2) for center, sd, size in waves)
    low, high = signal.min(), signal.max()
    x, y = width * t, height * (high - signal) / (high - low)
    return x, y


def beat_path(left, top, width, height):
    x, y = beat(width, height)
    return "M" + " L".join(f"{left + a:.1f} {top + b:.1f}" for a, b in zip(x, y))


def favicon():
    """A heart cycle in a square."""
    return textwrap.dedent(f"""\
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">
        <title>sklearn_ecg</title>
        <rect width="64" height="64" rx="14" fill="{RED}"/>
        <path d="{beat_path(5, 10, 54, 42)}" fill="none" stroke="#fff" stroke-width="4.5"
         stroke-linecap="round" stroke-linejoin="round"/>
        </svg>
        """)


def logo(color):
    """Three leads, one of which is highlighted: the lead is the feature."""
    rows = [(4, color, 0.45), (21, RED, 1), (38, color, 0.45)]
    paths = "\n".join(
        f'<path d="{beat_path(3, top, 58, 20)}" fill="none" stroke="{stroke}" stroke-width="3.4" '
        f'stroke-opacity="{opacity}" stroke-linecap="round" stroke-linejoin="round"/>'
        for top, stroke, opacity in rows
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">\n'
        f"<title>sklearn_ecg</title>\n{paths}\n</svg>\n"
    )


def landing_results():
    """Return a record, an AUROC with its interval, and the importance of the leads.

    Synthetic records of patients with and without an anterior infarction. The classes overlap.
    """
    ecg = make_ecg(
        440,
        duration=5,
        prevalence=0.3,
        records_per_patient=(1, 2),
        random_state=0,
    )
    X, y, patients = ecg.data, ecg.target, ecg.groups
    train, test = next(StratifiedGroupKFold(2, shuffle=True, random_state=0).split(X, y, patients))
    model = make_pipeline(
        BeatFeatures(sampling_rate=100),
        SimpleImputer(),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ).fit(X[train], y[train])
    probability = model.predict_proba(X[test])[:, 1]
    interval = bootstrap_interval(
        "roc_auc", y[test], probability, groups=patients[test], random_state=0
    )
    importance = lead_importance(
        model, X[test], y[test], scoring="roc_auc", n_repeats=3, random_state=0
    )
    record = test[np.flatnonzero(y[test])[0]]
    return X[record], ecg.lead_names, interval, importance


def mix(color, share):
    """Mix a color with this share of red."""
    return share * np.array(to_rgb(RED)) + (1 - share) * np.array(to_rgb(color))


def landing_figure(results, *, dark, narrow):
    """Draw a record of twelve leads in the colors of their importance, and the importance.

    The importance is below the record if the figure is narrow, as on a phone.
    """
    signals, names, interval, importance = results
    ink, faint = ("#e6e6e6", "#48484d") if dark else ("#333333", "#e3e3e3")
    mean = importance.importances_mean
    share = np.clip(mean / mean.max(), 0, 1)
    order = [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    with plt.rc_context({"text.color": ink, "axes.labelcolor": ink, "font.size": 10}):
        figure = plt.figure(figsize=(4.6, 6.4) if narrow else (10.5, 3.7), layout="constrained")
        if narrow:
            first, second = figure.subfigures(2, 1, height_ratios=(1, 1.2))
        else:
            first, second = figure.subfigures(1, 2, width_ratios=(2.3, 1))
        axes = first.subplots(3, 4, sharex=True, sharey=True)
        seconds = np.arange(250) / 100
        for ax, lead in zip(axes.flat, np.ravel(order)):
            color = mix(ink, share[lead])
            ax.plot(seconds, signals[lead, :250], color=color, linewidth=1.3)
            ax.set_title(names[lead], loc="left", fontsize=9, pad=0, color=color)
            ax.set_axis_off()
        ax = second.subplots()
        positions = np.arange(12)
        ax.barh(
            positions,
            mean,
            xerr=importance.importances_std,
            color=[mix(BLUE, value) for value in share],
            error_kw={"ecolor": ink},
        )
        ax.set_yticks(positions, names)
        ax.invert_yaxis()
        ax.tick_params(colors=ink, length=0)
        ax.grid(axis="x", color=faint)
        ax.set_axisbelow(True)
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_xlabel("decrease of AUROC if permuted")
        ax.set_title(
            f"AUROC {interval.score:.2f} [{interval.low:.2f}, {interval.high:.2f}]", fontsize=11
        )
    return figure


def draw(folder):
    """Write the drawings that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("favicon.svg", favicon()),
        ("logo_light.svg", logo("#333333")),
        ("logo_dark.svg", logo("#e6e6e6")),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    paths = {
        (narrow, dark): folder / f"landing{'_narrow' * narrow}_{'dark' if dark else 'light'}.svg"
        for narrow in (False, True)
        for dark in (False, True)
    }
    if not all(path.is_file() for path in paths.values()):
        results = landing_results()
        for (narrow, dark), path in paths.items():
            figure = landing_figure(results, dark=dark, narrow=narrow)
            figure.savefig(path, transparent=True, metadata={"Date": None})
            plt.close(figure)
