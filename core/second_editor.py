"""Two editors of one page or snippet.

Wagtail 7.4 refuses the second one's autosave, yet takes her next save, stale fields and all.
Here that save opens the editor again on the newest version with only her own changes in it,
beside what differs; saving once more keeps it. Both versions stay in the history.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import strip_tags
from wagtail.admin import messages
from wagtail.admin.views.pages.edit import EditView as PageEditView
from wagtail.models import Page
from wagtail.snippets.views.snippets import EditView as SnippetEditView

from core.two_editors import THEIRS_STAYS, TOLD, Difference, readable


class SecondEditor:
    """What a view of Wagtail needs to show the newest version with the second editor's changes."""

    request: HttpRequest

    def merged(self, form: Any, *, base: Any, newest: Any, panel: Any) -> list[Difference]:
        """Put what ``form`` changed into ``newest``; tell what had changed there since ``base``."""
        typed = form.save(commit=False)
        hers = {*form.changed_data, *_changed_lists(form)}
        differences = []
        for compare in panel.get_comparison():
            comparison = compare(base, newest)
            name = _name_of(comparison)
            saved = _text(newest, name)
            yours = _text(typed, name) if name in hers else THEIRS_STAYS
            if comparison.has_changed() and saved != yours:
                label = str(comparison.field_label()).capitalize()
                differences.append(Difference(label=label, saved=saved, yours=yours))
        for name in hers:
            if hasattr(newest, name):
                _put(newest, name, typed)
        messages.warning(self.request, TOLD)
        return differences

    def base_of(self, newest: Any) -> Any:
        """The version that she opened; the newest when it is not kept."""
        asked = self.request.POST
        key = asked.get("overwrite_revision_id") or asked.get("loaded_revision_id") or ""
        known = newest.revisions.filter(pk=key).exclude(pk=newest.latest_revision_id or 0)
        revision = known.first() if key.isdecimal() else None
        return revision.as_object() if revision else newest_of(newest)


class SecondPageEditor(SecondEditor, PageEditView):
    """The editor of a page, opened again with both versions in it."""

    def get_template_names(self) -> list[str]:
        """Wagtail's editor of pages asks for no ``template_name``."""
        return ["core/second_page_editor.html"]

    def run_hook(self, *_args: Any, **_kwargs: Any) -> None:
        """None: those before an edit have been asked."""

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        form = self._form(instance=self.base_of(self.page), data=request.POST)
        form.defer_required_fields()
        if self.locked_for_user or not form.is_valid():
            return self._mistakes()
        panel = self.edit_handler.get_bound_panel(instance=self.page, request=request, form=None)
        base = self.base_of(self.page)
        differences = self.merged(form, base=base, newest=self.page, panel=panel)
        self.form, self.has_unsaved_changes = self._form(instance=self.page), True
        return self.render_to_response(self.get_context_data() | {"differences": differences})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"autosave_enabled": False}

    def _mistakes(self) -> HttpResponse:
        """The form as typed; the next save is compared again with what she opened."""
        self.form = self._form(instance=self.page, data=self.request.POST)
        self.page.latest_revision_id = self.request.POST["loaded_revision_id"]
        self.latest_revision_created_at = self.request.POST.get("loaded_revision_created_at", "")
        response: HttpResponse = self.form_invalid(self.form)
        return response

    def _form(self, *, instance: Page, data: Any = None) -> Any:
        return self.form_class(
            data,
            self.request.FILES if data else None,
            instance=instance,
            subscription=self.subscription,
            parent_page=self.parent,
            for_user=self.request.user,
        )


class TwoSnippetEditors(SecondEditor, SnippetEditView):
    """The editor of a snippet, which the second of two people finds opened again."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        stands_alone = self.expects_json_response or self.locked_for_user
        if stands_alone or not self.is_out_of_date or not form.is_valid():
            response: HttpResponse = super().post(request, *args, **kwargs)
            return response
        newest = newest_of(self.object)
        panel = self.panel.get_bound_panel(instance=newest, request=request, form=None)
        typed = self.get_form_class()(
            request.POST, instance=self.base_of(newest), for_user=request.user
        )
        typed.is_valid()
        base = self.base_of(newest)
        differences = self.merged(typed, base=base, newest=newest, panel=panel)
        self.object: Any = newest
        # The class attribute gives way to what the viewset names.
        self.template_name = "core/second_snippet_editor.html"
        self.has_unsaved_changes = True
        self.form = self.get_form_class()(instance=newest, for_user=request.user)
        both = {"differences": differences, "autosave_enabled": False}
        return self.render_to_response(self.get_context_data() | both)


def newest_of(row: Any) -> Any:
    """The newest version of ``row``, untouched by any form."""
    return type(row).objects.get(pk=row.pk).get_latest_revision_as_object()


def is_newer_than_loaded(page: Page, request: HttpRequest) -> bool:
    """Whether somebody has saved ``page`` since the sender of ``request`` opened it."""
    newest = page.latest_revision
    if newest is None or request.method != "POST":
        return False
    if own := request.POST.get("overwrite_revision_id"):
        return bool(own != str(newest.pk))
    loaded = request.POST.get("loaded_revision_id")
    created = request.POST.get("loaded_revision_created_at", "")
    return bool(loaded) and (loaded, created) != (str(newest.pk), newest.created_at.isoformat())


def _changed_lists(form: Any) -> list[str]:
    return [
        name
        for name, formset in form.formsets.items()
        if name != "comments" and formset.has_changed()
    ]


def _name_of(comparison: Any) -> str:
    if comparison.is_child_relation:
        return str(comparison.field.get_accessor_name())
    return str(comparison.field.name)


def _put(newest: Any, name: str, typed: Any) -> None:
    value = getattr(typed, name)
    setattr(newest, name, list(value.all()) if isinstance(value, models.Manager) else value)


def _text(row: Any, name: str) -> str:
    value = getattr(row, name)
    if isinstance(value, models.Manager):
        return readable([_pick(child) for child in value.all()])
    return strip_tags(readable(value))


def _pick(child: models.Model) -> str:
    """What a child row points to."""
    fields = child._meta.concrete_fields  # noqa: SLF001 (Django's documented way)
    named = [field.name for field in fields if field.is_relation and field.name != "page"]
    return ", ".join(str(getattr(child, name)) for name in named)
