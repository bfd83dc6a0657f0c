"""What can go wrong between the source and a complete snapshot, and whether trying again may help.

Only the client repeats a request. Once its attempts are used up the last of these is raised, and nothing above it
tries again in the same run.
"""

from spacex_assets.errors import PlatformError


class ExtractError(PlatformError):
    """A snapshot could not be had; nothing of it is visible. ``transient``: another attempt may succeed."""

    transient = False


class SourceUnreachable(ExtractError):
    """No connection, or no answer in time."""

    transient = True


class SourceOverloaded(ExtractError):
    """429: the source asks to be asked less."""

    transient = True


class SourceFailing(ExtractError):
    """A 5xx of the source or of the gateway before it."""

    transient = True


class BodyTruncated(ExtractError):
    """The body ended early."""

    transient = True


class BodyUndecodable(ExtractError):
    """The body is not JSON, not UTF-8 or not the compression it claims."""

    transient = True


class SourceRefused(ExtractError):
    """Another 4xx, a redirect elsewhere, an address that nothing is asked of, or an answer that was not asked for."""


class BodyMisshapen(ExtractError):
    """JSON, but not the list or object that the endpoint promises."""


class BodyTooLarge(ExtractError):
    """The body, or a document in it, has more bytes than a source may send."""


class TimeLimitExceeded(ExtractError):
    """The endpoint's total time is used up."""


class SnapshotShrunk(ExtractError):
    """The list is empty, or lost too many documents to be believed."""


class ArchiveIncomplete(ExtractError):
    """The folder of recorded responses, or a file of it, is not there."""


class BodyEdited(ExtractError):
    """A body in the lake is no longer what was fetched."""


class SnapshotMissing(ExtractError):
    """No snapshot of the endpoint was ever fetched."""
