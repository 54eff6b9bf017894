"""Questions about what visitors may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from wagtail.query import PageQuerySet


class SitePageQuerySet(PageQuerySet):
    """Pages of this site."""

    def shown(self) -> SitePageQuerySet:
        """Published; samples in demo mode only. Pages of this site are never private."""
        pages: SitePageQuerySet = self.live()
        return pages if settings.DEMO_MODE else pages.filter(is_sample=False)


def picked(queryset: Any, keys: Iterable[int | None]) -> list[Any]:
    """What an editor picked and ``queryset`` holds, in the editor's order. One query."""
    order = [key for key in keys if key is not None]
    found = queryset.in_bulk(order) if order else {}
    return [found[key] for key in dict.fromkeys(order) if key in found]
