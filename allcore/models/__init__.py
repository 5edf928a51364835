"""The models that can be trained, each one file and one card."""
