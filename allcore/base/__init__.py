"""What every other package stands on: paths, files, ids, locks, the clock, and errors that a user reads."""
