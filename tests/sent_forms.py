"""What a browser would send of a form, as it stands on a page of the admin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Model
from django.utils import timezone
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.blocks import StreamValue, StructValue
from wagtail.rich_text import RichText
from wagtail.test.utils.form_data import rich_text


def fields_of(response: Any) -> dict[str, object]:
    """The fields of the form on a page, with its streams as the editor's scripts build them."""
    return shown_in(response.context["form"])


def shown_in(form: forms.BaseForm) -> dict[str, object]:
    """The fields of ``form``."""
    return {
        name: value
        for field in form.fields
        for name, value in _sent(field, _in_widget(form[field]))
    }


def _in_widget(field: forms.BoundField) -> Any:
    value = field.value()
    is_rich = isinstance(field.field.widget, DraftailRichTextArea)
    return field.field.widget.format_value(value) if is_rich and "{" not in value else value


def _sent(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, StreamValue):
        yield f"{name}-count", len(value)
        for number, child in enumerate(value):
            at = f"{name}-{number}"
            yield from ((f"{at}-type", child.block_type), (f"{at}-order", number))
            yield from ((f"{at}-id", child.id or ""), (f"{at}-deleted", ""))
            yield from _sent(f"{at}-value", child.value)
    elif isinstance(value, StructValue):
        for key, part in value.items():
            yield from _sent(f"{name}-{key}", part)
    elif value is not False and value is not None:
        yield name, _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = timezone.localtime(value) if timezone.is_aware(value) else value
        return moment.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return [getattr(each, "pk", each) for each in value]
    if isinstance(value, Model):
        return value.pk
    return rich_text(value.source) if isinstance(value, RichText) else value


def opened_editor(source: Any, url: str = "") -> dict[str, object]:
    """The editor of a page or a snippet: at ``url`` for a browser, or on a page it was given."""
    response = source.get(url) if url else source
    form, html = response.context["form"], response.content.decode()
    sent = shown_in(form)
    for name, formset in form.formsets.items():
        sent |= {f"{name}-TOTAL_FORMS": len(formset.forms)}
        sent |= {f"{name}-INITIAL_FORMS": formset.initial_form_count()}
        for row in formset.forms:
            sent |= {f"{row.prefix}-{key}": value for key, value in shown_in(row).items()}
            sent |= {f"{row.prefix}-id": row.instance.pk or ""}
    hidden = re.findall(r'name="(loaded_revision_[a-z_]+)" value="([^"]*)"', html)
    return sent | dict(hidden)
