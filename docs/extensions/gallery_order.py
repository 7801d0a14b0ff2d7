"""The order of the examples in the gallery, from the first steps to large data."""

from pathlib import Path

ORDER = (
    "plot_quickstart",
    "plot_wfdb_folder",
    "plot_features_by_lead",
    "plot_beat_features",
    "plot_lead_importance",
    "plot_unbalanced_cohort",
    "plot_thresholds_and_calibration",
    "plot_multilabel",
    "plot_label_efficiency",
    "plot_random_regions",
    "plot_own_module",
    "plot_images",
    "plot_digitized_scans",
    "plot_long_recordings",
    "plot_lazy_records",
    "plot_save_and_export",
)


def position(name):
    """Return the place of a script in the gallery."""
    return ORDER.index(Path(name).stem)
