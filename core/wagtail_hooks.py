"""The admin: samples in bulk, proxies that are not as counted. Text: how it links to pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail.models import Page
from wagtail.rich_text.feature_registry import FeatureRegistry
from wagtail.rich_text.pages import PageLinkHandler

from core.client_address import Misfit, latest_misfit
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


class ProxiesNotAsCounted(Component):
    """How the count of proxies differs from what arrives, in words."""

    order = 60
    template_name = "wagtailadmin/core/proxies.html"
    MEANINGS: ClassVar[dict[Misfit, str]] = {
        Misfit.TOO_HIGH: "Requests pass fewer proxies of ours than are counted, or one whose "
        "public address TRUSTED_PROXIES does not name.",
        Misfit.TOO_LOW: "Requests pass more proxies of ours than are counted.",
        Misfit.NOTHING_FORWARDED: "Proxies are counted, but requests arrive without "
        "X-Forwarded-For.",
    }

    def __init__(self, misfit: Misfit) -> None:
        self.misfit = misfit

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/desks.css"]}

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:  # noqa: ARG002 (Wagtail's)
        return {"count": settings.TRUSTED_PROXY_COUNT, "meaning": self.MEANINGS[self.misfit]}


@hooks.register("construct_homepage_panels")
def tell_that_proxies_are_not_as_counted(request: HttpRequest, panels: list[Component]) -> None:
    """A panel for whoever may do everything, while the count does not fit what arrives."""
    misfit = latest_misfit()
    if misfit and getattr(request.user, "is_superuser", False):
        panels.append(ProxiesNotAsCounted(misfit))


@hooks.register("register_permissions")
def offer_to_delete_uploads() -> QuerySet[Permission]:
    """Groups may be given what ``core.uploads`` asks for."""
    return Permission.objects.filter(
        content_type__app_label__in=["wagtailimages", "wagtaildocs"],
        codename__in=["delete_image", "delete_document"],
    )


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
