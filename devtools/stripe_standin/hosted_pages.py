"""The HTML of the hosted pages. No scripts: what a browser needs is in the markup."""

from html import escape

from devtools.stripe_standin import periods
from devtools.stripe_standin.checkout_payment import asks_for_card
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import written
from devtools.stripe_standin.page_style import STYLE

BANNER = "Test payment - no money moves"
SUBMIT_WORDS = {"subscribe": "Subscribe for", "book": "Book for", "donate": "Donate", "pay": "Pay"}
TEST_CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0025 0000 3155", "3-D Secure"),
)
# Offered where a card is saved to be charged again.
LATER_CARDS = (
    ("4000 0000 0000 0341", "pays now, is declined later"),
    ("4000 0027 6000 3184", "3-D Secure now and each time"),
)
# What went wrong: the field it belongs to and the sentence that says so.
PROBLEMS = {
    "card_declined": ("card", "Your card was declined."),
    "insufficient_funds": ("card", "Your card has insufficient funds."),
    "card_unknown": ("card", "That is not a test card. Use one of the numbers below the field."),
    "card_missing": ("card", "Enter a card number."),
    "authentication_failed": (
        "card",
        (
            "We are unable to authenticate your payment method. "
            "Please choose a different payment method and try again."
        ),
    ),
    "email_missing": ("email", "Enter an email address, like name@example.org."),
    "saved_but_unpaid": ("card", "Your card was saved, but the open invoice could not be paid."),
    "discount_gone": ("order", "The discount can no longer be used. Go back and start again."),
    "code_invalid": ("promotion_code", "This code is invalid."),
}


def document(title: str, body: str) -> bytes:
    """A whole page around its content."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header class="banner"><p>{BANNER}</p></header>
{body}
</body>
</html>
""".encode()


def checkout(  # noqa: PLR0913 (a page is that many facts)
    session: Json, cart: Json, lines: list[Json], *, later: int, merchant: str, problem: str
) -> bytes:
    """The page on which an open session is paid; ``later`` is what each later payment will be."""
    field, message = PROBLEMS.get(problem, ("", ""))
    alert = ""
    # A refused code is told beside its field, above the payment.
    if message and field != "promotion_code":
        link = f'<a href="#{escape(field)}">{escape(message)}</a>'
        alert = f'<div class="alert" role="alert"><p>{link}</p></div>'
    title = f"Pay {merchant} - test payment"
    size = " plan" if session["mode"] == "subscription" else ""
    if message:
        title = f"Problem: {message} {title}"
    body = f"""<main class="columns">
<section class="summary" aria-labelledby="order">
{_back_link(session, merchant)}
<p class="merchant">{escape(merchant)}</p>
<h1 id="order">Your order <span class="amount{size}">{_price(session, lines, later)}</span></h1>
{_lines(session, lines)}
{_code_form(session, cart, problem)}
{_totals(session)}
</section>
<section class="payment" aria-labelledby="payment">
<h2 id="payment">Payment</h2>
{alert}
{_payment_form(session, cart, lines, problem)}
</section>
</main>"""
    return document(title, body)


def authentication(session: Json, merchant: str) -> bytes:
    """The step that a bank puts between (3-D Secure)."""
    return document(
        "Confirm your payment - test payment",
        f"""<main class="single">
<h1>Your bank asks you to confirm</h1>
<p>{escape(merchant)} asks for {_money(session, "amount_total")}.
A real bank would ask for a code or its app here. Choose how it ends.</p>
<form method="post" action="/c/pay/{session["id"]}/authenticate" class="stack">
<button name="result" value="complete" class="primary">Complete authentication</button>
<button name="result" value="fail" class="secondary">Fail authentication</button>
</form>
</main>""",
    )


def expired(session: Json, merchant: str) -> bytes:
    return _notice(
        "This checkout has expired",
        "Nothing was charged. Go back to start again.",
        _back_link(session, merchant),
    )


def already_paid(session: Json) -> bytes:
    address = escape(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
    link = f'<p><a class="button primary" href="{address}">Continue</a></p>'
    return _notice("This order is complete", "There is nothing left to pay here.", link)


def not_found() -> bytes:
    return _notice("Page not found", "The link is not complete, or it is from another run.", "")


def _notice(heading: str, sentence: str, link: str) -> bytes:
    return document(
        f"{heading} - test payment",
        f'<main class="single"><h1>{heading}</h1><p>{sentence}</p>{link}</main>',
    )


def _back_link(session: Json, merchant: str) -> str:
    if not session["cancel_url"]:
        return ""
    return (
        f'<p class="back"><a href="{escape(session["cancel_url"])}">'
        f'<span aria-hidden="true">&larr;</span> Back to {escape(merchant)}</a></p>'
    )


def _money(session: Json, name: str) -> str:
    return escape(written(session[name], session["currency"]))


def _price(session: Json, lines: list[Json], later: int) -> str:
    """What is due now, and what each later payment will be."""
    now = _money(session, "amount_total")
    recurring = [line for line in lines if line["price"]["type"] == "recurring"]
    if not recurring:
        return now
    rhythm = recurring[0]["price"]["recurring"]
    every = periods.written(rhythm["interval"], rhythm["interval_count"])
    return f"{now} now, then {escape(written(later, session['currency']))} {every}"


def _lines(session: Json, lines: list[Json]) -> str:
    rows = []
    for line in lines:
        amount = escape(written(line["amount_subtotal"], session["currency"]))
        count = f'<span class="quantity">Qty {line["quantity"]}</span>'
        rows.append(
            f"<li><span>{escape(line['description'])} {count if line['quantity'] > 1 else ''}"
            f'</span><span class="figure">{amount}</span></li>'
        )
    return f'<ul class="lines">{"".join(rows)}</ul>'


def _totals(session: Json) -> str:
    rows = [("Subtotal", _money(session, "amount_subtotal"))]
    off = session["total_details"]["amount_discount"]
    if off:
        rows.append(("Discount", escape(written(-off, session["currency"]))))
    rows.append(
        (
            "Due now" if session["mode"] == "subscription" else "Total due",
            _money(session, "amount_total"),
        )
    )
    listed = "".join(
        f'<div><dt>{name}</dt><dd class="figure">{amount}</dd></div>' for name, amount in rows
    )
    return f'<dl class="totals">{listed}</dl>'


def _code_form(session: Json, cart: Json, problem: str) -> str:
    if not session["allow_promotion_codes"]:
        return ""
    action = f'method="post" action="/c/pay/{session["id"]}/code"'
    if cart["promotion_code"]:
        code = escape(cart["applied_code"])
        return (
            f'<form {action} class="code"><p class="applied">Promotion code {code} applied</p>'
            '<button name="remove" value="1" class="secondary">Remove code</button></form>'
        )
    typed = escape(cart["typed_code"]) if _is_about(problem, "promotion_code") else ""
    return f"""<form {action} class="code">
<label for="promotion_code">Promotion code</label>
<div class="pair">
<input id="promotion_code" name="promotion_code" value="{typed}"
 autocomplete="off" autocapitalize="characters" spellcheck="false"
{_invalid(problem, "promotion_code")}>
<button class="secondary">Apply</button>
</div>
{_error(problem, "promotion_code")}
</form>"""


def _payment_form(session: Json, cart: Json, lines: list[Json], problem: str) -> str:
    total = _money(session, "amount_total")
    word = SUBMIT_WORDS.get(session["submit_type"] or "pay", "Pay")
    button = f"{word} {total}" if session["amount_total"] else "Complete order"
    recurs = any(line["price"]["type"] == "recurring" for line in lines)
    methods = (
        _methods(session, problem, TEST_CARDS + LATER_CARDS if recurs else TEST_CARDS)
        if asks_for_card(session)
        else '<p class="free">Nothing to pay: no card is needed.</p>'
    )
    return f"""<form method="post" action="/c/pay/{session["id"]}" class="stack" novalidate>
{_email_field(cart, problem)}
{methods}
{_custom_text(session)}
<button class="primary">{button}</button>
</form>"""


def _email_field(cart: Json, problem: str) -> str:
    readonly = " readonly" if cart["email_is_fixed"] else ""
    return f"""<div>
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="email"
 value="{escape(cart["email"])}"{readonly}{_invalid(problem, "email")}>
{_error(problem, "email")}
</div>"""


def _methods(session: Json, problem: str, cards: tuple[tuple[str, str], ...]) -> str:
    offered = session["payment_method_types"]
    choices = []
    if "card" in offered:
        choices.append(_card_choice(problem, cards))
    if "us_bank_account" in offered:
        checked = "" if "card" in offered else " checked"
        choices.append(
            f"""<div class="choice">
<input type="radio" id="bank" name="method" value="bank"{checked} aria-describedby="bank-hint">
<label for="bank">Bank debit (settles later)</label>
<p class="hint" id="bank-hint">The order completes now and the money comes, or fails to, later.</p>
</div>"""
        )
    return f"<fieldset><legend>Pay with</legend>{''.join(choices)}</fieldset>"


def _card_choice(problem: str, cards: tuple[tuple[str, str], ...]) -> str:
    listed = "".join(
        f'<li><span class="number">{number}</span> {what}</li>' for number, what in cards
    )
    described = "card-error card-hint" if _is_about(problem, "card") else "card-hint"
    invalid = ' aria-invalid="true"' if _is_about(problem, "card") else ""
    return f"""<div class="choice">
<input type="radio" id="by_card" name="method" value="card" checked>
<label for="by_card">Card</label>
<div class="panel">
<label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off"
 aria-describedby="{described}"{invalid}>
{_error(problem, "card")}
<div class="hint" id="card-hint"><p>Test cards only:</p><ul>{listed}</ul></div>
</div>
</div>"""


def _custom_text(session: Json) -> str:
    submit = (session["custom_text"] or {}).get("submit")
    return f'<p class="hint">{escape(submit["message"])}</p>' if submit else ""


def _is_about(problem: str, field: str) -> bool:
    return PROBLEMS.get(problem, ("", ""))[0] == field


def _invalid(problem: str, field: str) -> str:
    about = _is_about(problem, field)
    return f' aria-invalid="true" aria-describedby="{field}-error"' if about else ""


def _error(problem: str, field: str) -> str:
    if not _is_about(problem, field):
        return ""
    return f'<p class="error" id="{field}-error">{escape(PROBLEMS[problem][1])}</p>'
