"""Addresses of enrolling, paying and Stripe's webhook."""

from __future__ import annotations

from django.urls import path

from enrollments import webhooks
from enrollments.views import buying, orders, plans, waitlist

urlpatterns = [
    path("enroll/<slug:slug>/", buying.enroll, name="enroll"),
    path("buy/<slug:slug>/", buying.buy, name="buy"),
    path("orders/<uuid:uuid>/", orders.order, name="order"),
    path("orders/<uuid:uuid>/pay/", orders.pay, name="order_pay"),
    path("orders/<uuid:uuid>/cancel/", orders.cancel, name="order_cancel"),
    path("orders/plan/<uuid:uuid>/", plans.plan, name="plan"),
    path("orders/plan/<uuid:uuid>/card/", plans.portal, name="plan_portal"),
    path("orders/plan/<uuid:uuid>/pay/", plans.pay, name="plan_pay"),
    path("waitlist/<slug:slug>/", waitlist.join, name="waitlist"),
    path("waitlist/<slug:slug>/joined/", waitlist.joined, name="waitlist_joined"),
    path("waitlist/offer/<uuid:uuid>/", waitlist.offer, name="waitlist_offer"),
    path("waitlist/place/<uuid:uuid>/", waitlist.place, name="waitlist_place"),
    path("waitlist/again/<uuid:uuid>/", waitlist.again, name="waitlist_again"),
    path("stripe/webhook/", webhooks.stripe_webhook, name="stripe_webhook"),
]
