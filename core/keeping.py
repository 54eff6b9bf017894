"""What hangs on a page, a question, an image or a document, and what therefore may not be done.

Every way of losing content asks one function, ``reasons_to_keep``: the admin's pages and lists,
and what is taken down on schedule. Each app answers for what it owns, through the hook
``what_hangs_on``: a function of the rows and the deed that gives sentences. docs/content-guards.md
says in words what is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from wagtail import hooks
from wagtail.contrib.settings.models import BaseGenericSetting
from wagtail.models import DraftStateMixin, Page, ReferenceIndex, RevisionMixin, Site

HOOK = "what_hangs_on"
FIRST_PAGE = "It is the first page of the site, which everything else stands below."


class Deed(StrEnum):
    """What is to be done, as it stands in a sentence."""

    DELETE = "deleted"
    UNPUBLISH = "unpublished"
    MOVE = "moved"


def reasons_to_keep(rows: Iterable[Model], deed: Deed) -> list[str]:
    """Why none of ``rows`` may be ``deed``, a sentence for each thing that hangs on one of them.

    What is deleted or moved takes the pages below it along; what is unpublished takes its aliases.
    """
    affected = list(_affected(rows, deed))
    sentences = [said for ask in hooks.get_hooks(HOOK) for said in ask(affected, deed)]
    return list(dict.fromkeys(sentences))


def refusal(rows: Sequence[Model], deed: Deed, reasons: Iterable[str]) -> str:
    """What an editor reads instead of the deed."""
    names = ", ".join(f"“{name_of(row)}”" for row in rows)
    return f"{names} cannot be {deed}. {' '.join(reasons)}"


def what_content_hangs_on(rows: Sequence[Model], deed: Deed) -> Iterator[str]:
    """The site itself, and whatever is shown or linked to elsewhere."""
    pages = [row.pk for row in rows if isinstance(row, Page)]
    if Site.objects.filter(root_page__in=pages).exists():
        yield FIRST_PAGE
    if deed is Deed.DELETE:
        yield from _uses(rows)
        yield from _uses_in_drafts(rows)


def _affected(rows: Iterable[Model], deed: Deed) -> Iterator[Model]:
    for row in rows:
        yield row
        if isinstance(row, Page):
            yield from row.aliases.all() if deed is Deed.UNPUBLISH else row.get_descendants()


def _uses(rows: Sequence[Model]) -> Iterator[str]:
    references = ReferenceIndex.objects.filter(_to(rows))
    for source, _ in references.group_by_source_object():
        if _is_content(source) and not _is_among(source, rows):
            yield f"“{name_of(source)}” uses it."


def _uses_in_drafts(rows: Sequence[Model]) -> Iterator[str]:
    """The index knows what is published; a draft is looked through here."""
    wanted = {(_base_type(row).pk, str(row.pk)) for row in rows}
    for source in _drafts():
        found = ReferenceIndex._extract_references_from_object(source)  # noqa: SLF001
        if not _is_among(source, rows) and any(tuple(each[:2]) in wanted for each in found):
            yield f"A draft of “{name_of(source)}” uses it."


def _drafts() -> Iterator[Any]:
    kinds = [Page, *(kind for kind in ReferenceIndex.indexed_models if _keeps_drafts(kind))]
    for kind in kinds:
        for row in kind._default_manager.filter(has_unpublished_changes=True):  # noqa: SLF001
            yield row.get_latest_revision_as_object()


def _keeps_drafts(kind: type[Model]) -> bool:
    return issubclass(kind, DraftStateMixin) and not issubclass(kind, Page)


def _to(rows: Iterable[Model]) -> Q:
    by_type: dict[int, list[str]] = {}
    for row in rows:
        by_type.setdefault(_base_type(row).pk, []).append(str(row.pk))
    found = Q(pk__in=[])
    for kind, keys in by_type.items():
        found |= Q(to_content_type=kind, to_object_id__in=keys)
    return found


def _base_type(row: Model) -> ContentType:
    kind: ContentType = ReferenceIndex._get_base_content_type(row)  # noqa: SLF001
    return kind


def _is_content(source: Model) -> bool:
    """Whether editors see it; what else is stored answers for itself."""
    return isinstance(source, (RevisionMixin, BaseGenericSetting))


def _is_among(source: Model, rows: Iterable[Model]) -> bool:
    if not isinstance(source, Page):
        return source in rows
    return source.pk in {row.pk for row in rows if isinstance(row, Page)}


def name_of(row: Any) -> str:
    """What editors call it."""
    return str(row.get_admin_display_title()) if isinstance(row, Page) else str(row)
