"""Stripe's one door into this site: verify, translate, delegate, answer."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from enrollments import stripe_gateway
from enrollments.operations import inbox

logger = logging.getLogger(__name__)

# Far above any event of Stripe's, far below what would hurt.
LARGEST_BODY = 512 * 1024


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 when done or not for us, 400 when not Stripe's, 500 or 503 when Stripe should repeat."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("an event arrived, but no webhook secret is configured")
        return HttpResponse(status=503)
    try:
        event = stripe_gateway.read_webhook(
            payload=_body(request), signature=request.headers.get("Stripe-Signature", "")
        )
    except stripe_gateway.UntrustedWebhook as error:
        logger.warning("an event was refused: %s", error)
        return HttpResponseBadRequest()
    try:
        inbox.receive(event)
    except inbox.HandlingFailed:
        return HttpResponse(status=500)
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise stripe_gateway.UntrustedWebhook("size")
    return request.body
