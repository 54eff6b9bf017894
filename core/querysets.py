"""Questions about what visitors may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from wagtail.models import get_page_models
from wagtail.query import PageQuerySet


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
