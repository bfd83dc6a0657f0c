"""How Dagster hands raw snapshots, typed frames and tables from step to step; thin over ``extract`` and ``load``."""
