"""The email with the code.

It goes out by a task, not in the request, for three reasons: a member's address and a stranger's
take the same time to answer, a provider that is down breaks no page, and it is tried again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from accounts import codes
from accounts.models import User
from core import outbox
from core.models import OutgoingEmail


def queue_code(sign_in: codes.SignIn) -> None:
    """Have the code sent. A stranger's sign-in is queued too, and sends nothing."""
    _queue(CODE, sign_in, template="code")


def queue_last_code(sign_in: codes.SignIn) -> None:
    """Have the last code of the day sent. A stranger's is queued too, and sends nothing."""
    _queue(LAST_CODE, sign_in, template="last_code")


def _queue(kind: outbox.Kind, sign_in: codes.SignIn, *, template: str) -> None:
    ids = [sign_in.member_id, sign_in.seed, sign_in.sent_at]
    outbox.queue(kind, template=template, ids=ids, now=timezone.now())


def write_code(email: OutgoingEmail, now: datetime) -> outbox.Draft | None:
    """The code of a seed, unless it has expired while the email waited."""
    member_id, seed, sent_at = email.ids
    lifetime = codes.lifetime()
    if now.timestamp() > sent_at + lifetime.total_seconds():
        return None
    minutes = int(lifetime.total_seconds() // 60)
    return _draft(email, codes.code_of(seed), member_id, minutes=minutes)


def write_last_code(email: OutgoingEmail, now: datetime) -> outbox.Draft | None:
    """The last code of a day, unless the day has ended while the email waited."""
    member_id, seed, sent_at = email.ids
    asked = datetime.fromtimestamp(sent_at, tz=UTC)
    if timezone.localdate(now) != timezone.localdate(asked):
        return None
    return _draft(email, codes.last_code_of(seed), member_id)


def _draft(
    email: OutgoingEmail, code: str, member_id: int | None, **context: object
) -> outbox.Draft | None:
    member = User.objects.filter(pk=member_id or 0, is_active=True).first()
    if member is None:
        return None
    return outbox.Draft(
        to=member.email,
        template=email.template,
        context={"name": member.chosen_name, "code": in_groups(code), **context},
    )


def in_groups(code: str) -> str:
    """``code`` as it is easily read: four digits at a time."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def note_nothing(email: OutgoingEmail, now: datetime) -> None:
    """A code that did not come is asked for again; nobody has to be told."""


CODE = outbox.register(outbox.Kind(name="code", write=write_code, note=note_nothing))
LAST_CODE = outbox.register(outbox.Kind(name="last_code", write=write_last_code, note=note_nothing))
