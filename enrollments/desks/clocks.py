"""Forms on the clocks of a quarter, wherever the member of staff sits."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone


class OnClocksOf:
    """A view whose form is read and shown in ``form_zone()``."""

    def form_zone(self, request: HttpRequest) -> ZoneInfo:
        """The zone of every time in the form."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with timezone.override(self.form_zone(request)):
            response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            if isinstance(response, TemplateResponse):
                response.render()
            return response
