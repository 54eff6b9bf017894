"""The core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import checks, email_checks  # noqa: F401, PLC0415 (registers them)
        from core.local_moments import register_for_every_form  # noqa: PLC0415 (needs models)
        from core.uploads import protect_uploads  # noqa: PLC0415 (needs every app)

        register_for_every_form()
        protect_uploads()
