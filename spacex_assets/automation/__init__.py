"""WHEN things happen: jobs, schedules, sensors and alerts. What does not belong here: what they do."""
