"""What keeps the platform small and safe: what goes when it is old, backup and restore. Knows no Dagster.

What does not belong here: Dagster's own runs and events, and when upkeep happens (``automation/upkeep.py``).
"""
