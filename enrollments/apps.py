"""The enrollments app: quarters, seats, orders, money and access."""

from django.apps import AppConfig
from django.core import checks


class EnrollmentsConfig(AppConfig):
    name = "enrollments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported late: checks need the settings that are being read now.
        from enrollments.checks import payments_are_configured  # noqa: PLC0415

        checks.register(payments_are_configured)
