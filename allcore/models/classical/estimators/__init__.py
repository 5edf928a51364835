"""Estimators by scikit-learn's contract that do more, or the same in less time, than its own."""
