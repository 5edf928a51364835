"""Predictions to frozen results: classification figures, their uncertainty over patients, and the words for both."""
