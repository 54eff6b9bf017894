"""The one list of words that give a member away."""

import pytest
from django.core.exceptions import ValidationError

from core.discretion import (
    LEAK_WORDS,
    leak_words_in,
    validate_discreet,
    validate_discreet_address,
)


@pytest.mark.parametrize("word", LEAK_WORDS)
def test_every_word_of_the_list_is_found_inside_longer_words_and_in_capitals(word):
    assert leak_words_in(f"MY{word.upper()}X course") == [word]


def test_several_words_are_told_in_the_order_of_the_list():
    assert leak_words_in("Recovery for partners of sex addicts") == [
        "addict",
        "sex",
        "partner",
        "recovery",
    ]


@pytest.mark.parametrize("name", ["Saturday course", "Video course", "STILLWATER PRACTICE", ""])
def test_a_neutral_name_holds_no_such_word(name):
    assert leak_words_in(name) == []


@pytest.mark.parametrize("place", ["Essex Street 4", "Middlesex County", "SUSSEX"])
def test_places_that_hold_a_word_by_accident_are_innocent(place):
    assert leak_words_in(place) == []


@pytest.mark.parametrize("trick", ["s\u00adex", "s\u200bex", "Essex sex"])
def test_invisible_characters_and_innocent_company_hide_nothing(trick):
    assert leak_words_in(trick) == ["sex"]


def test_a_discreet_name_that_leaks_is_refused_with_the_words_to_leave_out():
    with pytest.raises(ValidationError) as refusal:
        validate_discreet("Partner recovery group")

    (message,) = refusal.value.messages
    assert message.endswith("Please leave out: partner, recovery.")


def test_a_neutral_discreet_name_is_accepted():
    assert validate_discreet("Saturday course") is None


def test_an_address_may_carry_the_name_of_the_program_but_no_clinical_word():
    assert validate_discreet_address("facing-heartbreak") is None
    with pytest.raises(ValidationError):
        validate_discreet_address("am-i-a-sex-addict")
