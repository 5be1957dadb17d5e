"""`gss worker`."""

from __future__ import annotations

from typing import Any

import click

from genai_social_sim.cli.command import Command, json_option


@click.command(
    cls=Command,
    examples=[
        ("gss worker --broker redis://lab:6379/0", "answer turns for whatever runs there"),
        ("gss worker --broker redis://lab:6379/0 --backend ollama --slots 2", "two at once, of Ollama's models alone"),
    ],
    exits={0: "told to stop, and what it had in hand is done", 1: "it failed", 130: "stopped by Ctrl-C, as with 0"},
    json_keys='JSON lines {"what", "words"}; the last line is {"ok": true, "data": {"answered", "failed", "dropped"}, '
    '"warnings": []}.',
)
@click.option(
    "--broker", metavar="URL", envvar="GSS_BROKER", show_envvar=True, required=True, help="Where turns are handed out."
)
@click.option(
    "--backend",
    "backends",
    multiple=True,
    metavar="NAME",
    help="Serve this backend alone. Repeatable.  [default: embedded, ollama, openai, scripted]",
)
@click.option(
    "--slots",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Turns at once.  [default: as many as each model takes]",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="VALUE",
    help="A server, a file of weights or the name of a key's variable that studies may name. Repeatable.",
)
@click.option("--name", metavar="NAME", help="What records call this worker.  [default: host and process]")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input does.")
@json_option
def worker(**given: Any) -> None:
    """Answer turns for runs elsewhere.

    It serves every run at a broker whose model it can open, beside as many other workers as there are. It runs nothing
    that it is sent but prompts. Ctrl-C lets it finish what it has in hand; a second one ends it at once.
    """
    from genai_social_sim.cli.serving import Wish, serve

    serve(Wish(**given))
