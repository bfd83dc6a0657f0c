"""The general moves from bytes to typed frames; knows layouts, but no endpoint."""
