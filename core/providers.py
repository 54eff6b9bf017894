"""Mail providers: what their refusals mean, and what each can and cannot promise.

Measured with django-anymail 15.2 (``tests/core/test_providers.py``) and read in the providers' own
manuals.
"""

from __future__ import annotations

import smtplib
from typing import Any, Final
from uuid import UUID

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
)
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives

# Anymail's errors, SMTP's own, a provider that cannot be reached or is not set up.
TROUBLE: Final = (
    AnymailAPIError,
    AnymailRecipientsRefused,
    ImproperlyConfigured,
    smtplib.SMTPException,
    OSError,
)
NotAnAddress: Final = AnymailInvalidAddress

# They know no switch for it in a message, so it is switched off there, by the owner.
WHERE_TRACKING_IS_SWITCHED_OFF: Final = {
    "amazon_ses": "SES counts through a configuration set only: name none, or one whose event "
    "destinations leave out opens and clicks.",
    "brevo": "In Brevo's settings of transactional email, switch off the tracking of opens and "
    "clicks.",
    "mailtrap": "In Mailtrap, at Sending Domains, your domain, Tracking Settings, switch off open "
    "and click tracking.",
    "postal": "In Postal, at the mail server's Domains, have no tracking domain.",
    "resend": "In Resend, at Domains, your domain, Configuration, switch off open and click "
    "tracking.",
    "scaleway": "In Scaleway's console, at Transactional Email, your domain, see that nothing "
    "tracks opens and clicks.",
    "smtp": "Whoever runs the server behind EMAIL_HOST may count opens and clicks: switch it off "
    "there.",
}


def reason_for(trouble: Exception) -> str:
    """What ``trouble`` with the provider means: a code of ``OutgoingEmail.Reason``."""
    if isinstance(trouble, (AnymailRecipientsRefused, smtplib.SMTPRecipientsRefused)):
        return "address_refused"
    if isinstance(trouble, (AnymailConfigurationError, ImproperlyConfigured)):
        return "not_set_up"
    status = _status_of(trouble)
    if isinstance(trouble, smtplib.SMTPAuthenticationError) or status in (401, 403):
        return "no_access"
    is_refusal = 400 <= status < 500 and status not in (408, 429)  # noqa: PLR2004 (HTTP's)
    is_smtp_refusal = isinstance(trouble, smtplib.SMTPResponseException) and (
        trouble.smtp_code >= 500  # noqa: PLR2004 (SMTP's)
    )
    return "refused" if is_refusal or is_smtp_refusal else "unreachable"


def has_answered(trouble: Exception) -> bool:
    """Whether the provider said no itself; without an answer it may have sent the email."""
    return _status_of(trouble) != 0


def has_sent_before(trouble: Exception) -> bool:
    """Whether the provider says that it has taken this very request before."""
    answer = _json_of(trouble)
    # Brevo; Resend, when the second try was worded otherwise than the first.
    return (
        answer.get("code") == "duplicate_parameter"
        or answer.get("name") == "invalid_idempotent_request"
    )


def name_same_request(message: EmailMultiAlternatives, connection: Any, request: UUID) -> None:
    """Tell providers that know a key for it that this is the same request as before.

    ``connection`` is the one that ``message`` is sent with.
    """
    provider = getattr(connection, "esp_name", "")
    if provider == "Brevo":
        message.extra_headers["idempotencyKey"] = str(request)
    elif provider == "Resend":
        connection.open()
        connection.session.headers["Idempotency-Key"] = str(request)
    elif provider == "Postmark":
        # Otherwise it puts a Message-ID of its own in the place of ours.
        message.extra_headers["X-PM-KeepID"] = "true"


def _status_of(trouble: Exception) -> int:
    """The HTTP status that the provider answered; 0 when it did not."""
    status = getattr(trouble, "status_code", None)
    response = getattr(trouble, "response", None)
    if status is None and isinstance(response, dict):
        # Amazon's library keeps the answer in a dictionary.
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return int(status or 0)


def _json_of(trouble: Exception) -> dict[str, Any]:
    response: Any = getattr(trouble, "response", None)
    try:
        answer = response.json() if hasattr(response, "json") else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
