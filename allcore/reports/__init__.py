"""What is said of runs and of others' work: the paper that this laboratory started from, and what its figures imply."""
