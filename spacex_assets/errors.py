"""The root of the platform's errors.

Each room declares its own subclasses beside the code that raises them. A message says what was expected,
what came, where, and what to do next; the command line prints it without a traceback and exits with status 1.
"""


class PlatformError(Exception):
    """Something that a person has to act on; its text is the whole explanation."""


class WorldMismatch(PlatformError):
    """Simulated and real data were about to meet."""
