"""Addresses of development: included by development settings only, so production answers 404."""

from __future__ import annotations

from django.urls import path

from core import dev_views

urlpatterns = [
    path("letters/", dev_views.letters, name="dev_letters"),
    path("letters/<str:key>/", dev_views.letter, name="dev_letter"),
    path("letters/<str:key>/html/", dev_views.letter_html, name="dev_letter_html"),
]
