"""HOW data is fetched and kept as raw snapshots; knows endpoints, but nothing of tables or Dagster."""
