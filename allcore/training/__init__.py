"""How one run is trained. The only package, with the networks' `build`, that imports TensorFlow."""
