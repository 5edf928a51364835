"""Results to Plotly figures: pure functions, one file a topic, one theme.

Beside each figure function `x` stand `describe_x`, which says in plain words what it shows, for a screen reader, and `x_table`, the
data behind it for download.
"""
