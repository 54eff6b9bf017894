"""A local stand-in for Stripe: it speaks Stripe's HTTP API on 127.0.0.1 and moves no money.

It is a process of its own, so that the site reaches it over real HTTP and its webhooks
really arrive from outside. ``BEHAVIOUR.md`` lists which behaviour of Stripe it claims to
copy and where each claim comes from.
"""
