"""One stand-in for all these tests, empty at the start of each."""

import pytest
import stripe

from devtools.stripe_standin.control import API_KEY, StandIn
from tests import calendar
from tests.stripe_standin.receiver import Receiver
from tests.stripe_standin.shop import Shop


@pytest.fixture(autouse=True)
def quiet_sdk(monkeypatch):
    """The SDK may not tell anybody about this machine, nor turn notices into warnings."""
    monkeypatch.setattr(stripe, "enable_telemetry", False)


@pytest.fixture(scope="session")
def standin_process():
    with StandIn.start(extra=("--no-seed", calendar.in_step())) as standin:
        yield standin


@pytest.fixture(scope="session")
def receiver_process():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def standin(standin_process):
    standin_process.reset()
    return standin_process


@pytest.fixture
def receiver(standin, receiver_process):
    """An endpoint that gets every webhook of the stand-in."""
    receiver_process.forget()
    standin.set_webhook(receiver_process.url)
    return receiver_process


@pytest.fixture
def client_for(standin):
    """A function that makes an SDK client; its connections are closed at the end."""
    opened = []

    def make(api_key=API_KEY, *, base_url=standin.base_url, retries=0, timeout=5):
        http_client = stripe.RequestsClient(timeout=timeout)
        opened.append(http_client)
        return stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url},
            max_network_retries=retries,
            http_client=http_client,
        )

    yield make
    for http_client in opened:
        http_client.close()


@pytest.fixture
def shop(standin, client_for):
    return Shop(client_for().v1)
