"""Networks and losses, in pure torch: nothing here knows scikit-learn or skorch."""
