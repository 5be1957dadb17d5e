"""`gss observe` and `gss show`."""

from __future__ import annotations

from pathlib import Path

import click

from genai_social_sim.cli.command import Command, broker_option, json_option, run_argument


@click.command(
    cls=Command,
    examples=[
        ("gss observe runs/rare-earths-1a2b3c4d-seed42.sqlite --follow", "a run, until it ends"),
        ("gss observe --broker redis://127.0.0.1:6379 general", "a channel, live, until Ctrl-C"),
    ],
    exits={130: "interrupted; the run itself goes on"},
    json_keys="JSON lines. Of a run: one an event, and at the end "
    '{"ok": true, "data": {"run", "status", "turns", "digest"}, "warnings": []}. Of channels: one a message, '
    '{"from", "message", "timestamp", "run", "channel", "turn", "round"} or {"channel", "malformed", "begins"}.',
)
@click.argument("names", metavar="RUN | CHANNEL...", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Keep watching until the run is finished, interrupted or failed.")
@broker_option
@json_option
def observe(names: tuple[str, ...], *, follow: bool, broker: str | None, as_json: bool) -> None:
    """Print what is said in a run, as it happens.

    The run may be finished, or be played by another process meanwhile. With --broker: what is published on channels
    (on all of them if none is named), by runs with the same --broker or by the original bots.
    """
    if broker is not None and not (len(names) == 1 and Path(names[0]).is_file()):
        from genai_social_sim.cli.listening import listen

        listen(broker, names, as_json=as_json)
        return
    if len(names) != 1:
        raise click.UsageError("name one run file, or channels together with --broker URL")
    from genai_social_sim.cli.watching import watch

    watch(Path(names[0]), follow=follow, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss show runs/rare-earths-1a2b3c4d-seed42.sqlite", "the run at a glance"),
        ("gss show runs/rare-earths-1a2b3c4d-seed42.sqlite --turn 3", "all of its fourth turn"),
    ],
    exits={130: "", 1: "there is no such turn, or the file is no record"},
    json_keys='One document: {"ok": true, "data": {...}, "warnings": []}.',
)
@run_argument
@click.option("--turn", type=click.IntRange(0), metavar="N", help="Show everything of one turn. Turns count from 0.")
@click.option("--probe", metavar="NAME", help="With --turn and --agent: what was asked aside before that turn.")
@click.option("--agent", metavar="NAME", help="With --probe: who was asked.")
@json_option
def show(run: Path, *, turn: int | None, probe: str | None, agent: str | None, as_json: bool) -> None:
    """Show a run at a glance, or all of one turn.

    With --turn: exactly what the model was sent, with which parameters, and what it answered.
    """
    if (probe is None) != (agent is None) or (probe is not None and turn is None):
        raise click.UsageError("--turn N, --probe NAME and --agent NAME go together")
    if turn is None:
        from genai_social_sim.cli.glance import show_run

        show_run(run, as_json=as_json)
    else:
        from genai_social_sim.cli.turns import show_turn
        from genai_social_sim.domain.events import Aside
        from genai_social_sim.domain.ids import AgentId

        aside = None if probe is None or agent is None else Aside(probe, AgentId(agent))
        show_turn(run, turn, aside, as_json=as_json)
