"""Load the practice's content."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from home.content.load import load, read


class Command(BaseCommand):
    """Idempotent: what exists is left as it is, what is missing is created."""

    help = "Load the practice's content; what exists is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=Path,
            default=settings.BASE_DIR / "content/practice.yaml",
            help="The content; without it, content/practice.yaml.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        # Wagtail logs a line for each page; the summary below says it in twenty.
        logging.getLogger("wagtail").setLevel(logging.WARNING)
        for line in load(read(options["file"])).summary():
            self.stdout.write(line)
