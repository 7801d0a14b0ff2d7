"""Checks of transformers that return embeddings or features."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..leads import to_lead_frame
from ._check_tools import _LEADS, _TOLERANCE, _clone_with, _make_records


def check_transform_output(estimator):
    """`transform` returns named columns, as an array or as a DataFrame."""
    X, y = _make_records()
    # Features may have names that contain those of the leads.
    made = _clone_with(estimator, lead_names=_LEADS)
    fitted = made.fit(X, y)
    embedding = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert embedding.shape == (len(X), len(names))
    assert len(set(names)) == len(names)
    np.testing.assert_allclose(clone(made).fit_transform(X, y), embedding, **_TOLERANCE)
    frame = to_lead_frame(X, _LEADS).set_axis(np.arange(100, 100 + len(X)))
    framed = _clone_with(estimator).set_output(transform="pandas").fit(frame, y).transform(frame)
    assert isinstance(framed, pd.DataFrame)
    assert list(framed.columns) == list(names)
    assert list(framed.index) == list(frame.index)
    np.testing.assert_allclose(framed.to_numpy(), embedding, **_TOLERANCE)


def check_pipeline_step(estimator):
    """The estimator works as a step of a Pipeline that is not the last."""
    X, y = _make_records()
    pipeline = Pipeline([("embed", _clone_with(estimator)), ("pass", "passthrough")])
    np.testing.assert_array_equal(
        pipeline.fit(X, y).transform(X), _clone_with(estimator).fit(X, y).transform(X)
    )
    assert len(pipeline.get_feature_names_out()) == pipeline.transform(X).shape[1]
