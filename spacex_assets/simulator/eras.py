"""What happened when, at the real size: positions among its 187 past and 18 upcoming launches.

Only positions and how often. What does not belong here: anything that chance decides (``plan.py``).
"""

PAST, UPCOMING = 187, 18

FALCON_1 = range(5)
FAILED = frozenset({0, 1, 2, 18, 27})
LOST_ON_PAD = 27
"""Its failure has a negative time."""
UNREPORTED = 171
"""Past, and yet nobody entered whether it was a success."""
HEAVY = frozenset({61, 117, 160})

OCEAN = frozenset({6, 9, 11, 14, 15, 17, 41})
FIRST_LANDING = 18
FIRST_DRONE_SHIP = frozenset({19, 22})
FROM_VANDENBERG = frozenset({62, 68, 140})

DRAGONS = (
    (frozenset({5, 8, 10, 13}), 4, 1),
    (frozenset({16, 18, 21, *range(30, 92, 5)}), 9, 3),
    (frozenset({93, 99, 106, 112, 118, 122, 128, 134, 135, 142, 149, 155, 158, 170, 186}), 8, 4),
)
"""Per generation of capsules: their launches, how many capsules flew them, the most flights of one."""
CREWED = {93: 2, 106: 4, 122: 4, 134: 4, 135: 4, 155: 4, 158: 4, 186: 4}

MOST_FLIGHTS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 2, 5: 14}
"""Of one core, by its block."""

PAYLOADS = {74: 16, 88: 3, 130: 3, 33: 2, 47: 2, 52: 2, 68: 2, 83: 2, 97: 2, 104: 2, 146: 2, 151: 2}
"""Launches with more than one payload of their own."""
WITH_GUEST = 153
BOILERPLATE = 6
"""A capsule that was none flew on it."""
MISFILED_UPCOMING = 15
"""Its payload says that it flies on the launch before."""
STARLINK = frozenset(range(124, PAST)) - {*HEAVY, UNREPORTED, WITH_GUEST, *PAYLOADS} - DRAGONS[2][0]
"""Launches of satellites of the collection of that name."""

HEAVY_UPCOMING = frozenset({0, 16})
ASSIGNED_UPCOMING = 0
"""The one upcoming launch that has its cores already."""
UPCOMING_WITH_PAYLOAD = frozenset({0, 1, 10, 14, 15, 17})
UPCOMING_BARE = frozenset({1, 9, 10, 14, 15, 17})
"""Upcoming launches of which not even legs and grid fins are known."""
FLIGHT_NUMBERS = (0, 0, 0, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 14, 15)
"""Flight numbers of upcoming launches after the first: shared ones and gaps."""
PRECISIONS = ("hour",) * 5 + ("day",) * 4 + ("month",) * 3 + ("day",) + ("month",) * 5
"""Of the dates of upcoming launches."""


def block(era: int) -> int:
    """The block of a core built then; 0 for Falcon 1, which has none."""
    return sum(era >= first for first in (5, 32, 38, 52, 60))
