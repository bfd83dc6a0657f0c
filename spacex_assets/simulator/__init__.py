"""A SpaceX API that needs no network: a simulated fleet and the protocol that serves it."""
