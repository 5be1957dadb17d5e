"""`gss verify` and `gss replay`."""

from __future__ import annotations

from pathlib import Path

import click

from genai_social_sim.cli.command import Command, json_option, run_argument


@click.command(
    cls=Command,
    examples=[
        ("gss verify runs/rare-earths-1a2b3c4d-seed42.sqlite", "is this what was written?"),
        ("gss verify copy.sqlite --json", "the same, for a program"),
    ],
    exits={0: "the record is what was written", 1: "it is not: the first bad event is named", 130: ""},
    json_keys='{"ok": true, "data": {"run", "ok", "events", "turns", "status", "digest", "event", "problem", '
    '"file", "past"}, "warnings": []}; "past": what of it stands in other files, '
    '[{"file", "events"}, ...]; a bad record gives the same data beside "ok": false and "error".',
)
@run_argument
@json_option
def verify(run: Path, *, as_json: bool) -> None:
    """Check that a record is what was written.

    Names the first event that was changed, removed or added. The past that a fork shares is checked where it is.
    """
    from genai_social_sim.cli.proving import verify_run

    verify_run(run, as_json=as_json)


@click.command(
    cls=Command,
    examples=[
        ("gss replay runs/rare-earths-1a2b3c4d-seed42.sqlite", "play it again without a model"),
        ("gss replay copy.sqlite --json", "the same, for a program"),
    ],
    exits={0: "the same digest", 1: "it differs: the first difference is named", 130: ""},
    json_keys='{"ok": true, "data": {"run", "ok", "turns", "digest", "recorded", "problem"}, "warnings": []}; '
    'one that differs gives the same data beside "ok": false and "error".',
)
@run_argument
@json_option
def replay(run: Path, *, as_json: bool) -> None:
    """Play a run again without a model.

    Its recorded answers must lead to the same prompts, parameters, seeds and digest.
    """
    from genai_social_sim.cli.proving import replay_run

    replay_run(run, as_json=as_json)
