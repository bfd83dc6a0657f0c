"""HOW frames are written to PostgreSQL; knows layouts and no Dagster, and no endpoint but where all tables are named.

That is ``schema.py``, which declares the whole warehouse.
"""
