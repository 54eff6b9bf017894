"""Whatever is typed into a search box is answered, in the same way on every database."""

from __future__ import annotations

from html import unescape
from urllib.parse import quote

import pytest
from modelsearch.query import MATCH_ALL, MATCH_NONE, And, Or, Phrase, PlainText

from core.search import plain, terms_of, words_of
from enrollments.wagtail_hooks import EnrollmentDesks
from tests.factories.enrollments import make_member, make_quarter
from tests.factories.pages import make_faq_item, make_standard_page

pytestmark = pytest.mark.django_db

TYPED = ['"', "can't", " ", "- a", "the", "%_", "a:b", "word " * 200]
WAGTAILS = [
    "/staff/pages/?q=",
    "/staff/pages/{home}/results/?q=",
    "/staff/pages/search/results/?q=",
    "/staff/choose-page/search/?q=",
    "/staff/snippets/programs/faqitem/results/?q=",
    "/staff/snippets/choose/programs/faqitem/results/?q=",
    "/staff/images/results/?q=",
    "/staff/images/chooser/results/?q=",
    "/staff/documents/results/?q=",
    "/staff/documents/chooser/results/?q=",
    "/staff/users/results/?q=",
    "/staff/groups/?q=",
    "/staff/redirects/?q=",
    "/staff/workflows/task_chooser/results/?q=",
    "/staff/tag-autocomplete/?term=",
]
DESKS = [
    f"/staff/{desk.model._meta.app_label}/{desk.model._meta.model_name}/?q="
    for desk in EnrollmentDesks.items
]


@pytest.mark.parametrize("address", [*WAGTAILS, *DESKS])
def test_every_search_box_takes_whatever_is_typed(staff_client, loaded_site, address):
    make_quarter()
    box = address.format(home=loaded_site.pk)

    answers = {typed: staff_client.get(box + quote(typed)).status_code for typed in TYPED}

    assert {typed: status for typed, status in answers.items() if status != 200} == {}


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("re-entry", True),
        ("Re entry", True),
        ("entr", True),
        ('"can\'t"', True),
        ("can\u2019t wait", True),
        ("the", True),
        ("t", True),
        ("- the", True),
        ("caf\u00e9", True),
        ("the missing", False),
        ("NOT the", False),
        ("x", False),
    ],
)
def test_pages_questions_and_choosers_find_the_same_on_every_database(
    staff_client, loaded_site, typed, is_found
):
    words = "The re-entry: why can't I wait at the caf\u00e9?"
    page = make_standard_page(title=words, slug="words")
    question = make_faq_item(question=words)
    lists = {
        f"/staff/pages/{loaded_site.pk}/results/?p=1&q=": page,
        "/staff/pages/search/results/?q=": page,
        "/staff/choose-page/search/?q=": page,
        "/staff/snippets/programs/faqitem/results/?q=": question,
        "/staff/snippets/choose/programs/faqitem/results/?q=": question,
    }

    found = {box: words in unescape(staff_client.get(box + quote(typed)).content.decode())
             for box in lists}  # fmt: skip

    assert found == dict.fromkeys(lists, is_found)


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("ann", True),
        ('"Ann"', True),
        ("\u201cAnn\u201d", True),
        ("O\u2019Brien ann", True),
        ("ann@example.org", True),
        (" ' ", True),
        ("ann eve", False),
    ],
)
def test_people_are_found_by_every_part_of_what_is_typed(staff_client, typed, is_found):
    make_member("ann@example.org", chosen_name="Ann O'Brien")

    page = staff_client.get("/staff/users/results/", {"q": typed}).content.decode()

    assert ("ann@example.org" in page) is is_found


def test_a_search_is_read_as_words():
    assert words_of("  can't re-entry \x00 a_b <b> ") == ["can", "t", "re", "entry", "a", "b", "b"]
    assert words_of("cafe\u0301") == ["caf\u00e9"]
    assert len(words_of("word " * 200)) == 20


def test_a_search_in_columns_keeps_addresses_and_apostrophes():
    assert terms_of(' "ann@example.org" O\u2019Brien \x00 \' ') == ["ann@example.org", "O'Brien"]


def test_only_what_was_typed_is_read_as_words():
    both = And([PlainText("one"), Phrase("two three")])
    either = Or([PlainText("one"), PlainText("two")])

    assert repr(plain(both)) == repr(PlainText("one two three", operator="and"))
    assert plain('"') is MATCH_ALL
    assert plain(either) is either
    assert plain(MATCH_NONE) is MATCH_NONE
