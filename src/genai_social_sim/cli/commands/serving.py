"""`gss serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss serve", "the runs in the folder runs, in a browser on this machine"),
        ("gss serve results --host 0.0.0.0", "for others, who need the token that it prints"),
    ],
    exits={0: "stopped by Ctrl-C", 1: "", 130: ""},
    json_keys='One line once it listens: {"ok": true, "data": {"url", "folder"}, "warnings": []}.',
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("runs"))
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", help="Where it listens; 0: any free port.  [default: 8420]"
)
@click.option(
    "--host", metavar="H", default="127.0.0.1", show_default=True, help="Address to listen on: by default this machine."
)
@click.option(
    "--token",
    metavar="T",
    envvar="GSS_PAGE_TOKEN",
    show_envvar=True,
    help="What readers need.  [default: none on this machine, elsewhere one that is made and printed]",
)
@click.option(
    "--name", "names", multiple=True, metavar="NAME", help="A further host name it may be asked by. Repeatable."
)
@click.option("--embed", metavar="ORIGIN", help="Let pages of this origin show it in a frame: http://localhost:8888.")
@click.option(
    "--broker",
    metavar="URL",
    envvar="GSS_BROKER",
    show_envvar=True,
    help="Ask this broker how much it holds of runs that are handed out over it.",
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input does.")
@json_option
def serve(**given: Any) -> None:
    """Show run files and live runs in a browser.

    The page only reads. DIR is a folder, whose folders are looked through, too, or one run file.
    """
    from genai_social_sim.cli.page import Wish, serve_page

    serve_page(Wish(**given))
