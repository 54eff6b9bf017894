"""Letters: discreet in every part, whatever the recipient is called."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError

from core import letters
from core.discretion import LEAK_WORDS, leak_words_in
from core.letters import Attachment, LetterIncomplete, LetterNotDiscreet, send_letter
from core.models import PracticeSettings

pytestmark = pytest.mark.django_db

FOLDER = Path(django_settings.BASE_DIR) / "templates/letters"
TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem != "base")

# What any letter may ask for, at its most hostile.
HOSTILE = {
    "name": "<b>Eve</b>\r\nBcc: all@example.org http://evil.example/?a=1 " + "x" * 500,
    "code": "1234 5678",
    "minutes": 15,
    "items": ["Saturday course", "<script>alert(1)</script>"],
    "place": "Saturday course <script>alert(1)</script>",
    "dates": {"begin": datetime(2027, 4, 10, 14, 0, tzinfo=UTC), "zone_name": "Eastern"},
    "amount": "$600",
    "given_back": "$150",
    "date": datetime(2026, 11, 23, 15, 0, tzinfo=UTC),
    "sign_in_url": "https://stillwater.example/account/login/",
    "plan_url": "https://stillwater.example/orders/plan/1/",
    "pay_url": "https://stillwater.example/orders/plan/1/pay/",
    "open_until": datetime(2026, 11, 30, 15, 0, tzinfo=UTC),
    "number": 2,
    "meeting_number": 3,
    "earlier": "Saturday, January 23, 2027, 10:00 am Eastern",
    "present": "Sunday, January 24, 2027, 10:00 am Eastern",
    "note": "Moved for the <script>alert(1)</script> holiday.",
    "until": datetime(2026, 11, 25, 15, 0, tzinfo=UTC),
    "zone_name": "Eastern",
    "offer_url": "https://stillwater.example/waitlist/offer/1/",
    "place_url": "https://stillwater.example/waitlist/place/1/",
    "first_in_line_url": "https://stillwater.example/waitlist/place/1/",
}


@pytest.fixture
def templates(tmp_path, settings):
    """A folder in which a test writes letters: ``templates("bad", subject="...")``."""
    engine = {**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}
    settings.TEMPLATES = [engine]
    (tmp_path / "letters").mkdir()

    def write(name, *, subject="News", preheader="Good ones.", body="Hello {{ name }}"):
        (tmp_path / f"letters/{name}.txt").write_text(
            '{% extends "letters/base.txt" %}'
            f"{{% block subject %}}{subject}{{% endblock %}}"
            f"{{% block preheader %}}{preheader}{{% endblock %}}"
            f"{{% block body %}}{body}{{% endblock %}}"
        )
        return name

    return write


def test_there_are_letters_to_look_at():
    assert {"code", "receipt"} <= set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_is_discreet_whole_and_safe(template, mailoutbox):
    send_letter(to="ann@example.org", template=template, context=HOSTILE)

    letter = mailoutbox[0]
    html, kind = letter.alternatives[0]
    assert kind == "text/html"
    for part in (letter.subject, letter.body, html, letter.from_email):
        assert leak_words_in(part) == []
        assert "evil.example" not in part
        assert "<script>" not in part or part == letter.body
        assert "<b>Eve" not in part
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert letter.to == ["ann@example.org"]
    assert letter.bcc == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_letter_hides_a_preheader_in_its_html(template, mailoutbox):
    send_letter(to="ann@example.org", template=template, context=HOSTILE)
    composed = letters.compose(template, HOSTILE)

    assert len(composed.preheader) >= 10
    assert f'<div class="preheader">{composed.preheader}</div>' in composed.html
    assert ".preheader { display: none;" in composed.html


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_letter_loads_anything_or_identifies_anybody_by_a_link(template):
    html = letters.compose(template, HOSTILE).html

    assert "src=" not in html
    assert "url(" not in html
    assert "?" not in "".join(part.split('"')[0] for part in html.split('href="')[1:])


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_letter_reads_well_without_a_name(template):
    told = letters.compose(template, {**HOSTILE, "name": ""})

    assert told.text.startswith("Hello,\n")


def test_a_name_that_holds_a_leak_word_is_nobodys_leak(mailoutbox):
    send_letter(
        to="sexton@partner.example", template="code", context={**HOSTILE, "name": "Ann Sexton"}
    )

    assert "Hello Ann Sexton," in mailoutbox[0].body


@pytest.mark.parametrize("word", LEAK_WORDS)
@pytest.mark.parametrize("place", ["subject", "preheader", "body"])
def test_a_letter_that_leaks_is_refused(templates, mailoutbox, word, place):
    template = templates("bad", **{place: f"Your {word} news"})

    with pytest.raises(LetterNotDiscreet, match=word):
        send_letter(to="ann@example.org", template=template, context={"name": "Ann"})

    assert mailoutbox == []


def test_what_a_letter_is_about_is_checked_too(mailoutbox):
    with pytest.raises(LetterNotDiscreet, match="heartbreak"):
        send_letter(
            to="ann@example.org",
            template="receipt",
            context={**HOSTILE, "items": ["Facing Heartbreak"]},
        )

    assert mailoutbox == []


def test_the_name_of_an_attachment_is_checked(templates, mailoutbox):
    good, bad = (Attachment(name, b"x", "text/calendar") for name in ("dates.ics", "sex.ics"))
    template = templates("dates")

    send_letter(to="ann@example.org", template=template, context={}, attachments=[good])
    with pytest.raises(LetterNotDiscreet):
        send_letter(to="ann@example.org", template=template, context={}, attachments=[bad])

    assert [letter.attachments[0][0] for letter in mailoutbox] == ["dates.ics"]


def test_the_sender_is_checked(settings, mailoutbox):
    settings.DEFAULT_FROM_EMAIL = "office@therapy.example"

    with pytest.raises(LetterNotDiscreet):
        send_letter(to="ann@example.org", template="code", context=HOSTILE)


def test_a_refusal_repeats_nothing_of_the_letter(templates):
    template = templates("bad", body="Dear partner of Ann")

    with pytest.raises(LetterNotDiscreet) as refusal:
        send_letter(to="ann@example.org", template=template, context={"name": "Ann"})

    assert str(refusal.value) == "partner"


def test_letters_come_from_the_discreet_sender(mailoutbox, settings):
    settings.DEFAULT_FROM_EMAIL = "Somebody <office@stillwater.example>"
    PracticeSettings.objects.update(discreet_sender="Quiet Office")

    send_letter(to="ann@example.org", template="code", context=HOSTILE)

    assert parseaddr(mailoutbox[0].from_email) == ("Quiet Office", "office@stillwater.example")


def test_letters_go_out_before_anybody_has_set_a_sender(mailoutbox, settings):
    settings.DEFAULT_FROM_EMAIL = "Stillwater <office@stillwater.example>"
    PracticeSettings.objects.all().delete()

    send_letter(to="ann@example.org", template="code", context=HOSTILE)

    assert parseaddr(mailoutbox[0].from_email) == ("Stillwater", "office@stillwater.example")


@pytest.mark.parametrize(
    "address",
    ["ann@example.org\nBcc: eve@example.org", "ann", "", "a@b@c", "ann@example.org,e@x.y"],
)
def test_what_is_no_address_gets_no_letter(address, mailoutbox):
    with pytest.raises(ValidationError):
        send_letter(to=address, template="code", context=HOSTILE)

    assert mailoutbox == []


def test_a_line_break_in_what_a_subject_names_is_refused(templates, mailoutbox):
    template = templates("bad", subject="About {{ item }}")

    with pytest.raises(LetterIncomplete):
        send_letter(
            to="ann@example.org", template=template, context={"item": "x\nBcc: eve@example.org"}
        )

    assert mailoutbox == []


@pytest.mark.parametrize("empty", ["subject", "preheader"])
def test_a_letter_without_subject_or_preheader_is_not_sent(templates, empty):
    with pytest.raises(LetterIncomplete):
        send_letter(to="ann@example.org", template=templates("bad", **{empty: ""}), context={})


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Ann", "Ann"),
        ("  Ann \t Marie ", "Ann Marie"),
        ("Zoë O'Neil-Díaz", "Zoë O'Neil-Díaz"),
        ("ソフィア", "ソフィア"),
        ("Ann http://evil.example/x", "Ann http evil example x"),
        ("Ann\r\nBcc: eve@x.y", "Ann Bcc eve x y"),
        ("<img src=x>", "img src x"),
        ("\u202eann\u200b", "ann"),
        ("x" * 61, "x" * 60),
        ("", ""),
    ],
)
def test_a_name_is_written_plainly(typed, read):
    assert letters.plain_name(typed) == read
