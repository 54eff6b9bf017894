"""Addresses of the member area."""

from __future__ import annotations

from django.urls import path

from members import views

urlpatterns = [
    path("", views.today, name="member_today"),
    path("quarters/<slug:slug>/leave/", views.leave, name="member_leave"),
    path("courses/<slug:slug>/", views.lessons, name="member_lessons"),
]
