"""The desk at ``/_standin/``: what has happened, and buttons for what a bank would do."""

from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from devtools.stripe_standin import checkout
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.hosted_pages import document
from devtools.stripe_standin.money import written
from devtools.stripe_standin.subscriptions import current_period, subscription_of

SHOWN = 50
DAY = 24 * 60 * 60


def desk(engine: Engine, problem: str = "") -> bytes:
    """Checkouts, promotion codes and webhooks, newest first."""
    token = engine.options.control_token
    with engine.store.lock:
        sessions = list(engine.store.rows("checkout.session").values())[-SHOWN:][::-1]
        rows = "".join(_session_row(engine, session, token) for session in sessions)
        plans = "".join(
            _plan_row(engine, each, token)
            for each in list(engine.store.rows("subscription").values())[-SHOWN:][::-1]
        )
        codes = "".join(
            _row(each["code"], each["promotion"]["coupon"], "yes" if each["active"] else "no")
            for each in engine.store.rows("promotion_code").values()
        )
        deliveries = "".join(
            _row(
                each["event_type"],
                each["event_id"],
                each["attempt"],
                each["outcome"],
                each["status"],
            )
            for each in engine.courier.log[-SHOWN:][::-1]
        )
    alert = f'<div class="alert" role="alert"><p>{escape(problem)}</p></div>' if problem else ""
    return document(
        "Stripe stand-in",
        f"""<main class="desk">
<h1>Stripe stand-in</h1>
{alert}
<h2>Checkouts</h2>
{_table(("Session", "Reference", "Total", "Status", "Payment", "Do"), rows)}
<h2>Payment plans</h2>
{_table(("Subscription", "Status", "Invoices", "Next period", "Do"), plans)}
<h2>Clock</h2>
<p>It is {_day(engine.clock.now())}.</p>
<p class="row">{_button("advance", "A day later", {"advance": str(DAY)}, token)}
{_button("advance", "A month later", {"advance": str(31 * DAY)}, token)}</p>
<h2>Promotion codes</h2>
{_table(("Code", "Coupon", "Active"), codes)}
<h2>Webhooks sent</h2>
{_table(("Event", "Id", "Attempt", "Outcome", "Status"), deliveries)}
</main>""",
    )


def address(token: str) -> str:
    return f"/_standin/?token={quote(token)}"


def _table(headings: tuple[str, ...], rows: str) -> str:
    if not rows:
        return "<p>None yet.</p>"
    cells = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    return f'<div class="scroll"><table><tr>{cells}</tr>{rows}</table></div>'


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _session_row(engine: Engine, session: Json, token: str) -> str:
    intent = checkout.intent_of(engine.store, session)
    status = intent["status"] if intent else ""
    buttons = ""
    if status == "processing":
        field = {"session": session["id"]}
        buttons = _button("settle", "Settle", field, token) + _button("fail", "Fail", field, token)
    elif intent and status == "succeeded":
        field = {"payment_intent": intent["id"]}
        buttons = _button("refund", "Refund", field, token)
        buttons += _button("dispute", "Dispute", field, token)
    name = escape(session["id"])
    link = f'<a href="/c/pay/{name}">{name}</a>' if session["status"] == "open" else name
    total = escape(written(session["amount_total"], session["currency"]))
    reference = escape(session["client_reference_id"] or "")
    return (
        f"<tr><td>{link}</td><td>{reference}</td><td>{total}</td><td>{session['status']}</td>"
        f"<td>{session['payment_status']} {status}</td><td>{buttons}</td></tr>"
    )


def _plan_row(engine: Engine, subscription: Json, token: str) -> str:
    owner = {"customer": subscription["customer"]}
    buttons = _button("break-card", "Break card", owner, token)
    buttons += _button("mend-card", "Mend card", owner, token)
    own = [
        each
        for each in engine.store.rows("invoice").values()
        if subscription_of(each) == subscription["id"]
    ]
    links = ", ".join(
        f'<a href="/i/{each["id"]}">{escape(each["number"])}</a> {each["status"]}' for each in own
    )
    _, period_end = current_period(subscription)
    return (
        f"<tr><td>{escape(subscription['id'])}</td><td>{subscription['status']}</td>"
        f"<td>{links}</td><td>{_day(period_end)}</td><td>{buttons}</td></tr>"
    )


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, tz=UTC):%B %d, %Y}"


def _button(action: str, label: str, fields: dict[str, str], token: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {**fields, "token": token, "action": action}.items()
    )
    return (
        f'<form method="post" action="/_standin/">{hidden}'
        f'<button class="secondary">{label}</button></form> '
    )
