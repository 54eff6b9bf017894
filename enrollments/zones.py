"""What people call time zones, which there are, and how an hour is written."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import TZPATH, available_timezones

from core.clocks import comes_twice, day_and_hour

# What people say for zones whose clocks change; a fixed "EST" would be wrong in summer.
# The practice's usual ones, in the order in which they are offered. local-times.js repeats them.
US_ZONES = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Los_Angeles": "Pacific",
    "America/Phoenix": "Arizona",
    "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
}
USUAL_ZONE = "America/New_York"
UTC_NAME = "UTC"


@cache
def known_zones() -> frozenset[str]:
    """Every zone that Python knows, by the name that it has today, and UTC."""
    named_today = {
        line.split("\t")[2] for line in _zone_table().splitlines() if not line.startswith("#")
    }
    known = available_timezones()
    return frozenset((named_today & known or _places(known)) | {UTC_NAME})


def _zone_table() -> str:
    """The table of places that comes with the zones: it holds no name of the past."""
    for folder in TZPATH:
        table = Path(folder) / "zone.tab"
        if table.is_file():
            return table.read_text(encoding="utf-8")
    try:
        return resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return ""


def _places(names: set[str]) -> set[str]:
    """Without the table: those named by a place, old names among them."""
    regions = {zone.partition("/")[0] for zone in US_ZONES} | {
        "Africa", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian",
    }  # fmt: skip
    return {name for name in names if "/" in name and name.partition("/")[0] in regions}


def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every zone to choose from, by region; the practice's usual ones in front."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(known_zones() - US_ZONES.keys() - {UTC_NAME}):
        region, _, place = zone.partition("/")
        named = ", ".join(reversed(place.replace("_", " ").split("/")))
        regions.setdefault(region, []).append((zone, named))
    usual = [(zone, zone_title(zone)) for zone in US_ZONES]
    return [("Usual", usual), *regions.items(), ("Other", [(UTC_NAME, UTC_NAME)])]


def zone_name(time_zone: str) -> str:
    """What stands after an hour: ``Eastern`` for ``America/New_York``, ``Kyiv time``."""
    if time_zone in US_ZONES:
        return US_ZONES[time_zone]
    if "/" not in time_zone:
        return time_zone
    return f"{time_zone.rpartition('/')[2].replace('_', ' ')} time"


def zone_title(time_zone: str) -> str:
    """What a zone is called by itself: ``Eastern Time``, ``Kyiv time``."""
    return f"{US_ZONES[time_zone]} Time" if time_zone in US_ZONES else zone_name(time_zone)


def hour_written(local: datetime) -> str:
    """``10:00 am Eastern`` on the clocks of ``local``; which one, of an hour that comes twice."""
    written = f"{day_and_hour(local)[1]} {zone_name(str(local.tzinfo))}"
    return f"{written} ({local:%Z})" if comes_twice(local) else written
