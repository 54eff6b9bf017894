"""What every desk shares: safe lists, readable pages about one row, permissions.

A list takes only the filters it declares: an address with any other lookup would let staff guess
at columns that are not theirs to read, letter by letter.
"""

# ruff: noqa: ARG002 (hooks of Wagtail and Django keep their signatures)

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Final

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import label_for_field, quote, unquote
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, re_path
from wagtail.admin import messages
from wagtail_modeladmin.helpers import ButtonHelper, DjangoORMSearchHandler, PermissionHelper
from wagtail_modeladmin.options import ModelAdmin
from wagtail_modeladmin.views import HistoryView, IndexView, InspectView, InstanceSpecificView

from accounts.models import User
from core.search import terms_of
from enrollments.desks.wording import NOTHING, when
from enrollments.errors import Refusal

# How the numbers that people are given begin: see ``wording.order_number``.
NUMBER: Final = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
NOWHERE: Final = Q(pk__in=[])


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of a page about one thing; ``empty`` is said when there are none."""

    columns: list[str]
    rows: list[list[object]]
    empty: str

    def labelled_rows(self) -> list[list[tuple[str, object]]]:
        """Each cell with the name of its column, which narrow screens show beside it."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page about one thing: labelled values, a table, or both."""

    heading: str
    facts: list[tuple[str, object]] = field(default_factory=list)
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """A button of a page: what it leads to, or what a POST to it does."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a person should know about a row, above all else; ``done`` says that she did it."""

    title: str
    text: str
    done: Link | None = None
    # Nothing is wrong: it only has to be waited for.
    is_calm: bool = False


class KnownChoicesFilter(SimpleListFilter):
    """A filter whose unknown values filter nothing.

    ``lookup`` is what a value is compared with, ``offered`` the values with their names.
    """

    lookup = ""
    offered: Sequence[tuple[str, str]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return self.offered

    def value(self) -> str | None:
        """The chosen value, if it is one of those offered."""
        value: str | None = super().value()
        return value if value in dict(self.lookup_choices) else None

    def has_output(self) -> bool:
        """One choice is none."""
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.lookup: self.value()}) if self.value() else queryset


class DeskSearch(DjangoORMSearchHandler):
    """Search that survives anything typed: every part of it stands in one of the columns.

    A name or an address may hold it anywhere. A number begins with it, and is not guessed from a
    few signs: every second one holds some of them.
    """

    def search_queryset(
        self, queryset: QuerySet[Any], search_term: str, **kwargs: Any
    ) -> QuerySet[Any]:
        terms = terms_of(search_term) if self.search_fields else []
        for term in terms:
            queryset = queryset.filter(self.any_of(term))
        return queryset.distinct() if terms else queryset

    def any_of(self, term: str) -> Q:
        """Where ``term`` may stand."""
        return reduce(or_, (self._stands_in(field, term) for field in self.search_fields), NOWHERE)

    def _stands_in(self, field: str, term: str) -> Q:
        column = field.rpartition("__")[2]
        if column == "uuid":
            number = term.removeprefix("#")
            return Q(**{f"{field}__istartswith": number}) if NUMBER.match(number) else NOWHERE
        at = "istartswith" if column == "id" or column.endswith("_id") else "icontains"
        return Q(**{f"{field}__{at}": term})


class DeskIndexView(IndexView):
    """A list that takes the filters it declares, and no other lookup."""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        declared = {list_filter.parameter_name for list_filter in self.list_filter}
        given: dict[str, Any] = super().get_filters_params(params)
        return {name: values for name, values in given.items() if name in declared}

    def is_narrowed(self) -> bool:
        """Whether the list was searched or filtered."""
        return bool(self.query or any(spec.value() for spec in self.filter_specs))

    def get_buttons_for_obj(self, obj: Model) -> list[dict[str, Any]]:
        """What can be done with a row; its first column leads to its page."""
        buttons: list[dict[str, Any]] = self.button_helper.get_buttons_for_obj(
            obj, exclude=["inspect"], classnames_add=["button-small"]
        )
        return buttons


class DeskInspectView(InspectView):
    """A page about one row, in the sections that its desk gives."""

    def get_page_title(self) -> str:
        return str(self.verbose_name).capitalize()

    def get_meta_title(self) -> str:
        """Without a name: titles stay in the history of the browser."""
        return self.get_page_title()

    def get_page_subtitle(self) -> str:
        return str(self.model_admin.name_of(self.instance))

    def get_fields_dict(self) -> list[dict[str, object]]:
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(
            sections=self.model_admin.sections(self.instance, self.request.user),
            notice=self.model_admin.notice(self.instance, self.request.user),
            actions=self.model_admin.actions(self.instance, self.request.user),
            history_url=self.model_admin.history_url(self.instance),
            **kwargs,
        )
        return context


class DeskHistoryView(HistoryView):
    """Who changed a row, for those who may see the row."""

    def check_action_permitted(self, user: User) -> bool:
        return bool(self.permission_helper.user_can_list(user))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["changes"] = Table(
            columns=["What", "Who", "When"],
            rows=[
                [entry.message, entry.user_display_name, when(entry.timestamp)]
                for entry in context["object_list"]
            ],
            empty="Nothing has been changed yet.",
        )
        return context


class RowView(InstanceSpecificView):
    """A page on which something is done with one row. ``button`` names it."""

    button = ""

    def get_page_title(self) -> str:
        return self.button

    @property
    def back_url(self) -> str:
        """The page about the row."""
        return str(self.url_helper.get_action_url("inspect", self.pk_quoted))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(
            **{"back_url": self.back_url, "row_name": self.row_name()} | kwargs
        )
        return context

    def row_name(self) -> str:
        """What the row is called."""
        return str(self.model_admin.name_of(self.instance))


class AskFirstView(RowView):
    """Asks (GET), then does something with a row (POST) through an operation."""

    question = ""
    consequence = ""
    done = ""
    refusal_title = "This is not possible"

    def get_template_names(self) -> list[str]:
        return ["modeladmin/enrollments/confirm.html"]

    def reasons(self) -> list[str]:
        """What stands in the way now."""
        return []

    def consequences(self) -> list[str]:
        """What will happen, a sentence each."""
        return [self.consequence]

    def change(self) -> None:
        """Run the operation."""
        raise NotImplementedError

    def carry_out(self) -> None:
        """Run the operation, with whatever belongs to it."""
        self.change()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if "reasons" not in kwargs:
            kwargs["reasons"] = self.reasons()
        return super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.carry_out()
        except Refusal as refusal:
            reasons = getattr(refusal, "reasons", [refusal.sentence])
            return self.render_to_response(self.get_context_data(reasons=reasons))
        messages.success(request, self.done_message())
        return redirect(self.back_url)

    def done_message(self) -> str:
        """What was done, said on the page about the row."""
        return f"{self.row_name()}: {self.done}"


class OwnPermissions(PermissionHelper):
    """Groups are offered those of ``offered``; each of them lets its holder look."""

    offered: ClassVar[tuple[str, ...]] = ()

    def get_all_model_permissions(self) -> QuerySet[Permission]:
        permissions: QuerySet[Permission] = super().get_all_model_permissions()
        return permissions.filter(
            codename__in=[self.get_perm_codename(action) for action in self.offered]
        )


class ReadOnly(OwnPermissions):
    """Staff may look, with the permission to view; nobody may add, change or delete."""

    offered: ClassVar[tuple[str, ...]] = ("view",)

    def user_can_create(self, user: User) -> bool:
        return False

    def user_can_edit_obj(self, user: User, obj: Model) -> bool:
        return False

    def user_can_delete_obj(self, user: User, obj: Model) -> bool:
        return False


class LookAndDecide(ReadOnly):
    """Staff look with the permission to view; with the one to change they act on what they see.

    What a row says was agreed with somebody, or comes from elsewhere: nobody types over it.
    """

    offered = ("view", "change")


class EditOnly(PermissionHelper):
    """What exists may be changed; nothing is added or deleted."""

    def user_can_create(self, user: User) -> bool:
        return False

    def user_can_delete_obj(self, user: User, obj: Model) -> bool:
        return False


class NeverDeleted(PermissionHelper):
    """Rows are added and changed, and stay."""

    def user_can_delete_obj(self, user: User, obj: Model) -> bool:
        return False


class DeskButtons(ButtonHelper):
    """``View`` says what it does; the first column leads there."""

    def inspect_button(self, pk: object, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().inspect_button(pk, *args, **kwargs), "label": "View", "title": "View"}

    def get_primary_button(self, obj: Model) -> dict[str, Any] | None:
        if self.permission_helper.user_can_inspect_obj(self.request.user, obj):
            return self.inspect_button(obj.pk)
        button: dict[str, Any] | None = super().get_primary_button(obj)
        return button


class Desk(ModelAdmin):
    """A list and a page about each row. ``empty_text`` is said when there is nothing at all."""

    index_view_class = DeskIndexView
    inspect_view_class = DeskInspectView
    inspect_view_enabled = True
    history_view_enabled = False
    history_view_class = DeskHistoryView
    permission_helper_class = ReadOnly
    button_helper_class = DeskButtons
    search_handler_class = DeskSearch
    list_per_page = 50
    index_view_extra_css: ClassVar[list[str]] = ["css/desks.css"]
    inspect_view_extra_css: ClassVar[list[str]] = ["css/desks.css"]
    form_view_extra_css: ClassVar[list[str]] = ["css/desks.css"]
    empty_value_display = NOTHING
    search_label = "Search"
    intro = ""
    empty_text = ""
    # Views of one row, each by the word that its address begins with.
    action_views: ClassVar[dict[str, Any]] = {}

    def name_of(self, row: Any) -> str:
        """What the page about ``row`` is called."""
        return str(row)

    def notice(self, row: Any, user: User) -> Notice | None:
        """What a person should do about ``row``, if anything."""
        return None

    def actions(self, row: Any, user: User) -> list[Link]:
        """What ``user`` may do with ``row`` from its page, beside the usual buttons."""
        return []

    def history_url(self, row: Model) -> str:
        """Where the changes of ``row`` are listed, if they are."""
        if not self.history_view_enabled:
            return ""
        return str(self.url_helper.get_action_url("history", quote(row.pk)))

    def sections(self, row: Any, user: User) -> Iterable[Section]:
        """The page about ``row``, as ``user`` may see it."""
        return []

    def get_extra_attrs_for_field_col(self, obj: Any, field_name: str) -> dict[str, str]:
        """The name of the column, which narrow screens show beside the value."""
        if field_name == self.list_display[0]:
            return {}
        return {"data-label": str(label_for_field(field_name, self.model, self)).capitalize()}

    def get_admin_urls_for_registration(self) -> tuple[URLPattern, ...]:
        urls: tuple[URLPattern, ...] = super().get_admin_urls_for_registration()
        return (*urls, *(self._action_url(a, v) for a, v in self.action_views.items()))

    def _action_url(self, action: str, view_class: Any) -> URLPattern:
        def view(request: HttpRequest, instance_pk: str) -> HttpResponse:
            key = self.known_key(instance_pk)
            response: HttpResponse = view_class.as_view(model_admin=self, instance_pk=key)(request)
            return response

        helper = self.url_helper
        return re_path(
            helper.get_action_url_pattern(action), view, name=helper.get_action_url_name(action)
        )

    def register_indexing(self) -> None:
        """Nothing here: the app registers what refers to pages, whatever process saves it."""

    def inspect_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        return super().inspect_view(request, self.known_key(instance_pk))

    def edit_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        return super().edit_view(request, self.known_key(instance_pk))

    def delete_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        return super().delete_view(request, self.known_key(instance_pk))

    def history_view(self, request: HttpRequest, instance_pk: str) -> HttpResponse:
        return super().history_view(request, self.known_key(instance_pk))

    def known_key(self, key: str) -> str:
        """``key`` as it came in an address.

        Raises:
            Http404: it cannot be a key of this table.
        """
        try:
            self.opts.pk.to_python(unquote(key))
        except ValidationError as mistake:
            raise Http404 from mistake
        return key
