"""WHAT a user can rely on, as Dagster asset checks: guards before the load, promises and reconciliation after it."""
