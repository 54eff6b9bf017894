"""The least an order can be in Django: one POST, one transaction, one locked row, one insert.

No middleware, no page, no form, no Stripe. ``python -m bench.least_order`` makes its tables.
"""

from __future__ import annotations

import os
from typing import ClassVar
from urllib.parse import parse_qs

import django
import environ
from django.apps import apps
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="only-for-measuring",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=["bench"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            **environ.Env().db_url_config(os.environ["DATABASE_URL"]),
            "CONN_MAX_AGE": 60,
        }
    },
)
django.setup()


class Group(models.Model):
    """Something with so many seats."""

    seats = models.PositiveIntegerField()

    objects: ClassVar[models.Manager[Group]] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"{self.seats} seats"


class Sale(models.Model):
    """One seat, sold."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE)
    email = models.EmailField()

    objects: ClassVar[models.Manager[Sale]] = models.Manager()

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return f"Seat in {self.group}"


def ready(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


def answer(word: str, status: int) -> HttpResponse:
    """Without middleware nothing else tells how long it is."""
    return HttpResponse(word, status=status, headers={"Content-Length": str(len(word))})


def sell(request: HttpRequest, group_id: int) -> HttpResponse:
    """One seat of the group, or 409."""
    email = parse_qs(request.body.decode())["email"][0]
    with transaction.atomic():
        group = Group.objects.select_for_update().get(pk=group_id)
        if Sale.objects.filter(group=group).count() >= group.seats:
            return answer("full", 409)
        Sale.objects.create(group=group, email=email)
    return answer("sold", 200)


urlpatterns = [path("", ready), path("<int:group_id>/", sell)]
application = get_wsgi_application()


def make_tables() -> None:
    """Tables, without migrations."""
    with connection.schema_editor() as editor:
        for model in apps.get_app_config("bench").get_models():
            editor.create_model(model)


if __name__ == "__main__":
    make_tables()
