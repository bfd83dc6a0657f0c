"""WHAT the data is: one file per endpoint, and the words they are declared in."""
