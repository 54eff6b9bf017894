"""Hours that clocks skip or show twice, in every form of the admin that takes a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from wagtail.admin.forms.models import formfield_for_dbfield

from core.clocks import comes_twice, exists
from core.local_moments import LocalMomentField
from enrollments.zones import hour_written
from home.models import HomePage

NEW_YORK = ZoneInfo("America/New_York")
SKIPPED = (
    "On Sunday, March 14, 2027 clocks are set forward, so there is no 2:30 am. "
    "Choose an earlier or a later time."
)
TWICE = (
    "On Sunday, November 7, 2027 clocks are set back, so 1:30 am comes twice. "
    "Choose which of the two you mean."
)


class MomentForm(forms.Form):
    moment = LocalMomentField(required=False)


def sent(typed, which=""):
    with timezone.override(NEW_YORK):
        form = MomentForm({"moment": typed, "moment-which": which})
        form.is_valid()
        return form, str(form["moment"])


def choices_in(html):
    return [
        (option["value"], option.text, option.has_attr("selected"))
        for option in BeautifulSoup(html, "html.parser").select("option")
    ]


def test_an_hour_that_does_not_exist_is_refused_with_our_own_sentence():
    form, html = sent("2027-03-14 02:30")

    assert form.errors == {"moment": [SKIPPED]}
    assert "2027-03-14 02:30" in html
    assert choices_in(html) == []


@pytest.mark.parametrize("typed", ["2027-03-14 01:59", "2027-03-14 03:00", "2027-01-09 10:00"])
def test_the_hours_around_it_are_taken(typed):
    form, html = sent(typed)

    assert (
        timezone.localtime(form.cleaned_data["moment"], NEW_YORK).strftime("%Y-%m-%d %H:%M")
        == typed
    )
    assert choices_in(html) == []


def test_of_an_hour_that_comes_twice_she_is_asked_which():
    form, html = sent("2027-11-07 01:30")

    assert form.errors == {"moment": [TWICE]}
    assert choices_in(html) == [
        ("", "Which of the two?", False),
        ("first", "The first, EDT", False),
        ("second", "The second, EST", False),
    ]


@pytest.mark.parametrize(("which", "hour"), [("first", 5), ("second", 6)])
def test_either_of_the_two_can_be_chosen(which, hour):
    form, html = sent("2027-11-07 01:30", which)

    assert form.cleaned_data["moment"] == datetime(2027, 11, 7, hour, 30, tzinfo=UTC)
    assert [value for value, _, is_selected in choices_in(html) if is_selected] == [which]


@pytest.mark.parametrize(("hour", "which"), [(5, "first"), (6, "second")])
def test_a_moment_that_was_kept_is_shown_as_it_was_chosen_and_is_no_change(hour, which):
    moment = datetime(2027, 11, 7, hour, 30, tzinfo=UTC)
    with timezone.override(NEW_YORK):
        shown = str(MomentForm(initial={"moment": moment})["moment"])
        again = MomentForm(
            {"moment": "2027-11-07 01:30", "moment-which": which}, initial={"moment": moment}
        )

        assert [value for value, _, is_selected in choices_in(shown) if is_selected] == [which]
        assert again.changed_data == []


@pytest.mark.parametrize("which", ["third", "first second", "", "\x00"])
def test_nothing_else_is_taken_for_a_choice(which):
    form, _ = sent("2027-11-07 01:30", which)

    assert form.errors == {"moment": [TWICE]}


@pytest.mark.parametrize("typed", ["first", "second", " second", "2027-02-30 10:00", "\x00"])
def test_what_is_no_moment_stays_one_mistake(typed):
    form, _ = sent(typed)

    assert list(form.errors) == ["moment"]


def test_every_moment_of_every_model_is_asked_for_with_it():
    """Wagtail's own for pages included: whatever form the admin makes, it asks this way."""
    fields = [
        field
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.DateTimeField) and field.editable
    ]

    asked = {type(formfield_for_dbfield(field)) for field in fields}

    assert len(fields) > 10
    assert asked == {LocalMomentField}


@pytest.mark.parametrize(
    ("typed", "sentence"), [("2027-03-14 02:30", SKIPPED), ("2027-11-07 01:30", TWICE)]
)
def test_a_page_is_scheduled_with_the_same_sentences(typed, sentence):
    fields = HomePage.get_edit_handler().get_form_class().base_fields
    mistakes = []
    for name in ("go_live_at", "expire_at"):
        with timezone.override(NEW_YORK), pytest.raises(ValidationError) as mistake:
            fields[name].clean(typed)
        mistakes += mistake.value.messages

    assert mistakes == [sentence, sentence]


def at(*parts, fold=0):
    """A moment on the clocks of New York."""
    return datetime(*parts, tzinfo=NEW_YORK, fold=fold)


@pytest.mark.parametrize(
    ("local", "is_there", "is_twice", "written"),
    [
        (at(2027, 3, 14, 2, 0), False, False, None),
        (at(2027, 3, 14, 3, 0), True, False, "3:00 am Eastern"),
        (at(2027, 11, 7, 1, 0), True, True, "1:00 am Eastern (EDT)"),
        (at(2027, 11, 7, 1, 59, fold=1), True, True, "1:59 am Eastern (EST)"),
        (at(2027, 11, 7, 2, 0), True, False, "2:00 am Eastern"),
        (at(2027, 7, 1, 12, 5), True, False, "12:05 pm Eastern"),
        (at(2027, 7, 1, 0, 5), True, False, "12:05 am Eastern"),
    ],
)
def test_what_is_said_of_an_hour(local, is_there, is_twice, written):
    assert (exists(local), comes_twice(local)) == (is_there, is_twice)
    assert written is None or hour_written(local) == written
