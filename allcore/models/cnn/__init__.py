"""Convolutional networks. Keras is imported inside `build` alone, so that cards cost nothing to read.

A network takes uint8 images (n, size, size, 3) and gives probabilities (n, classes). Each file names two of its layers: `EMBEDDING`,
a vector before the softmax, from which nearest neighbours and maps are computed, and `ACTIVATIONS`, a picture of 17x17 or finer
at 70 pixels, from which heat maps are.
"""
