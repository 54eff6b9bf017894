"""Forms of quarters and meetings around the nights on which clocks change, in any zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup

from enrollments.models import Meeting, Quarter
from tests.enrollments.desk_cast import address
from tests.factories.enrollments import make_quarter, workshop

pytestmark = pytest.mark.django_db


def new_quarter(**changes) -> dict[str, object]:
    """A form for a group that meets on Sundays from February 2027, filled in."""
    return {
        "workshop": workshop().pk,
        "label": "Sundays 2027",
        "slug": "",
        "first_date": "2027-02-07",
        "skipped": "",
        "start": "10:00",
        "minutes": "120",
        "time_zone": "America/New_York",
        "opens_at": "2027-01-01 09:00",
        "closes_at": "",
        "capacity": "8",
        "price": "600",
        "currency": "usd",
        "instalment_count": "",
        "instalment": "",
    } | changes


def add(client, **changes):
    return client.post(address("quarter", "create"), new_quarter(**changes))


def test_a_weekly_hour_that_clocks_skip_once_is_refused_with_the_day(loaded_site, staff_client):
    response = add(staff_client, start="02:30")

    assert response.context["form"].errors["start"] == [
        (
            "On Sunday, March 14, 2027 clocks are set forward, so there is no 2:30 am. "
            "Choose an earlier or a later time."
        )
    ]
    assert Quarter.objects.count() == 0


def test_a_group_can_meet_on_the_clocks_of_any_zone(loaded_site, staff_client):
    response = add(staff_client, time_zone="Europe/Kyiv")

    quarter = Quarter.objects.get()
    assert response.status_code == 302
    assert quarter.opens_at == datetime(2027, 1, 1, 7, 0, tzinfo=UTC)
    assert quarter.meetings.first().starts_at == datetime(2027, 2, 7, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Kiev", "US/Eastern", "Mars/Base", "", "\x00"])
def test_a_zone_without_a_name_today_is_refused(loaded_site, staff_client, zone):
    response = add(staff_client, time_zone=zone)

    assert list(response.context["form"].errors) == ["time_zone"]


def test_the_usual_zones_are_offered_first(loaded_site, staff_client):
    page = staff_client.get(address("quarter", "create")).content

    offered = BeautifulSoup(page, "html.parser").select("select[name=time_zone] option")
    assert [option.text for option in offered][:2] == ["Eastern Time", "Central Time"]
    assert len(offered) > 400


@pytest.fixture
def meeting(loaded_site):
    return make_quarter().meetings.get(number=3)


def save(client, meeting, typed, which=""):
    url = address("meeting", "edit", meeting.pk)
    soup = BeautifulSoup(client.get(url).content, "html.parser")
    form = soup.select_one("input[name=starts_at]").find_parent("form")
    boxes = [box for box in form.select("input[name]") if box.get("type") != "checkbox"]
    sent = {box["name"]: box.get("value", "") for box in boxes}
    return client.post(url, sent | {"starts_at": typed, "starts_at-which": which})


def test_a_meeting_is_not_moved_to_an_hour_that_does_not_exist(meeting, staff_client):
    response = save(staff_client, meeting, "2027-03-14 02:30")

    assert "there is no 2:30 am" in response.context["form"].errors["starts_at"][0]
    assert Meeting.objects.get(pk=meeting.pk).starts_at == meeting.starts_at


def test_of_an_hour_that_comes_twice_the_second_can_be_chosen(meeting, staff_client):
    asked = save(staff_client, meeting, "2027-11-07 01:30")
    shown = save(staff_client, meeting, "2027-11-07 01:30", "second")

    page = " ".join(BeautifulSoup(shown.content, "html.parser").main.get_text(" ").split())
    assert "1:30 am comes twice" in asked.context["form"].errors["starts_at"][0]
    assert "The second, EST" in asked.content.decode()
    assert "Sun, Nov 7, 2027, 1:30 am Eastern (EST)" in page
    assert 'name="starts_at-which" value="second"' in shown.content.decode()
