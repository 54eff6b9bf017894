"""Addresses that belong to the site as a whole."""

from __future__ import annotations

from django.urls import path
from wagtail.contrib.sitemaps.views import sitemap

from core import views

urlpatterns = [
    path("leave/", views.leave, name="leave"),
    path("healthz", views.alive, name="alive"),
    path("readyz", views.ready, name="ready"),
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", sitemap, name="sitemap"),
    path("media/images/<str:name>", views.picture, name="picture"),
]
