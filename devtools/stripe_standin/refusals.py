"""Reasons to refuse a request, in Stripe's words and shape."""

from devtools.stripe_standin.contract import Json, Problem


class Refusal(Exception):
    """An answer other than success: a status and Stripe's error envelope."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        **details: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"type": kind, "message": message, **details}}


class ContractBroken(Exception):
    """The stand-in was about to say something that Stripe could not say."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        self.problems = problems
        listed = "; ".join(str(problem) for problem in problems[:3])
        super().__init__(f"The stand-in's {what} breaks the contract: {listed}")


def missing(kind: str, object_id: str, param: str) -> Refusal:
    return Refusal(
        f"No such {kind.replace('_', ' ')}: '{object_id}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )


def not_copied(what: str, param: str) -> Refusal:
    """Stripe can do this; the stand-in cannot yet and says so rather than pretend."""
    return Refusal(f"The stand-in does not copy {what} yet.", param=param)


def of_problems(problems: list[Problem]) -> Refusal:
    """What Stripe answers to a request that does not fit its parameters."""
    first = problems[0]
    param = first.field
    if first.keyword == "additionalProperties":
        name = first.message.split("('", 1)[-1].split("'", 1)[0]
        param = name if not first.path else f"{param}[{name}]"
        return Refusal(
            f"Received unknown parameter: {param}", code="parameter_unknown", param=param
        )
    if first.keyword == "required":
        name = first.message.split("'")[1]
        param = name if not first.path else f"{param}[{name}]"
        return Refusal(f"Missing required param: {param}.", code="parameter_missing", param=param)
    if first.keyword == "type" and "'integer'" in first.message:
        return Refusal(f"Invalid integer: {param}", code="parameter_invalid_integer", param=param)
    told = "; ".join(str(problem) for problem in problems[:3])
    return Refusal(f"Invalid {told}", param=param)
