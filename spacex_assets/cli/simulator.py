"""The commands of the simulated SpaceX API: simulator serve, edit, reset."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spacex_assets.config import Settings

if TYPE_CHECKING:
    from spacex_assets.simulator.content import Content


@click.group()
def simulator() -> None:
    """The simulated SpaceX API: SPACEX_SIMULATED_LAUNCHES (205) and SPACEX_SIMULATED_SEED (42) say which fleet flies.

    Its corrections are kept in .local/simulator/edits.json.
    """


@simulator.command()
@click.option("--port", default=8080, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; anybody may change it.")
@click.option("--recordings", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Serve this folder.")
@click.pass_obj
def serve(settings: Settings, port: int, host: str, recordings: Path | None) -> None:
    """Serve the simulated fleet, or a folder of recorded responses, over HTTP until Ctrl-C.

    Every document is made before the server says that it is ready. Corrections of recorded responses end with it.

    \b
    While it serves, GET shows what is in force, POST adds to it, DELETE ends it all:
      /simulator/edits   {"endpoint": "cores", "id": "...", "change": {"path": value}}, or "change": null to delete
      /simulator/faults  {"kind": "status", "status": 503, "endpoint": "cores", "times": 2}
    The other kinds of fault are reset, truncated, slow ("bytes_per_second"), html, error and body ("body").
    Without "endpoint" a fault is for all, with "times": null for ever; "seconds" delays it.
    """
    from spacex_assets.simulator.content import Content, Recordings
    from spacex_assets.simulator.fleet import COLLECTIONS
    from spacex_assets.simulator.server import listening
    from spacex_assets.simulator.server import serve as serve_content

    with listening(port, host) as listener:
        content = Content(Recordings(recordings)) if recordings else _fleet(settings)
        for endpoint in COLLECTIONS if content.simulated else ():
            content.spool(endpoint)
        url = f"http://{host}:{listener.getsockname()[1]}"
        click.echo(f"Serving on {url}, for example {url}/v5/launches. Ctrl-C ends it.", err=True)
        serve_content(content, listener)


@simulator.command()
@click.argument("endpoint")
@click.argument("document_id")
@click.argument("change")
@click.pass_obj
def edit(settings: Settings, endpoint: str, document_id: str, change: str) -> None:
    """Correct a document of the simulated source: CHANGE is JSON, {"path": value}, or null to delete it.

    Dots in a path lead into objects. A simulated document goes on saying that it is: a correction of its name gets
    " (simulated)" appended. A whole document under a new id is added. A server that runs already does not
    see the correction; POST it to its /simulator/edits.
    """
    from spacex_assets.simulator.content import EditRefused

    try:
        wanted = json.loads(change)
    except ValueError as error:
        raise EditRefused(f"Expected JSON, found {change!r}: {error}") from error
    _fleet(settings).edit(endpoint, document_id, wanted)
    click.echo(f"Corrected {endpoint} {document_id}; the next run picks it up.")


@simulator.command()
@click.pass_obj
def reset(settings: Settings) -> None:
    """Forget every correction of the simulated source; a server that runs already keeps its own."""
    _fleet(settings).reset()


def _fleet(settings: Settings) -> "Content":
    from spacex_assets.simulator.content import Content
    from spacex_assets.simulator.fleet import Fleet

    fleet = Fleet(settings.simulated_seed, settings.simulated_launches)
    return Content(fleet, settings.local.absolute() / "simulator" / "edits.json")
