"""How much is proven: little by default, so that everybody can afford it; more by hand."""

from __future__ import annotations

import os


def size(name: str, usual: int) -> int:
    """The number in the environment variable ``name``, else what is usual."""
    return int(os.environ.get(name, usual))
