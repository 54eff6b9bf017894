"""Where letters can be read in development, which sends none: it writes them into a folder."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Final

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

# What Django's file backend writes after each letter.
RULE: Final = b"-" * 79 + b"\n"


@dataclass(frozen=True)
class WrittenLetter:
    """One letter in the folder."""

    key: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def sender(self) -> str:
        return str(self.message["From"])

    @property
    def to(self) -> str:
        return str(self.message["To"])

    @property
    def sent_at(self) -> datetime:
        # Written in UTC, without saying so.
        moment: datetime = self.message["Date"].datetime
        return moment.replace(tzinfo=moment.tzinfo or UTC)

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""


@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    """All letters, newest first. The page loads itself again every few seconds."""
    written = sorted(written_letters(), key=lambda letter: letter.sent_at, reverse=True)
    page = render(request, "core/dev_letters.html", {"letters": written})
    page["Refresh"] = "5"
    return page


@require_safe
@csp_update({"frame-src": ["'self'"]})  # type: ignore[arg-type]
def letter(request: HttpRequest, key: str) -> HttpResponse:
    """One letter, as text and as it would look."""
    return render(request, "core/dev_letter.html", {"letter": letter_at(key)})


@require_safe
@xframe_options_sameorigin
def letter_html(request: HttpRequest, key: str) -> HttpResponse:  # noqa: ARG001
    """The HTML part alone, for a frame that runs nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return HttpResponse(letter_at(key).html, headers={"Content-Security-Policy": policy})


def letter_at(key: str) -> WrittenLetter:
    """The letter with this key.

    Raises:
        Http404: there is none.
    """
    for written in written_letters():
        if written.key == key:
            return written
    raise Http404


def written_letters() -> Iterator[WrittenLetter]:
    """Every letter in the folder; a file may hold several."""
    for file in sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log")):
        for number, source in enumerate(file.read_bytes().split(RULE)):
            message = email.message_from_bytes(source, policy=modern)
            # Without a date it is still being written.
            if message["Date"]:
                yield WrittenLetter(key=f"{file.stem}-{number}", message=message)
