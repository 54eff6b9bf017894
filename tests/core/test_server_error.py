"""When something fails: what a visitor reads, and what becomes of what she typed."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError
from django.test import RequestFactory

from core.views import server_error

TYPED = {"chosen_name": "Ann <3", "csrfmiddlewaretoken": "x"}


def answer_to(request, error: Exception):
    """What a request is answered whose view raised ``error``."""
    try:
        raise error
    except type(error):
        return server_error(request)


def form_of_ours(**fields: object):
    request = RequestFactory().post("/enroll/x/?from=y", TYPED | fields)
    # What the CSRF check leaves behind when it lets a form pass.
    request.csrf_processing_done = True
    return request


@pytest.mark.parametrize("error", [OperationalError("too late"), InterfaceError("cut")])
def test_a_busy_database_is_a_moment_to_wait_and_what_was_typed_is_kept(error):
    answer = answer_to(form_of_ours(), error)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = answer.content.decode()
    assert 'action="/enroll/x/?from=y"' in page
    assert '<input type="hidden" name="chosen_name" value="Ann &lt;3">' in page
    assert page.count('name="csrfmiddlewaretoken"') == 1


def test_a_form_of_somebody_elses_site_is_not_offered_to_be_sent_again():
    foreign = RequestFactory().post("/enroll/x/", TYPED)

    page = answer_to(foreign, OperationalError()).content.decode()

    assert "<form" not in page
    assert 'href="/enroll/x/"' in page


def test_a_form_with_a_file_is_not_sent_again_without_it():
    request = form_of_ours(picture=SimpleUploadedFile("a.png", b"png"))

    page = answer_to(request, OperationalError()).content.decode()

    assert "<form" not in page


def test_any_other_mistake_is_ours_and_says_so():
    answer = answer_to(form_of_ours(), KeyError("x"))

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


@pytest.mark.parametrize("error", [KeyError("x"), OperationalError("too late")])
def test_who_we_are_and_whom_to_call_stand_there_without_the_database(settings, error):
    settings.DEFAULT_FROM_EMAIL = "Still Water <office@practice.example>"

    page = answer_to(form_of_ours(), error).content.decode()

    assert '<span class="site-header__name">Still Water</span>' in page
    assert [
        call for call in ("tel:911", "tel:988", "sms:988", "/contact/") if call not in page
    ] == []
    assert "office@practice.example" not in page
