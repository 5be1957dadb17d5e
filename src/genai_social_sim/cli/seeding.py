"""`gss seed`: says the first word to runs that wait for it, or leaves it for the next one that does."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic_core import PydanticCustomError

from genai_social_sim.broadcast.folder_letterbox import FolderLetterbox
from genai_social_sim.broadcast.redis_letterbox import RedisLetterbox
from genai_social_sim.cli import out
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.ports import Letterbox, Posted
from genai_social_sim.study.original import read_seed
from genai_social_sim.study.words import any_name, some_text

_FOLDER: Final = "openings"  # within the folder of the run files
Note = Callable[[str], None]


def letterbox(broker: str | None, runs: Path, note: Note = lambda words: None) -> Letterbox:
    """Where openings are posted and waited for: on a broker, or else beside the run files on this machine."""
    if broker is not None:
        return RedisLetterbox(broker, clock=SystemClock(), note=note)
    return FolderLetterbox(runs / _FOLDER, clock=SystemClock(), note=note)


def same_place(broker: str | None, runs: Path) -> list[str]:
    """Options by which another command looks for openings in the same place; none that the environment says anyhow."""
    if broker is not None:
        return [] if broker == os.environ.get("GSS_BROKER") else ["--broker", broker]
    return [] if runs == Path("runs") else ["--runs", str(runs)]


def seed_channel(
    channel: str | None, *, opening: Opening | None, file: Path | None, broker: str | None, runs: Path, as_json: bool
) -> None:
    """`gss seed`: hand an opening to the runs that wait for one, or keep it for the next one that does."""
    warnings: tuple[str, ...] = ()
    if file is not None:
        message, warnings = read_seed(file)
        channel, opening = channel or message.channel, Opening(speaker=message.speaker, text=message.text)
    if opening is None or channel is None:
        raise RequestError("in which channel?", where="CHANNEL", remedy='Name it: gss seed CHANNEL --text "..."')
    if Path(channel).is_file():
        remedy = 'A run that waits has no record yet; name its channel, such as: gss seed general --text "..."'
        raise RequestError("this is a file, not a channel", where=channel, remedy=remedy)
    name = ChannelId(_checked(any_name, channel, "CHANNEL"))
    _checked(any_name, opening.speaker, "--from")
    _checked(some_text, opening.text, "--text")
    posted = asyncio.run(_posted(letterbox(broker, runs), name, opening))
    if as_json:
        told = {"channel": name, "waiting": posted.waiting, "kept": not posted.waiting, "replaced": posted.replaced}
        out.envelope(told, warnings=warnings)
        return
    for warning in warnings:
        sys.stderr.write(f"warning: {visible(warning)}\n")
    if posted.waiting:
        out.say(f"{name}: {out.number_of(posted.waiting, 'run')} waited for it.")
        return
    instead = " in the place of the one that lay there" if posted.replaced else ""
    out.say(f"{name}: no run waits for an opening. It is kept{instead}, for the next one that does:")
    out.say(f"  {out.command('gss run STUDY --wait', *same_place(broker, runs))}")


async def _posted(box: Letterbox, channel: ChannelId, opening: Opening) -> Posted:
    try:
        return await box.post(channel, opening)
    finally:
        await box.close()


def _checked(check: Callable[[str], str], value: str, what: str) -> str:
    try:
        return check(value)
    except PydanticCustomError as fault:
        context = fault.context or {}
        raise RequestError(str(context["problem"]), where=what, remedy=str(context["remedy"])) from None
