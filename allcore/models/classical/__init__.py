"""Classical classifiers. Each file's `build` gives an unfitted scikit-learn estimator that works on a feature vector of `models.features`."""
