"""Opens the admin to somebody of the practice."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.operations import open_owner_account


class Command(BaseCommand):
    help = "Gives EMAIL an account that may do everything in the admin. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        email = options["email"].strip()
        try:
            validate_email(email)
        except ValidationError as refusal:
            raise CommandError(f"{email} is not an email address.") from refusal
        person = open_owner_account(email=email)
        self.stdout.write(f"{person.email} may use the admin. A code by email signs in.")
