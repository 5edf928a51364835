"""Convolutional networks. Keras is imported inside `build` alone, so that cards cost nothing to read.

A network takes uint8 images (n, size, size, 3) and gives probabilities (n, classes). Its layer named `embedding`, the last before
the softmax, is what nearest neighbours and maps are computed from.
"""
