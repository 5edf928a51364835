"""Classical classifiers. Each file's `build` gives an unfitted scikit-learn estimator that works on vectors of `models.features`."""
