"""HOW Dagster sees the data: factories over the registry, one file per layer."""
