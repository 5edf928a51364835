"""Files that come over HTTP."""

from __future__ import annotations

import sys


def keep_in_memory() -> None:
    """From now on, in this process: files that are sent to it stay in memory.

    Starlette, which receives them for the pages and for the endpoint, would write what has more than a megabyte to a temporary file.
    """
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = sys.maxsize  # what may come is limited where it comes in
