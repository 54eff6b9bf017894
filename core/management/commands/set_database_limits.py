"""Has PostgreSQL itself keep the time limits, where a pooler takes none from the site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection


class Command(BaseCommand):
    """Safe to repeat, and needed again when one of the limits is changed.

    They belong to the role that the site signs in as, in the site's own database, and hold for
    whatever connects from then on: inside a transaction and outside.
    """

    help = "Write DATABASE_LOCK_, _STATEMENT_ and _IDLE_SECONDS into PostgreSQL for this site."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has such limits.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            database = connection.ops.quote_name(cursor.fetchone()[0])
            for name, seconds in settings.DATABASE_LIMITS.items():
                # Not parameters: PostgreSQL takes none here.
                cursor.execute(
                    f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET {name} = '{seconds:d}s'"
                )
                self.stdout.write(f"{name}: {seconds} seconds" if seconds else f"{name}: no limit")
        self.stdout.write(
            "Open connections keep what they had. In PgBouncer: RECONNECT. Then "
            "manage.py check --database default looks at what is in force."
        )
