"""The HTML of the customer portal and of an invoice's page."""

from datetime import UTC, datetime
from html import escape

from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.hosted_pages import LATER_CARDS, PROBLEMS, TEST_CARDS, document
from devtools.stripe_standin.money import written

NOTICES = {"saved": "Your card was saved."}
STATUSES = {"open": "Unpaid", "paid": "Paid", "void": "Void", "draft": "Draft"}


def portal(  # noqa: PLR0913 (a page is that many facts)
    session: Json,
    merchant: str,
    *,
    card: Json | None,
    invoices: list[Json] | None,
    takes_card: bool,
    problem: str,
) -> bytes:
    """What a customer can see and change; ``invoices`` is None when they are not shown."""
    parts = [_notice(problem)]
    if takes_card:
        parts.append(_card_section(session["id"], card, problem))
    if invoices is not None:
        parts.append(f"<h2>Invoices</h2>{_invoice_table(invoices)}")
    if session["return_url"]:
        address = escape(session["return_url"])
        parts.append(f'<p><a class="button secondary" href="{address}">{_back(merchant)}</a></p>')
    content = "\n".join(parts)
    return document(
        _title("Billing", problem),
        f"""<main class="single">
<p class="merchant">{escape(merchant)}</p>
<h1>Billing</h1>
{content}
</main>""",
    )


def invoice(invoice: Json, address: str, merchant: str, problem: str) -> bytes:
    """One invoice, and a form to pay it while it is open."""
    total = _money(invoice, "amount_due")
    rows = "".join(
        f"<li><span>{escape(line['description'])}</span>"
        f'<span class="figure">{_money(line, "amount")}</span></li>'
        for line in invoice["lines"]["data"]
    )
    off = invoice["subtotal"] - invoice["total"]
    if off:
        taken = escape(written(-off, invoice["currency"]))
        rows += f'<li><span>Discount</span><span class="figure">{taken}</span></li>'
    end = f'<p class="applied">{STATUSES.get(invoice["status"], invoice["status"])}.</p>'
    if invoice["status"] == "open":
        end = _card_form(address, f"Pay {total}", problem)
    heading = f"Invoice {invoice['number']}"
    return document(
        _title(heading, problem),
        f"""<main class="single">
<p class="merchant">{escape(merchant)}</p>
<h1>{heading}</h1>
{_notice(problem)}
<ul class="lines">{rows}</ul>
<dl class="totals"><div><dt>Total</dt><dd class="figure">{total}</dd></div></dl>
{end}
</main>""",
    )


def authentication(address: str, purpose: str) -> bytes:
    """The step that a bank puts between (3-D Secure)."""
    return document(
        "Confirm with your bank - test payment",
        f"""<main class="single">
<h1>Your bank asks you to confirm</h1>
<p>A real bank would ask for a code or its app here, {escape(purpose)}. Choose how it ends.</p>
<form method="post" action="{address}/authenticate" class="stack">
<button name="result" value="complete" class="primary">Complete authentication</button>
<button name="result" value="fail" class="secondary">Fail authentication</button>
</form>
</main>""",
    )


def _title(heading: str, problem: str) -> str:
    sentence = _sentence(problem)
    title = f"{heading} - test payment"
    return f"Problem: {sentence} {title}" if sentence and problem not in NOTICES else title


def _sentence(problem: str) -> str:
    return NOTICES.get(problem) or PROBLEMS.get(problem, ("", ""))[1]


def _notice(problem: str) -> str:
    sentence = escape(_sentence(problem))
    if problem in NOTICES:
        return f'<p class="note" role="status">{sentence}</p>'
    if sentence:
        link = f'<a href="#card">{sentence}</a>'
        return f'<div class="alert" role="alert"><p>{link}</p></div>'
    return ""


def _card_section(session_id: str, card: Json | None, problem: str) -> str:
    current = "No card is saved."
    if card is not None:
        current = f"{card['card']['brand'].capitalize()} ending in {card['card']['last4']}."
    return f"""<h2>Card</h2>
<p>{escape(current)}</p>
{_card_form(f"/p/session/{session_id}", "Save card", problem)}"""


def _card_form(address: str, button: str, problem: str) -> str:
    listed = "".join(
        f'<li><span class="number">{number}</span> {what}</li>'
        for number, what in TEST_CARDS + LATER_CARDS
    )
    has_error = problem not in NOTICES and bool(_sentence(problem))
    error = ""
    attributes = ' aria-describedby="card-hint"'
    if has_error:
        error = f'<p class="error" id="card-error">{escape(_sentence(problem))}</p>'
        attributes = ' aria-describedby="card-error card-hint" aria-invalid="true"'
    return f"""<form method="post" action="{address}" class="stack spaced" novalidate>
<div>
<label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off"{attributes}>
{error}
<div class="hint" id="card-hint"><p>Test cards only:</p><ul>{listed}</ul></div>
</div>
<button class="primary">{escape(button)}</button>
</form>"""


def _invoice_table(invoices: list[Json]) -> str:
    if not invoices:
        return "<p>None yet.</p>"
    rows = "".join(_invoice_row(each) for each in invoices)
    headings = "".join(
        f'<th scope="col">{heading}</th>' for heading in ("Date", "Invoice", "Amount", "Status")
    )
    return f'<div class="scroll"><table><tr>{headings}</tr>{rows}</table></div>'


def _invoice_row(each: Json) -> str:
    day = f"{datetime.fromtimestamp(each['created'], tz=UTC):%B %d, %Y}"
    name = escape(each["number"])
    link = f'<a href="/i/{each["id"]}">{name}</a>'
    status = STATUSES.get(each["status"], each["status"])
    return (
        f"<tr><td>{day}</td><td>{link}</td>"
        f'<td class="figure">{_money(each, "amount_due")}</td><td>{status}</td></tr>'
    )


def _money(thing: Json, name: str) -> str:
    return escape(written(thing[name], thing["currency"]))


def _back(merchant: str) -> str:
    return f"Return to {escape(merchant)}"
