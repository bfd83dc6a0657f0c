"""Mirrors ``spacex_assets/checks``."""
