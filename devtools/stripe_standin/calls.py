"""One API call as the operations see it, and what they share in reading it."""

from dataclasses import dataclass
from typing import Any

from devtools.stripe_standin import refusals
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store


@dataclass(frozen=True)
class Call:
    """A request that fits the contract."""

    store: Store
    path: str
    ids: tuple[str, ...]
    body: Json
    query: Json
    base_url: str

    @property
    def id(self) -> str:
        return self.ids[0]


def refuse_what_is_not_copied(given: Json, copied: set[str], where: str = "") -> None:
    """Let only parameters through that the stand-in acts upon.

    Raises:
        Refusal: one of the others is given.
    """
    for name in given:
        if name not in copied | {"expand"}:
            param = f"{where}[{name}]" if where else name
            raise refusals.not_copied(f"`{param}`", param)


def require(given: Json, name: str, where: str = "") -> Any:
    """The value of a parameter that Stripe demands.

    Raises:
        Refusal: it is not given.
    """
    if given.get(name) in (None, ""):
        param = f"{where}[{name}]" if where else name
        message = f"Missing required param: {param}."
        raise refusals.Refusal(message, code="parameter_missing", param=param)
    return given[name]


def only_one_of(given: Json, *names: str) -> None:
    """Refuse parameters that exclude each other.

    Raises:
        Refusal: more than one is given.
    """
    together = [name for name in names if given.get(name)]
    if len(together) > 1:
        raise refusals.Refusal(
            f"You may only specify one of these parameters: {', '.join(names)}.",
            code="parameters_exclusive",
            param=together[-1],
        )


def merged_metadata(current: Json, change: Any) -> Json:
    """Metadata after an update: an empty value takes a key away, an empty text all of them."""
    if change == "":
        return {}
    merged = {**current, **change}
    return {key: value for key, value in merged.items() if value != ""}


def update_object(thing: Json, given: Json, settable: set[str]) -> Json:
    """Apply an update to an object; what it changed, as it was before.

    Raises:
        Refusal: the stand-in cannot change one of the fields.
    """
    refuse_what_is_not_copied(given, settable | {"metadata"})
    previous = {}
    for name, value in given.items():
        if name == "expand":
            continue
        new = merged_metadata(thing.get("metadata") or {}, value) if name == "metadata" else value
        new = None if new == "" else new
        if thing.get(name) != new:
            previous[name] = thing.get(name)
            thing[name] = new
    return previous
