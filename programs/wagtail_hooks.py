"""The desk of questions and answers in the admin."""

from __future__ import annotations

from typing import ClassVar

from wagtail.admin.ui.tables import Column, UpdatedAtColumn
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from core.second_editor import TwoSnippetEditors
from programs.models import FAQItem


class FAQItemViewSet(SnippetViewSet):
    """Questions and answers, with what of them was worked out."""

    model = FAQItem
    edit_view_class = TwoSnippetEditors
    icon = "help"
    menu_label = "Questions"
    menu_order = 250
    add_to_admin_menu = True
    list_display: ClassVar[list[str | Column]] = [
        "question",
        "topic",
        Column("inferred", label="Marks", accessor="inferred"),
        "sort_order",
        UpdatedAtColumn(),
    ]
    list_filter: ClassVar[list[str]] = ["topic", "question_inferred", "live"]


register_snippet(FAQItemViewSet)
