"""Answering API calls the way Stripe does: keys, version, contract, idempotency, faults.

Nothing leaves here unchecked: a request must fit the contract, and so must the answer.
"""

import re
import secrets
from dataclasses import dataclass, field
from email.message import Message

from devtools.stripe_standin import due, listing, refusals, routes
from devtools.stripe_standin.calls import Call
from devtools.stripe_standin.contract import Json, MalformedForm, Operation, form_decode
from devtools.stripe_standin.faults import API_KINDS, Fault, Faults
from devtools.stripe_standin.refusals import ContractBroken, Refusal
from devtools.stripe_standin.store import Store

KEY_PATTERN = re.compile(r"Bearer [sr]k_test_standin_\w+")
KEPT_REQUESTS = 5000
LONGEST_IDEMPOTENCY_KEY = 255
OK = 200
ANSWERS_KEPT_FOR = 24 * 60 * 60
FAULT_ANSWERS = {
    "500": (500, "api_error", "The stand-in was told to fail."),
    "503": (503, "api_error", "The stand-in was told to be unavailable."),
    "429": (429, "invalid_request_error", "Request rate limit exceeded."),
}


@dataclass(frozen=True)
class Request:
    """An HTTP request as it arrived."""

    verb: str
    path: str
    query: str
    body: bytes
    headers: Message
    base_url: str


@dataclass
class Answer:
    """What to send, and whether to hold it back or drop the line instead."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    held_for: float = 0.0
    is_lost: bool = False
    idempotency_key: str = ""


class Api:
    """The API over a store. Calls take turns; an answer that is held back does not block others."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._in_progress: set[str] = set()
        self.requests: list[Json] = []

    def answer(self, request: Request) -> Answer:
        """The answer to a request; the caller calls ``finished`` and sends it."""
        request_id = "req_" + secrets.token_hex(7)
        with self._store.lock:
            seen = self._remember(request)
            self._store.begin()
            fault = self._faults.take(f"{request.verb} {request.path}", API_KINDS)
            try:
                answer = self._answer(request, request_id, fault)
            except Refusal as refusal:
                self._store.undo()
                answer = Answer(refusal.status, refusal.body)
            except ContractBroken as broken:
                answer = _broken_answer(broken)
            if answer.status != OK:
                problems = self._store.contract.check_error(answer.body)
                if problems:
                    answer = _broken_answer(ContractBroken("error", problems))
            seen["status"] = answer.status
        answer.headers["Request-Id"] = request_id
        if fault and fault.kind == "timeout":
            answer.held_for = fault.seconds
        answer.is_lost = bool(fault and fault.kind in {"lost", "refuse"})
        return answer

    def finished(self, answer: Answer) -> None:
        """The answer is about to be sent or dropped: its idempotency key is free again."""
        with self._store.lock:
            self._in_progress.discard(answer.idempotency_key)

    def forget(self) -> None:
        self.requests.clear()
        self._in_progress.clear()

    def _answer(self, request: Request, request_id: str, fault: Fault | None) -> Answer:
        self._check_caller(request)
        if fault and fault.kind in {"429", "503", "refuse"}:
            return _fault_answer("503" if fault.kind == "refuse" else fault.kind)
        operation, call = self._read(request)
        key = request.headers.get("Idempotency-Key", "") if request.verb == "POST" else ""
        if not key:
            return self._work(operation, call, fault, request_id, key)
        saved = self._saved_answer(key, call)
        if saved is not None:
            return saved
        answer = self._work(operation, call, fault, request_id, key)
        self._store.saved_answers[key] = {
            "parameters": [call.path, call.body],
            "status": answer.status,
            "body": answer.body,
            "request_id": request_id,
            "at": self._store.clock.now(),
        }
        self._in_progress.add(key)
        answer.idempotency_key = key
        return answer

    def _work(
        self, operation: Operation, call: Call, fault: Fault | None, request_id: str, key: str
    ) -> Answer:
        if fault and fault.kind == "500":
            return _fault_answer("500")
        due.do_what_is_due(self._store)
        # From here on a refusal takes back what this call has made, not what the clock has.
        self._store.begin()
        self._store.request = {"id": request_id, "idempotency_key": key or None}
        try:
            result = routes.answer(operation, call)
        finally:
            self._store.request = None
        wanted = [*call.query.get("expand", []), *call.body.get("expand", [])]
        body = listing.expand(self._store, result, wanted)
        problems = self._store.contract.check_answer(operation, OK, body)
        if problems:
            raise ContractBroken(f"answer to {operation.verb} {operation.template}", problems)
        return Answer(OK, body)

    def _check_caller(self, request: Request) -> None:
        if not KEY_PATTERN.fullmatch(request.headers.get("Authorization", "")):
            raise Refusal(
                "Invalid API Key provided: the stand-in takes keys that begin with "
                "sk_test_standin_ or rk_test_standin_ only.",
                status=401,
            )
        spoken = self._store.contract.api_version
        if request.headers.get("Stripe-Version", spoken) != spoken:
            raise Refusal(f"The stand-in speaks version {spoken} of the API only.")

    def _read(self, request: Request) -> tuple[Operation, Call]:
        contract = self._store.contract
        try:
            operation = contract.find(request.verb, request.path)
        except LookupError:
            raise Refusal(
                f"Unrecognized request URL ({request.verb}: {request.path}).", status=404
            ) from None
        try:
            body, query, problems = contract.check_request(operation, request.body, request.query)
        except MalformedForm as error:
            raise Refusal(f"Invalid request: {error}") from error
        if problems:
            raise refusals.of_problems(problems)
        ids = re.fullmatch(
            re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(operation.template)), request.path
        )
        return operation, Call(
            self._store,
            request.path,
            ids.groups() if ids else (),
            body,
            query,
            request.base_url,
        )

    def _saved_answer(self, key: str, call: Call) -> Answer | None:
        if len(key) > LONGEST_IDEMPOTENCY_KEY:
            raise Refusal(
                f"Idempotency keys have at most {LONGEST_IDEMPOTENCY_KEY} characters.",
                kind="idempotency_error",
            )
        saved = self._store.saved_answers.get(key)
        if saved is None or saved["at"] <= self._store.clock.now() - ANSWERS_KEPT_FOR:
            return None
        if saved["parameters"] != [call.path, call.body]:
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request.",
                kind="idempotency_error",
            )
        if key in self._in_progress:
            raise Refusal(
                "There is currently another in-progress request using this Idempotent Key "
                f"({key}).",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        headers = {"Idempotent-Replayed": "true", "Original-Request": saved["request_id"]}
        return Answer(saved["status"], saved["body"], headers)

    def _remember(self, request: Request) -> Json:
        try:
            body, query = form_decode(request.body), form_decode(request.query)
        except MalformedForm:
            body, query = {"(malformed)": request.body.decode("utf-8", "replace")}, {}
        secret_headers = {"authorization"}
        seen: Json = {
            "method": request.verb,
            "path": request.path,
            "query": query,
            "body": body,
            "headers": {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in secret_headers
            },
            "status": 0,
        }
        self.requests.append(seen)
        del self.requests[:-KEPT_REQUESTS]
        return seen


def _broken_answer(broken: ContractBroken) -> Answer:
    return Answer(500, {"error": {"type": "api_error", "message": str(broken)}})


def _fault_answer(kind: str) -> Answer:
    status, error_type, message = FAULT_ANSWERS[kind]
    error: Json = {"type": error_type, "message": message}
    if kind == "429":
        error["code"] = "rate_limit"
    return Answer(status, {"error": error})
