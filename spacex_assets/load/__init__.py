"""HOW frames are written to PostgreSQL; knows layouts, but no endpoint and no Dagster."""
