"""The command line: ``python -m devtools.stripe_standin``.

Prints one line when it is ready and runs until it is told to stop.
"""

import argparse
import secrets
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from devtools.stripe_standin.deliveries import is_on_this_machine
from devtools.stripe_standin.engine import Engine, Options
from devtools.stripe_standin.server import Server

DEFAULT_PORT = 12111
POLL = 0.05


def read_options(arguments: list[str]) -> tuple[int, Options]:
    """The port and the options; exits with a sentence when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m devtools.stripe_standin", description="A local stand-in for Stripe."
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 picks a free one")
    parser.add_argument("--state", type=Path, help="a file that keeps everything between runs")
    parser.add_argument("--control-token", default="", help="what /_standin/ asks for")
    parser.add_argument("--webhook-url", default="", help="an address on this machine")
    parser.add_argument("--webhook-secret", default="whsec_standin_" + secrets.token_hex(16))
    parser.add_argument("--settle-after", type=int, help="seconds until a bank debit settles")
    parser.add_argument("--merchant", default="Test merchant", help="the name on the hosted page")
    parser.add_argument(
        "--clock-ahead", type=float, default=0, help="seconds; for a site with another clock"
    )
    parser.add_argument(
        "--seed",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="make the promotion codes FREE100 and HELP25 when there is no code yet",
    )
    given = parser.parse_args(arguments)
    if given.webhook_url and not is_on_this_machine(given.webhook_url):
        parser.error("--webhook-url: the stand-in delivers to this machine only, over plain HTTP")
    return given.port, Options(
        control_token=given.control_token or secrets.token_urlsafe(24),
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        state_file=given.state,
        settle_after=given.settle_after,
        merchant=given.merchant,
        seeds=given.seed,
        clock_ahead=given.clock_ahead,
    )


def main(arguments: list[str]) -> None:
    port, options = read_options(arguments)
    engine = Engine(options)
    try:
        server = Server(port, engine)
    except OSError as error:
        sys.exit(f"cannot listen on port {port}: {error}")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        engine.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    engine.start()
    threading.Thread(target=server.serve_forever, args=(POLL,), name="server", daemon=True).start()
    sys.stdout.write(f"stand-in listening on {server.base_url}\n")
    sys.stdout.flush()
    engine.stopping.wait()
    server.shutdown()
    server.server_close()
    engine.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
