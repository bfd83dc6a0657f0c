"""A row's story as text."""

import json
from collections.abc import Iterator
from typing import Any

from spacex_assets.inspection.entries import listed
from spacex_assets.inspection.story import Story
from spacex_assets.inspection.versions import Version
from spacex_assets.inspection.words import moment, pretty


def told(story: Story) -> str:
    """All of it: what the row is, where it comes from, what it was before, what is in quarantine, the document."""
    return "\n".join([*_now(story), *_origin(story), *_versions(story), *_quarantine(story), *_document(story)])


def _now(story: Story) -> Iterator[str]:
    name = f"{story.table} {' '.join(map(str, story.key.values()))}"
    at = moment(story.at)
    if story.present is None:
        last = story.versions[-1] if story.versions else None
        gone = f"gone since {moment(last.valid_to)}, {_ended(last)}" if last and last.valid_to else "not there yet"
        yield f"{name}, at {at}: {gone}"
        return
    kept = "; retained, for the source has it no longer whole" if story.retained else ""
    yield f"{name}, at {at}: present{kept}"
    empty = [column for column, value in story.present.values.items() if value is None]
    width = max(map(len, story.present.values), default=0)
    for column, value in story.present.values.items():
        if value is not None:
            yield f"  {column:<{width}}  {_value(value)}"
    if empty:
        yield f"  null: {', '.join(empty)}"
    yield ""
    yield f"first seen  {moment(story.present.first_seen_at)}"
    yield f"so since    {moment(story.present.valid_from)}, {_begun(story.present)}"


def _origin(story: Story) -> Iterator[str]:
    if story.present is None:
        return
    if story.origin is None:
        repair = "once the source has it whole again" if story.retained else "next"
        yield f"source      none: no load that the ledger knows wrote these values; a run repairs them {repair}"
        return
    origin = story.origin
    yield f"source      {origin.url or origin.source}, fetched {moment(origin.fetched_at)}"
    if story.present.edited:
        repair = "once the source has it whole again" if story.retained else "next"
        yield f"by hand     edited since in volatile columns, by whom and when is not kept; a run repairs it {repair}"
    if story.confirmed_at is not None:
        yield f"confirmed   {moment(story.confirmed_at)}, when the source was last asked and still had it so"
    yield f"snapshot    sha256 {origin.sha256}"
    if origin.body is None:
        yield "            its body is not in this lake (SPACEX_LAKE)"
    else:
        yield f"            document {origin.position} (from 0) of {origin.body}"


def _versions(story: Story) -> Iterator[str]:
    if story.versions:
        yield ""
        yield f"{len(story.versions)} version(s):"
    for version in story.versions:
        until = f" until {moment(version.valid_to)}" if version.valid_to else ""
        again = ", back again" if version.returned else ""
        yield f"  since {moment(version.valid_from)}{until}, {_begun(version)}{again}"
        for change in version.changes:
            yield f"    {change.column}: {_value(change.before)} → {_value(change.after)}"
        if version.ended_by in ("delete", "truncate"):
            yield f"    gone, {_ended(version)}"


def _quarantine(story: Story) -> Iterator[str]:
    if story.quarantine:
        yield ""
        yield f"{len(story.quarantine)} time(s) in quarantine:"
        yield listed(story.quarantine)


def _document(story: Story) -> Iterator[str]:
    if story.origin is not None and story.origin.document is not None:
        yield ""
        yield "the document:"
        yield pretty(story.origin.document)


def _begun(version: Version) -> str:
    if version.run_id is not None:
        return f"by run {version.run_id}"
    return f"by hand, by the user {version.user}" if version.user else "inserted by hand"


def _ended(version: Version) -> str:
    who = f"run {version.ended_run_id}" if version.ended_run_id else f"the user {version.ended_user}, by hand"
    return f"by a {version.ended_by} of {who}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
