"""Publishing and taking down on schedule, in the place of Wagtail's command of this name.

Wagtail's publishes first what an outage has made late, and takes it down with its next run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from wagtail.models import DraftStateMixin, Page, Revision

from core import page_cache
from core.keeping import Deed, reasons_to_keep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Safe to run twice. What cannot be published keeps nothing else from it."""

    help = "Publish and take down pages and questions whose moment has come."

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        over = [row for kind in _kinds() for row in _ended(kind, now)]
        late = Revision.objects.filter(approved_go_live_at__lt=now).order_by("approved_go_live_at")
        due = [*((_take_down, row) for row in over), *((_publish, revision) for revision in late)]
        failed = [f"{type(row).__name__} {row.pk}" for change, row in due if not _done(change, row)]
        if failed:
            raise CommandError(f"not published or taken down: {', '.join(failed)}")


def _done(change: Callable[[Any], None], row: Any) -> bool:
    try:
        with transaction.atomic():
            change(row)
    except Exception:
        logger.exception("%s %s failed on schedule", type(row).__name__, row.pk)
        return False
    return True


def _kinds() -> list[Any]:
    others = [
        kind
        for kind in apps.get_models()
        if issubclass(kind, DraftStateMixin) and not issubclass(kind, Page)
    ]
    return [Page, *others]


def _ended(kind: Any, now: datetime) -> list[Any]:
    return list(kind.objects.filter(live=True, expire_at__lt=now).order_by("expire_at"))


def _take_down(row: Any) -> None:
    """Unpublish ``row``, unless something hangs on it: then it stays, and staff see it."""
    if not reasons_to_keep([row], Deed.UNPUBLISH):
        row.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
        transaction.on_commit(page_cache.evict)


def _publish(revision: Revision) -> None:
    """Publish ``revision``; if its end has passed too, it never appears."""
    if not _is_over(revision):
        revision.publish(log_action="wagtail.publish.scheduled")
        transaction.on_commit(page_cache.evict)
        return
    revision.approved_go_live_at = None
    revision.save(update_fields=["approved_go_live_at"])
    row = revision.content_object
    if row.live:
        _take_down(row)
    else:
        type(row).objects.filter(pk=row.pk).update(expired=True)


def _is_over(revision: Revision) -> bool:
    ends = parse_datetime(revision.content.get("expire_at") or "")
    return ends is not None and ends < timezone.now()
