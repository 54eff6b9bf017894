"""What people call time zones."""

from __future__ import annotations

# Names people use for zones whose clocks change; a fixed "EST" would be wrong in summer.
ZONE_NAMES = {
    "America/New_York": "Eastern Time",
    "America/Chicago": "Central Time",
    "America/Denver": "Mountain Time",
    "America/Los_Angeles": "Pacific Time",
    "Europe/London": "London time",
}


def zone_name(time_zone: str) -> str:
    """What people call a zone: ``Eastern Time`` for ``America/New_York``."""
    return ZONE_NAMES.get(time_zone, time_zone)
