"""Send one email with the settings of now, and remember that it went out."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core import providers
from core.email_settings import note_success
from core.letters import LetterNotDiscreet, send_letter
from core.models import OutgoingEmail


class Command(BaseCommand):
    """Run it after each change of the email settings: a wrong token is found only by sending."""

    help = "Send a test email to ADDRESS and remember that these settings work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *_args: Any, address: str, **_options: Any) -> None:
        try:
            send_letter(to=address, template="test", context={})
        except ValidationError:
            raise CommandError("That is not an email address.") from None
        except LetterNotDiscreet as leak:
            raise CommandError(f"The email would tell what it is about: {leak}") from None
        except providers.TROUBLE as trouble:
            reason = OutgoingEmail.Reason(providers.reason_for(trouble))
            raise CommandError(f"{reason.label}.\n{type(trouble).__name__}: {trouble}") from None
        note_success(now=timezone.now())
        self.stdout.write("Sent. Look whether it has arrived, and in which folder.")
