"""The desks of the admin: what staff see of quarters, orders and access, and what they may change.

Each desk is declared with wagtail-modeladmin options; every change of state calls an operation.
"""
