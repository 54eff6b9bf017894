"""Addresses of enrolling, paying and Stripe's webhook."""

from __future__ import annotations

from django.urls import path

from enrollments import views, webhooks

urlpatterns = [
    path("enroll/<slug:slug>/", views.enroll, name="enroll"),
    path("buy/<slug:slug>/", views.buy, name="buy"),
    path("orders/<uuid:uuid>/", views.order, name="order"),
    path("orders/<uuid:uuid>/pay/", views.pay, name="order_pay"),
    path("orders/<uuid:uuid>/cancel/", views.cancel, name="order_cancel"),
    path("stripe/webhook/", webhooks.stripe_webhook, name="stripe_webhook"),
]
