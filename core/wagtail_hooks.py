"""The admin: nothing sample is published in bulk outside demo mode. Text: how it links to pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail import hooks
from wagtail.models import Page
from wagtail.rich_text.feature_registry import FeatureRegistry
from wagtail.rich_text.pages import PageLinkHandler

from core.models import SAMPLE_REFUSAL, SitePage
from core.second_editor import SecondPageEditor, is_newer_than_loaded


class PageLinks(PageLinkHandler):
    """Links to pages inside text. The address of a page needs only its tree row: one query."""

    @classmethod
    def get_many(cls, attrs_list: list[dict[str, str]]) -> list[Page | None]:
        found = Page.objects.in_bulk([attrs["id"] for attrs in attrs_list])
        return [found.get(int(attrs["id"])) for attrs in attrs_list]


@hooks.register("register_rich_text_features", order=10)
def link_pages_in_one_query(features: FeatureRegistry) -> None:
    """Take the place of Wagtail's own links to pages."""
    features.register_link_type(PageLinks)


@hooks.register("before_edit_page")
def tell_the_second_editor(request: HttpRequest, page: Page) -> HttpResponse | None:
    """Show both versions instead of saving over one that the editor has not seen."""
    wants_json = request.headers.get("Accept", "").startswith("application/json")
    if wants_json or not is_newer_than_loaded(page, request):
        return None
    return SecondPageEditor.as_view()(request, page.pk)


@hooks.register("before_bulk_action")
def refuse_samples_in_bulk(
    request: HttpRequest, action_type: str, objects: Iterable[Any], action: Any
) -> HttpResponse | None:
    """Send the editor back when a bulk publication would take a sample along."""
    if action_type != "publish" or settings.DEMO_MODE or request.method != "POST":
        return None
    samples = [page.title for page in objects if isinstance(page, Page) and _holds_samples(page)]
    if not samples:
        return None
    messages.error(request, f"{', '.join(samples)}: {SAMPLE_REFUSAL}")
    return redirect(action.next_url)


def _holds_samples(page: Page) -> bool:
    own = page.get_latest_revision_as_object()
    return isinstance(own, SitePage) and own.holds_samples()
