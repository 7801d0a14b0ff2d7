"""Displays with scikit-learn's interface: a class stores what is drawn, ``plot`` draws it.

matplotlib is imported when a figure is drawn, not with the package.
"""
