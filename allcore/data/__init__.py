"""Images and what is known of them: records, importers, the pixel cache, splits, and drawn cells."""
