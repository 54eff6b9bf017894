"""The accounts app, and the admin's list of people in its own words."""

from django.apps import AppConfig
from wagtail.users.apps import WagtailUsersAppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401, PLC0415 (registers them)


class PeopleAdminConfig(WagtailUsersAppConfig):
    """Wagtail's users app, without passwords."""

    user_viewset = "accounts.wagtail_hooks.PeopleViewSet"
