"""Reading letters in development."""

from __future__ import annotations

from importlib import reload

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives, get_connection
from django.urls import Resolver404, resolve

import config.urls

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings):
    settings.EMAIL_FILE_PATH = tmp_path / "letters"
    return settings.EMAIL_FILE_PATH


@pytest.fixture
def write(folder):
    """Letters as the file backend writes them; those of one call share a file."""

    def write_letters(*subjects: str) -> None:
        messages = []
        for subject in subjects:
            message = EmailMultiAlternatives(
                subject, f"Text of {subject}: é", "Stillwater <o@x.example>", ["ann@example.org"]
            )
            message.attach_alternative(f"<p>Looks of {subject}: é</p>", "text/html")
            messages.append(message)
        get_connection("django.core.mail.backends.filebased.EmailBackend").send_messages(messages)

    return write_letters


def test_an_empty_folder_says_what_to_do(client, folder):
    page = client.get("/dev/letters/").content.decode()

    assert "No letter has been written yet." in page


def test_letters_are_listed_with_newest_first(client, write):
    with time_machine.travel(1_000_000_000):
        write("Older")
    with time_machine.travel(1_000_000_100):
        write("Newer", "Same file")

    letters = client.get("/dev/letters/").context["letters"]

    assert [letter.subject for letter in letters] == ["Newer", "Same file", "Older"]
    assert letters[0].to == "ann@example.org"


def test_the_list_looks_for_new_letters_by_itself(client, folder):
    assert client.get("/dev/letters/")["Refresh"] == "5"


def test_a_letter_shows_its_text_and_its_looks(client, write):
    write("Your code")
    key = client.get("/dev/letters/").context["letters"][0].key

    page = client.get(f"/dev/letters/{key}/")
    looks = client.get(f"/dev/letters/{key}/html/")

    assert "Text of Your code: é" in page.content.decode()
    assert 'sandbox title="' in page.content.decode()
    assert looks.content.decode().strip() == "<p>Looks of Your code: é</p>"
    assert looks["Content-Security-Policy"].startswith("default-src 'none'")
    assert looks["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_what_a_letter_says_runs_nowhere(client, write):
    write("<script>alert(1)</script>")
    key = client.get("/dev/letters/").context["letters"][0].key

    for address in ("/dev/letters/", f"/dev/letters/{key}/"):
        assert "<script>alert" not in client.get(address).content.decode()


@pytest.mark.parametrize("key", ["nothing", "..%2F..%2Fetc%2Fpasswd", "x-0"])
def test_a_letter_that_does_not_exist_is_not_found(client, folder, key):
    assert client.get(f"/dev/letters/{key}/").status_code == 404
    assert client.get(f"/dev/letters/{key}/html/").status_code == 404


def test_a_letter_that_is_still_being_written_is_left_alone(client, folder):
    folder.mkdir(parents=True)
    (folder / "now.log").write_bytes(b"Content-Type: text/plain\nSubj")

    assert list(client.get("/dev/letters/").context["letters"]) == []


def test_production_has_no_such_address(settings):
    settings.DEVELOPMENT = False
    try:
        reload(config.urls)
        with pytest.raises(Resolver404):
            resolve("/dev/letters/", urlconf=tuple(config.urls.urlpatterns[:-1]))
    finally:
        settings.DEVELOPMENT = True
        reload(config.urls)
