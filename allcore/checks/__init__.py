"""What can deceive in a data set: damaged files, pictures that are there twice, signs that give classes or patients away."""
