"""Placeholder until the letters are here."""
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
def send_letter(*, to: str, template: str, context: dict[str, object]) -> None:
    EmailMultiAlternatives(template, render_to_string(f"letters/{template}.txt", context), to=[to]).send()
