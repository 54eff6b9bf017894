"""Leaving, health, what robots are told, and what is said when something fails."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from email.utils import parseaddr
from pathlib import PurePath
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Case, F, Min, When
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django_tasks_db.models import DBTaskResult

from core import client_address
from core.email_settings import are_proven
from core.leaving import PLAIN_PAGE, end_session, erase_traces
from core.middleware import PRIVATE
from core.models import OutgoingEmail, PracticeSettings
from core.outbox import KEEP_TRYING

logger = logging.getLogger(__name__)

LATE: Final = timedelta(minutes=15)
# By then whoever kept us waiting is done, or was cut off.
RETRY_AFTER_SECONDS: Final = 5
# Where Wagtail keeps what it makes of an uploaded picture.
RENDITIONS: Final = "images"
PICTURE_TYPES: Final = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
YEAR_SECONDS: Final = 31_536_000
ITS_OWN_FIELD: Final = "csrfmiddlewaretoken"
NEEDED: Final = ("database", "migrations")


@csrf_exempt
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out, take every trace away and go somewhere plain.

    A link does it, without a script, a form or a token: somebody else could make her sign out by
    it, which costs her a code; a token that fails could cost her far more.
    """
    end_session(request)
    return erase_traces(request, HttpResponseRedirect(_plain_page()))


def _plain_page() -> str:
    try:
        chosen = PracticeSettings.objects.values_list("leave_url", flat=True).first()
    except Error:
        return PLAIN_PAGE
    return chosen or PLAIN_PAGE


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """This process answers. No database, or a slow one would have every process restarted."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whether requests should be sent here: 503 until database and migrations are there.

    A cache that fails only makes the site slower. A queue that stands still, emails that cannot be
    sent, email settings that nobody has tried, and proxies that are not as counted, are so for
    every process, and taking all of them away would close the site as well. So these are told and
    do not fail.
    """
    state = {"database": _database(), "cache": _cache(), "proxies": _proxies()}
    if state["database"] == "ok":
        state |= {"migrations": _migrations(), "tasks": _tasks(), "emails": _emails()}
    is_ready = all(state.get(part) == "ok" for part in NEEDED)
    return JsonResponse(state, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "down"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _cache() -> str:
    sent = uuid4().hex
    try:
        cache.set(f"ready:{sent}", sent, timeout=10)
        came_back = cache.get(f"ready:{sent}") == sent
        cache.delete(f"ready:{sent}")
    except Exception as trouble:  # noqa: BLE001 (every cache has errors of its own)
        logger.warning("The cache fails: %s", type(trouble).__name__)
        return "down"
    return "ok" if came_back else "down"


def _proxies() -> str:
    """Whether their count fitted what arrived in the last hour."""
    misfit = client_address.latest_misfit()
    return misfit.value if misfit else "ok"


def _tasks() -> str:
    """How long the task that has been due for longest has waited, and how many were given up."""
    now = timezone.now()
    due = Case(When(run_after__lte=now, then=F("run_after")), default=F("enqueued_at"))
    since = DBTaskResult.objects.ready().aggregate(since=Min(due))["since"] or now
    if now - since > LATE:
        logger.warning("The oldest task has waited %d s", (now - since).total_seconds())
        return f"late: {(now - since).total_seconds():.0f} s"
    given_up = DBTaskResult.objects.failed().filter(enqueued_at__lte=now - KEEP_TRYING).count()
    return f"given up: {given_up}" if given_up else "ok"


def _emails() -> str:
    """Whether emails go out; ``not proven``: none has, since the settings changed."""
    late = OutgoingEmail.objects.late(LATE, timezone.now()).count()
    if late:
        logger.warning("%d emails have waited for more than %d s", late, LATE.total_seconds())
        return f"late: {late}"
    return "ok" if are_proven() else "not proven"


def nothing_here(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Takes the place of an address that a library brings and nobody should find.

    Raises:
        Http404: always.
    """
    raise Http404


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponseBase:  # noqa: ARG001
    """A picture in one of the sizes that pages show. Its name is never used for another one.

    Raises:
        Http404: there is none. What was uploaded stands in another folder and is never served.
    """
    kind = PICTURE_TYPES.get(PurePath(name).suffix.lower())
    try:
        content = default_storage.open(f"{RENDITIONS}/{name}") if kind else None
    except (OSError, SuspiciousFileOperation):
        content = None
    if content is None:
        raise Http404
    headers = {"Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable"}
    return FileResponse(content, content_type=kind, headers=headers)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """What search engines leave alone, and where they find the rest."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE), ""]
    lines.append(f"Sitemap: {settings.BASE_URL}/sitemap.xml")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


def server_error(request: HttpRequest) -> HttpResponse:
    """What is shown when a view failed; 503 when the database was busy or away for a moment."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return _busy(request)
    page = get_template("500.html").render({"name": _name_without_database()})
    return HttpResponse(page, status=500)


def _name_without_database() -> str:
    """What letters come from, as the environment names it; the settings may be out of reach."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[0]


def _busy(request: HttpRequest) -> HttpResponse:
    """Stands on nothing but its own template, and gives back what was typed to be sent again."""
    given = _typed(request)
    context: dict[str, object] = {
        "name": _name_without_database(),
        "typed": given,
        "address": request.get_full_path(),
    }
    if given:
        context["csrf_token"] = get_token(request)
    page = get_template("503.html").render(context)
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form of ours; none of a form that may be somebody else's, and no files."""
    is_ours = getattr(request, "csrf_processing_done", False)
    if request.method != "POST" or not is_ours or request.FILES:
        return []
    fields = request.POST.lists()
    return [(name, value) for name, values in fields for value in values if name != ITS_OWN_FIELD]
