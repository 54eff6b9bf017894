"""Valid, unsurprising, deterministic objects for tests."""
