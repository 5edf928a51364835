"""Telling leukemic from healthy cells on microscope images: data, training, results and answers, without a user interface."""

__version__ = "0.1.0"
