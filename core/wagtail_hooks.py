"""The admin: what may not be done to content, and what staff should know. Text: links to pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail import hooks
from wagtail.admin.ui.components import Component
from wagtail.admin.views.pages.bulk_actions.delete import DeleteBulkAction
from wagtail.models import Page
from wagtail.rich_text.feature_registry import FeatureRegistry
from wagtail.rich_text.pages import PageLinkHandler

from core.addresses import keep_old_addresses
from core.client_address import Misfit, latest_misfit
from core.keeping import HOOK, Deed, reasons_to_keep, refusal, what_content_hangs_on
from core.kept_files import DeleteDocument, DeleteImage
from core.models import SAMPLE_REFUSAL, FailedStep, SitePage
from core.second_editor import SecondPageEditor, is_newer_than_loaded

BULK_DEEDS = {"delete": Deed.DELETE, "unpublish": Deed.UNPUBLISH, "move": Deed.MOVE}
# What is due is done each minute; what is still published then stays on purpose.
A_TICK = timedelta(minutes=3)


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


@hooks.register("insert_global_admin_css")
def style_the_admin() -> SafeString:
    """What Wagtail's own pages lack."""
    return format_html('<link rel="stylesheet" href="{}">', static("css/admin.css"))


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


# --- what hangs on content --------------------------------------------------------------------

hooks.register(HOOK, what_content_hangs_on)


@hooks.register("before_delete_page")
def keep_page(request: HttpRequest, page: Page) -> HttpResponse | None:
    """Refuse to delete what something hangs on, before it is even asked about."""
    return _refused(request, [page], Deed.DELETE, _list_around(page))


@hooks.register("before_unpublish_page")
def keep_published(request: HttpRequest, page: Page) -> HttpResponse | None:
    """Refuse to take down what something hangs on."""
    below = request.POST.get("include_descendants")
    pages = [page, *(page.get_descendants().live() if below else [])]
    return _refused(request, pages, Deed.UNPUBLISH, _list_around(page))


@hooks.register("before_move_page")
def keep_in_place(request: HttpRequest, page: Page, destination: Page) -> HttpResponse | None:
    """Refuse to move what something hangs on; remember the address of what is moved."""
    page.address_before = page.url_path
    if page.get_parent().pk == destination.pk:
        return None
    return _refused(request, [page], Deed.MOVE, _list_around(page))


@hooks.register("after_move_page")
def lead_from_old_addresses(request: HttpRequest, page: Page) -> None:  # noqa: ARG001 (Wagtail's)
    """Unpublished pages below it keep their old addresses, too."""
    keep_old_addresses(page, page.address_before)


@hooks.register("before_delete_snippet")
def keep_snippets(request: HttpRequest, snippets: Iterable[Any]) -> HttpResponse | None:
    """Refuse to delete what a page uses, one or many."""
    rows = list(snippets)
    back = reverse(rows[0].snippet_viewset.get_url_name("list")) if rows else ""
    return _refused(request, rows, Deed.DELETE, back)


@hooks.register("before_bulk_action")
def keep_in_bulk(
    request: HttpRequest, action_type: str, objects: Iterable[Any], action: Any
) -> HttpResponse | None:
    """Refuse a bulk deed as a whole when something hangs on one of ``objects``."""
    deed = BULK_DEEDS.get(action_type)
    rows = [row for row in objects if not isinstance(row, AbstractBaseUser)]
    if deed is None or request.method != "POST" or not rows:
        return None
    asked = action.cleaned_form.cleaned_data
    pages = [row for row in rows if isinstance(row, Page)]
    if deed is Deed.MOVE:
        for page in pages:
            page.address_before = page.url_path
        rows = [page for page in pages if page.get_parent().pk != asked["chooser"].pk]
    if asked.get("include_descendants"):
        rows += [below for page in pages for below in page.get_descendants().live()]
    return _refused(request, rows, deed, action.next_url)


@hooks.register("register_bulk_action", order=10)
class DeletePages(DeleteBulkAction):
    """In the place of Wagtail's own, which asks no hook about what a plain row protects."""

    def prepare_action(self, objects: Sequence[Page], objects_without_access: Any) -> Any:
        refused = _refused(self.request, objects, Deed.DELETE, self.next_url)
        return refused or super().prepare_action(objects, objects_without_access)


@hooks.register("after_bulk_action")
def lead_from_old_addresses_in_bulk(
    request: HttpRequest,  # noqa: ARG001 (Wagtail's)
    action_type: str,
    objects: Iterable[Any],
    action: Any,  # noqa: ARG001
) -> None:
    """As after the move of one page."""
    if action_type == "move":
        for page in objects:
            keep_old_addresses(page, page.address_before)


@hooks.register("register_admin_urls", order=-10)
def ask_before_files_are_deleted() -> list[URLPattern]:
    """In the place of Wagtail's own: it asks no hook about images and documents."""
    return [
        path("images/<int:image_id>/delete/", DeleteImage.as_view()),
        path("documents/delete/<int:document_id>/", DeleteDocument.as_view()),
    ]


def _refused(
    request: HttpRequest, rows: Sequence[Model], deed: Deed, back: str
) -> HttpResponse | None:
    blamed = [(row, reasons_to_keep([row], deed)) for row in rows]
    kept = [(row, reasons) for row, reasons in blamed if reasons]
    for row, reasons in kept:
        messages.error(request, refusal([row], deed, reasons))
    return redirect(back) if kept else None


def _list_around(page: Page) -> str:
    return reverse("wagtailadmin_explore", args=[page.get_parent().pk])


class WhatFailed(Component):
    """What the site should have done by itself, and what stays published against its schedule."""

    order = 40
    template_name = "wagtailadmin/core/what_failed.html"

    def __init__(self, steps: Sequence[FailedStep], kept: Sequence[Page]) -> None:
        self.steps, self.kept = steps, kept

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["css/desks.css"]}

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:  # noqa: ARG002 (Wagtail's)
        return {"steps": self.steps, "kept": self.kept}


@hooks.register("construct_homepage_panels")
def show_what_failed(request: HttpRequest, panels: list[Component]) -> None:  # noqa: ARG001
    """A panel on the admin's home page, while there is something to say."""
    steps = list(FailedStep.objects.all())
    kept = list(Page.objects.filter(live=True, expire_at__lt=timezone.now() - A_TICK))
    if steps or kept:
        panels.append(WhatFailed(steps, kept))
