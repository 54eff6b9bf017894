"""Letters: who they come from, how they are put together, and what they must never say.

A letter is a file ``templates/letters/<name>.txt`` that extends ``letters/base.txt`` and fills its
blocks ``subject``, ``preheader`` and ``body``. The HTML part is made from the same words, or from
``<name>.html`` where a letter needs more than paragraphs. They are queued and tried by
``core.outbox``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template import Context
from django.template.loader import get_template, select_template

from core import providers
from core.discretion import leak_words_in
from core.models import PracticeSettings

# What belongs to the recipient: a Sexton or an address at partner.example is nobody's leak.
PERSONAL: Final = {"name": "Ann", "email": "ann@example.org"}
NAME_LENGTH: Final = 60
NAME_MARKS: Final = frozenset(" '\u2019-")
HEADED: Final = re.compile(r"Subject: (?P<subject>.*)\nPreheader: (?P<preheader>.*)\n\n")


class LetterNotDiscreet(Exception):
    """A letter would have told whoever glances at it what the practice is about."""


class LetterIncomplete(Exception):
    """A letter's file does not fill the blocks subject and preheader, one line each."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter. Its name is read on locked screens too."""

    name: str
    content: bytes
    mimetype: str


@dataclass(frozen=True)
class Letter:
    """A letter as it would be read."""

    subject: str
    preheader: str
    text: str
    html: str

    def everything(self) -> str:
        """All that a glance could catch."""
        return "\n".join([self.subject, self.preheader, self.text, self.html])


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What makes a second try the same letter: its Message-ID, and the key of the request."""

    message: UUID = field(default_factory=uuid4)
    request: UUID = field(default_factory=uuid4)


def send_letter(
    *,
    to: str,
    template: str,
    context: Mapping[str, object],
    attachments: Iterable[Attachment] = (),
    identity: Identity | None = None,
) -> None:
    """Send ``templates/letters/<template>`` now. ``core.outbox`` calls it from a task.

    ``context`` may hold the recipient's own ``name``, as she typed it.

    Raises:
        LetterNotDiscreet: subject, preheader, body, an attachment's name or the sender leaks.
        LetterIncomplete: the file has no subject or no preheader.
        django.core.exceptions.ValidationError: ``to`` is not an address.
    """
    validate_email(to)
    files = list(attachments)
    sender = sender_line()
    refuse_leaks(compose(template, {**context, **_in_place_of(context)}), sender, files)
    message = _message(compose(template, context), to=to, sender=sender, files=files)
    _send(message, identity or Identity())


def _message(
    letter: Letter, *, to: str, sender: str, files: Iterable[Attachment]
) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=sender,
        to=[to],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    message.attach_alternative(letter.html, "text/html")
    for file in files:
        message.attach(file.name, file.content, file.mimetype)
    return message


def _send(message: EmailMultiAlternatives, identity: Identity) -> None:
    domain = parseaddr(message.from_email)[1].rpartition("@")[2]
    message.extra_headers["Message-ID"] = f"<{identity.message}@{domain}>"
    message.connection = get_connection()
    try:
        providers.name_same_request(message, message.connection, identity.request)
        message.send()
    finally:
        message.connection.close()


def compose(template: str, context: Mapping[str, object]) -> Letter:
    """The letter's subject, preheader and both its parts.

    Raises:
        LetterIncomplete: the file has no subject or no preheader.
    """
    told = {**context, "name": plain_name(str(context.get("name") or "")), "sender": sender_name()}
    source: Any = get_template(f"letters/{template}.txt")
    text = source.template.render(Context(told, autoescape=False))
    headed = HEADED.match(text)
    if headed is None or not all(part.strip() for part in headed.groups()):
        raise LetterIncomplete(template)
    head = {name: part.strip() for name, part in headed.groupdict().items()}
    body = text[headed.end() :].strip() + "\n"
    layout = select_template([f"letters/{template}.html", "letters/plain.html"])
    return Letter(**head, text=body, html=layout.render({**told, **head, "body": body}))


def refuse_leaks(letter: Letter, sender: str, attachments: Iterable[Attachment] = ()) -> None:
    """Let a letter pass that gives nothing away.

    Raises:
        LetterNotDiscreet: with the words that were found, and nothing else of the letter.
    """
    names = "\n".join(attachment.name for attachment in attachments)
    if leaks := leak_words_in("\n".join([letter.everything(), sender, names])):
        raise LetterNotDiscreet(", ".join(leaks))


def sender_name() -> str:
    """The neutral name that letters come from; empty when nobody has set one."""
    chosen = PracticeSettings.objects.values_list("discreet_sender", flat=True).first()
    return plain_name(chosen or parseaddr(settings.DEFAULT_FROM_EMAIL)[0])


def sender_line() -> str:
    """The From header."""
    return formataddr((sender_name(), parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))


def plain_name(name: str) -> str:
    """``name`` with nothing in it that could be a link, a header or a tag, and not too long."""
    letters = "".join(
        mark if unicodedata.category(mark)[0] in "LMN" or mark in NAME_MARKS else " "
        for mark in unicodedata.normalize("NFC", name)
    )
    return " ".join(letters.split())[:NAME_LENGTH].strip()


def _in_place_of(context: Mapping[str, object]) -> dict[str, str]:
    return {key: stand_in for key, stand_in in PERSONAL.items() if key in context}
