"""Minor units: how many a currency has, and how an amount is written for people. No floats."""

from __future__ import annotations

# Stripe's lists: amounts in these currencies have no minor unit, or a thousand of them.
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}


def decimal_places(currency: str) -> int:
    """0, 2 or 3 for a lowercase ISO code."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


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
