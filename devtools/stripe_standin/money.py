"""Amounts in minor units, and how the hosted page writes them."""

ZERO_DECIMAL = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "cad": "CA$", "aud": "A$"}
# Stripe refuses a total above zero that is smaller than half a dollar.
SMALLEST_CHARGE = {"usd": 50, "eur": 50, "cad": 50, "aud": 50, "gbp": 30}


def places(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def written(amount: int, currency: str) -> str:
    """``45000, "usd"`` as ``$450.00``."""
    decimals = places(currency)
    whole, part = divmod(abs(amount), 10**decimals)
    number = f"{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")
    sign = SIGNS.get(currency, currency.upper() + " ")
    return ("-" if amount < 0 else "") + sign + number


def share_out(total: int, weights: list[int]) -> list[int]:
    """Split a whole amount in proportion, so that the parts add up to it exactly."""
    if sum(weights) == 0:
        return [0] * len(weights)
    shares = []
    left, weight_left = total, sum(weights)
    for weight in weights:
        share = left * weight // weight_left if weight_left else 0
        shares.append(share)
        left -= share
        weight_left -= weight
    return shares
