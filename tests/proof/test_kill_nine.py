"""``kill -9`` before every single step of what moves money: nothing is lost, nothing happens twice.

Each order is left behind by a process that died one step later than the one before. Then the site
is started again, and every one of them must stand like an order that nobody disturbed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from devtools.stripe_standin.control import StandIn
from tests.proof.killable import Site, address_of, copy_of, copy_of_test_database, site
from tests.proof.sizes import size

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

# Every how manieth step is fatal to somebody: all of them, unless there is little time.
STRIDE = size("PROOF_KILL_STRIDE", 1)
MOST_STEPS = 500
# The answer of the post, and the transaction in which the email and the ledger say that it is sent.
STEPS_BETWEEN_POST_AND_LEDGER = 5
UNDISTURBED = "undisturbed@example.org"
Deed = Callable[..., dict]


@pytest.fixture(scope="module")
def pristine(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("database")
    with django_db_blocker.unblock(), copy_of_test_database(folder) as name:
        yield name


@pytest.fixture
def shop(pristine, standin, tmp_path) -> Iterator[Site]:
    with (
        copy_of(pristine, tmp_path) as name,
        site(address_of(name), standin, tmp_path) as running,
    ):
        running.said("open_shop")
        yield running


def kill_everywhere(prepare: Callable[[str], dict], deed: Deed) -> int:
    """Have ``deed`` done for many orders, each killed one step later; how many were killed."""
    answer = deed(**prepare(UNDISTURBED))
    assert answer["ended"] == "done"
    for killed, fatal in enumerate(range(1, MOST_STEPS, STRIDE)):
        answer = deed(**prepare(f"killed{fatal}@example.org"), fatal=fatal)
        if answer["ended"] == "done":
            return killed
        assert answer["ended"] == "killed"
    raise AssertionError("it never came to its end")


def differing(shop: Site) -> dict[str, dict]:
    """The orders that do not stand like the one that nobody disturbed."""
    found = shop.said("facts")
    model = found["orders"][UNDISTURBED]
    return {email: facts for email, facts in found["orders"].items() if facts != model}


def paid(shop: Site, standin: StandIn) -> Callable[[str], dict]:
    """Orders that are paid at Stripe, and of which the site has not heard."""

    def prepare(email: str) -> dict:
        page = shop.said("order_place", email=email)
        standin.pay(page["url"])
        return {"session_id": page["session_id"]}

    return prepare


def told(shop: Site, standin: StandIn) -> Callable[[str], dict]:
    """Paid orders, and the event that says so."""

    def prepare(email: str) -> dict:
        paid(shop, standin)(email)
        return {"body": json.dumps(standin.events("checkout.session.completed")[-1])}

    return prepare


def granted(shop: Site, standin: StandIn) -> Callable[[str], dict]:
    """Paid orders with their places, whose letters wait for a worker."""

    def prepare(email: str) -> dict:
        shop.said("fulfil", **paid(shop, standin)(email))
        return {}

    return prepare


def to_give_back(shop: Site, standin: StandIn) -> Callable[[str], dict]:
    """Places whose price is to be given back; Stripe was not asked yet."""

    def prepare(email: str) -> dict:
        granted(shop, standin)(email)
        return {"refund_id": shop.said("ask_for_refund", email=email)}

    return prepare


def test_whoever_paid_has_her_place_once_wherever_fulfilment_dies(shop, standin):
    kill_everywhere(paid(shop, standin), lambda **given: shop.do("fulfil", **given))

    shop.said("recover")

    assert differing(shop) == {}
    assert set(shop.letters().values()) == {1}
    assert shop.said("facts")["unbalanced"] == []


def test_an_event_has_one_effect_wherever_the_webhook_dies(shop, standin):
    kill_everywhere(told(shop, standin), lambda **given: shop.do("deliver", **given))

    for event in standin.events("checkout.session.completed"):
        assert shop.said("deliver", body=json.dumps(event)) == 200
    shop.said("recover")

    assert differing(shop) == {}
    assert set(shop.letters().values()) == {1}


def test_money_goes_back_once_wherever_its_sending_dies(shop, standin):
    killed = kill_everywhere(
        to_give_back(shop, standin), lambda **given: shop.do("send_refund", **given)
    )

    shop.said("recover")

    assert differing(shop) == {}
    refunds = standin._objects("refund")
    assert len({refund["payment_intent"] for refund in refunds}) == len(refunds)
    assert len(refunds) >= killed


def test_a_letter_is_sent_wherever_its_worker_dies_and_twice_only_right_after_the_post_took_it(
    shop, standin
):
    """The post's taking it and our writing that down cannot be made one step."""
    kill_everywhere(granted(shop, standin), lambda **given: shop.do("send_one_email", **given))

    shop.said("recover")

    assert differing(shop) == {}
    letters = shop.letters()
    twice = [email for email, count in letters.items() if count > 1]
    assert set(letters.values()) == {1, 2}
    assert len(twice) <= STEPS_BETWEEN_POST_AND_LEDGER
    # Whoever reads them can tell that it is the same letter.
    assert set(shop.message_ids().values()) == {1}


def test_control_without_transactions_the_same_killing_leaves_something_broken(shop, standin):
    kill_everywhere(paid(shop, standin), lambda **given: shop.do("fulfil", torn=True, **given))

    shop.said("recover")

    assert differing(shop) != {}
