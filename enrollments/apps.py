"""The enrollments app, and the admin's list of people, whose addresses its rows carry."""

from django.apps import AppConfig
from django.core import checks
from wagtail.users.apps import WagtailUsersAppConfig


class EnrollmentsConfig(AppConfig):
    name = "enrollments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from wagtail.models import ReferenceIndex  # noqa: PLC0415

        from enrollments import emails  # noqa: F401, PLC0415 (registers them)

        # Imported late: checks need the settings that are being read now.
        from enrollments.checks import (  # noqa: PLC0415
            order_limits_can_be_read,
            payments_are_configured,
        )
        from enrollments.models import (  # noqa: PLC0415
            BundlePrice,
            Meeting,
            Quarter,
        )

        # What refers to pages, so that "referenced 3 times" is true; nothing about a person.
        for model in (BundlePrice, Meeting, Quarter):
            ReferenceIndex.register_model(model)
        checks.register(payments_are_configured)
        checks.register(order_limits_can_be_read)


class PeopleAdminConfig(WagtailUsersAppConfig):
    """Wagtail's users app, without passwords."""

    user_viewset = "enrollments.desks.people.PeopleDesk"
