"""Panels of the editors' forms."""

from __future__ import annotations

from typing import Any

from wagtail.admin.panels import HelpPanel


class InferredNotice(HelpPanel):
    """Says what of a question and answer was worked out; nothing once an editor has checked it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"template": "programs/inferred_notice.html"} | options)

    class BoundPanel(HelpPanel.BoundPanel):
        def is_shown(self) -> bool:
            return bool(self.instance.inferred())
