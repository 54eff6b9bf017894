"""Tools for development and tests. Nothing here is installed or deployed with the site."""
