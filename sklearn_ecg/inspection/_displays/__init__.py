"""Figures in scikit-learn's convention: a class stores what is drawn, ``plot`` draws it.

matplotlib is imported where a figure is drawn, not with the package.
"""
