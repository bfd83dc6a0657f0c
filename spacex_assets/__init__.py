"""The SpaceX data platform: every endpoint of the SpaceX API as typed, keyed PostgreSQL tables."""
