"""The components that forms and pages are made of."""

from __future__ import annotations

import pytest
from django import forms
from django.template.loader import render_to_string
from justhtml import JustHTML

from core.templatetags.components import dollars
from tests.templates.markup import read_part


class Question(forms.Form):
    """A form with one field of each kind."""

    called = forms.CharField(label="What may we call you?", help_text="Any name you choose.")
    joins_by = forms.ChoiceField(
        choices=[("video", "Video"), ("phone", "Phone")], widget=forms.RadioSelect
    )
    is_adult = forms.BooleanField(label="I am 18 or older")


def field(name: str, **context: object) -> JustHTML:
    form = Question({"called": ""})
    return read_part(render_to_string("components/field.html", {"field": form[name], **context}))


def test_a_field_names_its_help_and_its_error_to_screen_readers():
    html = field("called")

    box = html.query("input")[0]
    named = box.attrs["aria-describedby"].split()

    assert html.query("label")[0].attrs["for"] == box.attrs["id"]
    assert [html.query(f"#{name}")[0].to_text().strip() for name in named] == [
        "Any name you choose.",
        "This field is required.",
    ]


def test_choices_stand_in_a_fieldset_with_a_legend():
    html = field("joins_by")

    assert html.query("fieldset legend")[0].to_text() == "Joins by"
    assert len(html.query("fieldset input")) == 2


def test_a_tick_box_stands_before_its_label():
    html = field("is_adult")

    assert html.query(".field__tick label")[0].to_text() == "I am 18 or older"


def test_a_field_says_why_it_is_asked():
    html = field("called", why="The group sees only this.")

    assert html.query("details summary")[0].to_text() == "Why we ask"
    assert html.query("details p")[0].to_text() == "The group sees only this."


def test_the_summary_of_mistakes_links_to_each_field():
    source = render_to_string("components/error_summary.html", {"form": Question({})})

    html = read_part(source)
    targets = [link.attrs["href"] for link in html.query("a")]

    assert html.query("h2")[0].to_text() == "Please fix 3 things"
    assert targets == ["#id_called", "#id_joins_by", "#id_is_adult"]


def test_a_form_without_mistakes_has_no_summary():
    valid = Question({"called": "Ann", "joins_by": "phone", "is_adult": "on"})

    source = render_to_string("components/error_summary.html", {"form": valid})

    assert source.strip() == ""


@pytest.mark.parametrize("tone", ["", "warning", "error", "done"])
def test_a_notice_says_its_tone_in_words(tone):
    words = {
        "": "Good to know:",
        "warning": "Please note:",
        "error": "Something to fix:",
        "done": "Done:",
    }

    source = render_to_string("components/notice.html", {"text": "Saved.", "tone": tone})

    assert read_part(source).query(".notice__label")[0].to_text() == words[tone]


def test_text_in_a_notice_is_escaped():
    source = render_to_string("components/notice.html", {"text": "<b>Ann</b>"})

    assert "&lt;b&gt;Ann&lt;/b&gt;" in source


def test_a_sample_testimonial_does_not_pretend_to_be_speech():
    source = render_to_string(
        "components/testimonial.html", {"text": "A place for words.", "is_sample": True}
    )

    html = read_part(source)

    assert html.query(".sample-tag")[0].to_text() == "Sample, not a real person"
    assert html.query("blockquote") == []


def test_a_testimonial_without_a_name_is_by_a_group_member():
    source = render_to_string("components/testimonial.html", {"text": "It helped.", "year": 2026})

    assert read_part(source).query("figcaption")[0].to_text() == "A group member, 2026"


@pytest.mark.parametrize(
    ("cents", "written"), [(49900, "$499"), (49950, "$499.50"), (109_700, "$1,097"), (0, "$0")]
)
def test_an_amount_is_written_as_people_write_it(cents, written):
    assert dollars(cents) == written
