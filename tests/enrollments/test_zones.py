"""Every time zone that Python knows, by today's name, the practice's usual ones first."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.conf import settings

from enrollments import zones
from enrollments.zones import US_ZONES, known_zones, zone_choices, zone_name, zone_title

SCRIPT = Path(settings.BASE_DIR) / "static/js/local-times.js"


def mapping_in_script(name):
    body = re.search(rf"const {name} = \{{(.*?)\}};", SCRIPT.read_text(), re.DOTALL)[1]
    return dict(re.findall(r'"(.+?)": "(.+?)"', body))


def test_all_zones_are_there_by_the_names_that_they_have_today():
    assert len(known_zones()) > 400
    assert known_zones() <= available_timezones() | {"UTC"}
    assert {"Europe/Kyiv", "Asia/Kolkata", "America/Nuuk", "Europe/Stockholm"} <= known_zones()
    assert not {"Europe/Kiev", "Asia/Calcutta", "US/Eastern", "EST", "Etc/GMT+5"} & known_zones()


def test_every_zone_that_can_be_chosen_can_be_used():
    chosen = [zone for _, group in zone_choices() for zone, _ in group]

    assert sorted(chosen) == sorted(known_zones() | US_ZONES.keys())
    assert all(ZoneInfo(zone) for zone in chosen)


def test_the_usual_ones_come_first():
    region, usual = zone_choices()[0]

    assert region == "Usual"
    assert usual[:2] == [("America/New_York", "Eastern Time"), ("America/Chicago", "Central Time")]


def test_without_the_table_places_are_offered_by_whatever_name(monkeypatch):
    monkeypatch.setattr(zones, "_zone_table", lambda: "")

    found = known_zones.__wrapped__()

    assert {"Europe/Kyiv", "America/New_York", "UTC"} <= found
    assert not {"US/Eastern", "EST", "Etc/GMT+5", "posixrules"} & found


@pytest.mark.parametrize(
    ("zone", "name", "title"),
    [
        ("America/New_York", "Eastern", "Eastern Time"),
        ("America/Phoenix", "Arizona", "Arizona Time"),
        ("Europe/London", "London time", "London time"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time", "Buenos Aires time"),
        ("UTC", "UTC", "UTC"),
    ],
)
def test_zones_are_called_as_people_call_them(zone, name, title):
    assert (zone_name(zone), zone_title(zone)) == (name, title)


def test_the_readers_list_has_the_same_usual_ones_and_todays_names():
    renamed = mapping_in_script("RENAMED")

    assert list(mapping_in_script("US_ZONES").items()) == list(US_ZONES.items())
    assert len(renamed) > 15
    assert set(renamed.values()) <= known_zones()
    assert not renamed.keys() & known_zones()
