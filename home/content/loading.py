"""One run of the loader: finds by key, creates what is missing, counts both."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from django.conf import settings
from django.db import models
from wagtail.models import Page

from core.models import SitePage
from programs.models import FAQItem

PageType = TypeVar("PageType", bound=SitePage)


class Loading:
    """What one run has found and created. New pages get their first revision in ``finish``."""

    def __init__(self, descriptions: dict[str, str]) -> None:
        self._descriptions = descriptions
        self.created: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._new: list[SitePage] = []

    def page(self, parent: Page, page: PageType) -> PageType:
        """The page with this key, or ``page`` itself as a new child of ``parent``."""
        found: PageType | None = type(page).objects.filter(key=page.key).first()
        if found:
            self._count(self.kept, found)
            return found
        sample = page.holds_samples() and not settings.DEMO_MODE
        page.live = page.live and parent.live and not sample
        page.search_description = self._descriptions.get(page.key or "", "")
        parent.add_child(instance=page)
        self._new.append(page)
        self._count(self.created, page)
        return page

    def faq_item(self, item: FAQItem) -> FAQItem:
        """The question with this key, or ``item`` itself, published."""
        found = FAQItem.objects.filter(key=item.key).first()
        if found:
            self._count(self.kept, found)
            return found
        item.live = False
        item.save()
        item.save_revision().publish()
        self._count(self.created, item)
        return FAQItem.objects.get(pk=item.pk)

    def is_new(self, page: SitePage) -> bool:
        """Whether this run created the page and may still add to it."""
        return any(page is new for new in self._new)

    def finish(self) -> None:
        """Give each new page its first revision, published unless the page is a draft."""
        for page in self._new:
            revision = page.save_revision()
            if page.live:
                revision.publish()

    def settled(self, setting: models.Model, changes: dict[str, object]) -> None:
        """Fill in settings that nobody has touched yet."""
        untouched = all(
            field.get_default() == getattr(setting, field.attname)
            or (not field.has_default() and not getattr(setting, field.attname))
            for field in setting._meta.concrete_fields  # noqa: SLF001 (Django's public Meta)
            if not field.primary_key
        )
        if not untouched:
            self._count(self.kept, setting)
            return
        for name, value in changes.items():
            setattr(setting, name, value)
        setting.full_clean()
        setting.save()
        self._count(self.created, setting)

    def summary(self) -> list[str]:
        """One line per kind of content."""
        kinds = sorted({*self.created, *self.kept})
        return [f"{kind}: {self.created[kind]} created, {self.kept[kind]} kept" for kind in kinds]

    def _count(self, counter: Counter[str], thing: models.Model) -> None:
        counter[str(thing._meta.verbose_name)] += 1  # noqa: SLF001 (Django's public Meta)
