"""Make, or check, what has to stand at Stripe before anything is sold."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from enrollments import stripe_gateway
from enrollments.operations.inbox import HANDLED
from enrollments.stripe_gateway import Endpoint, GatewayError, NoSuchObject


class Command(BaseCommand):
    """Prints what to put into the environment and stores nothing: secrets are not for tables."""

    help = "Create and check the webhook endpoint and the portal configuration at Stripe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if unready")

    def handle(self, *_args: Any, **options: Any) -> None:
        set_up = self._check if options["check"] else self._make
        try:
            set_up()
        except GatewayError as error:
            raise CommandError(f"Stripe could not be asked: {error}") from error

    def _make(self) -> None:
        url = settings.BASE_URL + reverse("stripe_webhook")
        endpoint = stripe_gateway.find_endpoint(url)
        if endpoint is None:
            made = stripe_gateway.create_endpoint(url, events=HANDLED)
            self.stdout.write(f"webhook endpoint made: {made.endpoint_id}")
            self.stdout.write(f"STRIPE_WEBHOOK_SECRETS={made.secret}")
        elif _endpoint_problems(endpoint):
            stripe_gateway.update_endpoint(endpoint.endpoint_id, events=HANDLED)
            self.stdout.write(f"webhook endpoint put right: {endpoint.endpoint_id}")
        else:
            self.stdout.write(f"webhook endpoint is right: {endpoint.endpoint_id}")
        if settings.STRIPE_PORTAL_CONFIGURATION:
            self._say("portal configuration", _portal_problems())
        else:
            portal = stripe_gateway.create_portal(settings.BASE_URL + "/member/")
            self.stdout.write(f"STRIPE_PORTAL_CONFIGURATION={portal}")

    def _check(self) -> None:
        endpoint = stripe_gateway.find_endpoint(settings.BASE_URL + reverse("stripe_webhook"))
        missing = ["there is none"] if endpoint is None else _endpoint_problems(endpoint)
        self._say("webhook endpoint", missing)
        self._say("portal configuration", _portal_problems())
        if missing or _portal_problems():
            raise CommandError("Not ready. Run it without --check.")

    def _say(self, what: str, problems: list[str]) -> None:
        self.stdout.write(f"{what}: {'; '.join(problems) or 'as it should be'}")


def _endpoint_problems(endpoint: Endpoint) -> list[str]:
    problems = [] if endpoint.is_enabled else ["it is switched off"]
    if missing := set(HANDLED) - endpoint.events - ({"*"} & endpoint.events and set(HANDLED)):
        problems.append(f"not told about {', '.join(sorted(missing))}")
    if endpoint.api_version not in ("", stripe_gateway.API_VERSION):
        problems.append(f"it speaks version {endpoint.api_version}; make a new one")
    return problems


def _portal_problems() -> list[str]:
    if not settings.STRIPE_PORTAL_CONFIGURATION:
        return ["STRIPE_PORTAL_CONFIGURATION is not set"]
    try:
        return stripe_gateway.portal_problems(settings.STRIPE_PORTAL_CONFIGURATION)
    except NoSuchObject:
        return ["Stripe does not know STRIPE_PORTAL_CONFIGURATION"]
