"""Questions about what visitors may see, and about emails on their way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from wagtail.models import get_page_models
from wagtail.query import PageQuerySet

if TYPE_CHECKING:
    # Named in quotes below.
    from core.models import OutgoingEmail  # noqa: F401

# The provider is away, or does not know us: the next email will fare the same.
PROVIDER_AWAY = ("unreachable", "no_access", "not_set_up")


class SitePageQuerySet(PageQuerySet):
    """Pages of this site."""

    def shown(self) -> SitePageQuerySet:
        """Published; samples in demo mode only. Pages of this site are never private."""
        pages: SitePageQuerySet = self.live()
        return pages if settings.DEMO_MODE else pages.filter(is_sample=False)


def sample_pages(keys: Iterable[int]) -> set[int]:
    """Which of these pages are marked Sample. One query."""
    chosen = list(keys)
    kinds = [
        model.objects.filter(pk__in=chosen, is_sample=True).order_by().values_list("pk")
        for model in get_page_models()
        if hasattr(model, "is_sample")
    ]
    return {key for (key,) in kinds[0].union(*kinds[1:])} if chosen else set()


def picked(picks: Any, name: str) -> list[Any]:
    """What an editor picked as ``name`` and visitors may see, in her order, each once. One query.

    ``picks`` is the relation to the picks; unsaved ones, as in a preview, count too.
    """
    things = dict.fromkeys(getattr(pick, name) for pick in picks.select_related(name))
    return [thing for thing in things if thing is not None and thing.live and _may_be_seen(thing)]


def _may_be_seen(thing: Any) -> bool:
    return settings.DEMO_MODE or not getattr(thing, "is_sample", False)


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    """Emails on their way."""

    def due_for(self, wait: timedelta, now: datetime) -> OutgoingEmailQuerySet:
        """Those that should have been tried ``wait`` ago, and that no worker has in hand."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=now)
        return self.filter(free, state="queued", next_try_at__lte=now - wait)

    def waiting_for_provider(self, now: datetime) -> OutgoingEmailQuerySet:
        """Those that are tried later because the provider could take nothing."""
        return self.filter(state="queued", reason__in=PROVIDER_AWAY, next_try_at__gt=now)

    def late(self, wait: timedelta, now: datetime) -> OutgoingEmailQuerySet:
        """Those that should have gone out ``wait`` ago, and have not."""
        return self.filter(state="queued", trying_since__lte=now - wait)
