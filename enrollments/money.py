"""Minor units: how many a currency has, and how an amount is written for people. No floats."""

from __future__ import annotations

# Stripe's lists: amounts in these currencies have no minor unit, or a thousand of them.
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# The least that Stripe charges, where it says so; elsewhere one unit of the currency.
SMALLEST_CHARGE = {
    "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1_500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1_000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1_000, "usd": 50,
}  # fmt: skip
# Written with two places, and charged in whole crowns only.
WHOLE_ONLY = frozenset(("isk",))
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}


def decimal_places(currency: str) -> int:
    """0, 2 or 3 for a lowercase ISO code."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def smallest_charge(currency: str) -> int:
    """The smallest amount above nothing that can be paid."""
    return SMALLEST_CHARGE.get(currency, 10 ** decimal_places(currency))


def smallest_step(currency: str) -> int:
    """What an amount must be a multiple of: Stripe takes three places, the last of them zero."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_ONLY else 1


def can_be_charged(cents: int, currency: str) -> bool:
    """Whether Stripe takes ``cents`` as an amount to pay."""
    return cents >= smallest_charge(currency) and cents % smallest_step(currency) == 0


def written(cents: int, currency: str) -> str:
    """An amount for people to read: ``$600``, ``$1,249.50``, ``¥90,000``, ``KWD 12.500``.

    Whole amounts lose their zeros in two-place currencies, as prices are usually printed.
    """
    places = decimal_places(currency)
    whole, rest = divmod(abs(cents), 10**places)
    text = f"{whole:,}"
    if rest or currency in THREE_DECIMAL:
        text += f".{rest:0{places}d}"
    sign = SIGNS.get(currency) or f"{currency.upper()} "
    return f"{'-' if cents < 0 else ''}{sign}{text}"
