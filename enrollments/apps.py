"""The enrollments app: quarters, seats, orders, money and access."""

from django.apps import AppConfig
from django.core import checks


class EnrollmentsConfig(AppConfig):
    name = "enrollments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported late: checks need the settings that are being read now.
        from enrollments.checks import (  # noqa: PLC0415
            order_limits_can_be_read,
            payments_are_configured,
        )

        checks.register(payments_are_configured)
        checks.register(order_limits_can_be_read)
