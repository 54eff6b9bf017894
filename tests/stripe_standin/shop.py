"""What the tests sell: short ways to things that Stripe keeps."""

import time

LIFETIME = 31 * 60


class Shop:
    """Makes Stripe objects through the SDK, with unsurprising defaults."""

    def __init__(self, v1):
        self.v1 = v1

    def parameters(self, **changes):
        """The parameters of a session for one 450-dollar place; None takes one away."""
        given = {
            "mode": "payment",
            "success_url": "http://127.0.0.1:9/done/?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:9/back/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 45000,
                        "product_data": {"name": "Program enrollment"},
                    },
                }
            ],
            "client_reference_id": "order-1",
            "customer_email": "member@example.org",
            "expires_at": int(time.time()) + LIFETIME,
            "metadata": {"order": "order-1"},
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def session(self, **changes):
        return self.v1.checkout.sessions.create(self.parameters(**changes))

    def plan(self, **changes):
        """The parameters of a session for a plan of 200 dollars each month."""
        monthly = {
            "currency": "usd",
            "unit_amount": 20000,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Program enrollment"},
        }
        given = {
            "mode": "subscription",
            "line_items": [{"quantity": 1, "price_data": monthly}],
            "payment_method_collection": "always",
            "subscription_data": {"metadata": {"order": "order-1"}},
            **changes,
        }
        return self.parameters(**given)

    def plan_session(self, **changes):
        return self.v1.checkout.sessions.create(self.plan(**changes))

    def subscription_of(self, session, *expand):
        return self.v1.subscriptions.retrieve(
            self.look(session).subscription, {"expand": list(expand)}
        )

    def ends_after(self, subscription, months):
        """Let a subscription end after so many monthly payments; its schedule."""
        schedule = self.v1.subscription_schedules.create({"from_subscription": subscription.id})
        [phase] = schedule.phases
        return self.v1.subscription_schedules.update(
            schedule.id,
            {
                "end_behavior": "cancel",
                "phases": [
                    {
                        "items": [{"price": phase["items"][0].price, "quantity": 1}],
                        "start_date": phase.start_date,
                        "duration": {"interval": "month", "interval_count": months},
                    }
                ],
            },
        )

    def code(self, code, *, restrictions=None, max_redemptions=None, **coupon):
        """A promotion code for a new coupon."""
        made = self.v1.coupons.create({"duration": "once", **coupon})
        extra = {"restrictions": restrictions, "max_redemptions": max_redemptions}
        return self.v1.promotion_codes.create(
            {
                "promotion": {"type": "coupon", "coupon": made.id},
                "code": code,
                **{name: value for name, value in extra.items() if value is not None},
            }
        )

    def look(self, session, *expand):
        return self.v1.checkout.sessions.retrieve(session.id, {"expand": list(expand)})

    def status(self, session):
        fresh = self.look(session)
        return fresh.status, fresh.payment_status

    def intent_of(self, session):
        return self.look(session, "payment_intent").payment_intent
