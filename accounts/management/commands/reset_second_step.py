"""Lets one of the staff whose app is lost, or whose seed cannot be read, set up another."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User, normalized_email
from accounts.operations import forget_second_step


class Command(BaseCommand):
    help = "Forgets the second step of EMAIL, who sets up a new one when signing in. Repeatable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        person = User.objects.filter(email=normalized_email(options["email"])).first()
        if person is None:
            raise CommandError("Nobody has this address.")
        had_one = forget_second_step(person)
        self.stdout.write("Forgotten." if had_one else "There was no second step.")
