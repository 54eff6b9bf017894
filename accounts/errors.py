"""Why something cannot be done with an account."""

from __future__ import annotations


class AddressTaken(Exception):
    """Another account has this address."""
