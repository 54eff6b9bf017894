"""Deleting an image or a document: Wagtail asks no hook about it, so these views do."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail.documents.views.documents import DeleteView as DocumentDeleteView
from wagtail.images.views.images import DeleteView as ImageDeleteView

from core.keeping import Deed, reasons_to_keep, refusal


class KeepsWhatIsUsed:
    """A view that deletes ``object``, unless something hangs on it."""

    object: Any
    index_url_name: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if reasons := reasons_to_keep([self.object], Deed.DELETE):
            messages.error(request, refusal([self.object], Deed.DELETE, reasons))
            return redirect(self.index_url_name)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


class DeleteImage(KeepsWhatIsUsed, ImageDeleteView):
    """Wagtail's view, for what nothing uses."""


class DeleteDocument(KeepsWhatIsUsed, DocumentDeleteView):
    """Wagtail's view, for what nothing uses."""
