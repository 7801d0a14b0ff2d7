"""What the pages of a renderer show: positions of the leads, and the part of each record."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._validation import check_signals
from ._draw_pages import drawn_panels


class PageContentsMixin:
    """Methods of `ECGImageRenderer` that describe its pages."""

    def report(self, X):
        """Count the time points that do not fit in their panel and are drawn at its limit.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.

        Returns
        -------
        report : DataFrame of n_records rows
            With the index of X. One column for each lead that is drawn, with the number of its
            visible time points that are drawn at the limit; the column ``rhythm`` is for the
            rhythm strip, if there is one. With several strips, their columns are ``rhythm_V1``
            and so on.
        """
        check_is_fitted(self, "_page")
        signals = np.asarray(check_signals(self, X, reset=False)[0])
        columns = {}
        strips = self._page.strips
        for panel, first, last in drawn_panels(self._page, self.n_times_in_):
            part = signals[:, panel.lead, int(np.ceil(first)) : int(np.ceil(last))]
            name = panel.name
            if panel in strips:
                name = "rhythm" if len(strips) == 1 else f"rhythm_{name}"
            low, high = self._page.amplitude_range(panel)
            columns[name] = ((part < low) | (part > high)).sum(axis=1)
        return pd.DataFrame(columns, index=X.index if hasattr(X, "iloc") else None)

    def panel_table(self):
        """Return where each lead is on the page, and which time points of the records it shows.

        It is the same for all records. Images of the same size that were not rendered, such as
        scans, are compared with it, and programs that extract signals from images are tested with
        it.

        Returns
        -------
        table : DataFrame
            One row for each panel with a lead, and then for each rhythm strip, with the columns

            - ``lead``: name of the lead,
            - ``strip``: whether it is a rhythm strip,
            - ``row``, ``column``: position in the layout, from 0,
            - ``top``, ``bottom``, ``left``, ``right``: its box in pixels, as in ``lead_boxes_``,
            - ``x``: position of its first time point in pixels from the left edge of the image,
            - ``zero``: position of 0 mV in pixels from the upper edge of the image,
            - ``start``, ``stop``: the time points that it shows, from ``start`` up to but not
              including ``stop``; fractions if columns do not divide a record evenly,
            - ``pixels_per_time_point``, ``pixels_per_mv``: its scales.

            Time point ``t`` is at ``x + (t - start) * pixels_per_time_point``, and an amplitude of
            ``a`` mV at ``zero - a * pixels_per_mv``. Positions count from edges: the center of the
            pixel in row 0 is at 0.5.
        """
        check_is_fitted(self, "_page")
        page = self._page
        rows = [
            {
                "lead": panel.name,
                "strip": panel in page.strips,
                "row": panel.row,
                "column": panel.column,
                **dict(zip(("top", "bottom", "left", "right"), panel.box)),
                "x": panel.x,
                "zero": panel.zero,
                "start": first,
                "stop": last,
                "pixels_per_time_point": page.per_second / self.sampling_rate,
                "pixels_per_mv": page.per_millivolt,
            }
            for panel, first, last in drawn_panels(page, self.n_times_in_)
        ]
        return pd.DataFrame(rows)

    def visible_signals(self, X, *, strips=True):
        """Return the part of the signals that the page shows.

        It is what a perfect reader of the page can return.

        Parameters
        ----------
        X : array-like, DataFrame or lead frame
            Signals in mV, with the leads and the length of those passed to `fit`.
        strips : bool, default=True
            Whether the rhythm strips count. They show their leads for the whole record.

        Returns
        -------
        visible : ndarray of shape (n_records, n_leads, n_times), float32
            The signals, NaN where no panel shows them.
        """
        check_is_fitted(self, "_page")
        signals = np.asarray(check_signals(self, X, reset=False)[0])
        visible = np.full_like(signals, np.nan)
        for panel, first, last in drawn_panels(self._page, self.n_times_in_):
            if strips or panel not in self._page.strips:
                times = slice(int(np.ceil(first)), int(np.ceil(last)))
                visible[:, panel.lead, times] = signals[:, panel.lead, times]
        return visible
