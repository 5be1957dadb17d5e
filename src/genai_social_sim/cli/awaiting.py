"""`gss run --wait`: the agents are ready, and somebody elsewhere says the first word."""

from __future__ import annotations

import asyncio
import glob
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from genai_social_sim.api.run import Run
from genai_social_sim.api.study import Study
from genai_social_sim.broadcast.connection import shown
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.cli.interrupts import Interrupts
from genai_social_sim.cli.playing import Wish, play, play_on, standing
from genai_social_sim.cli.seeding import letterbox, same_place
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RecordError, RequestError, SocialSimError, SpecError
from genai_social_sim.ports import Letterbox

_STOPPED: Final = ("interrupted", "failed", "killed", "running or killed")


def play_opened(study: Path, wish: Wish, *, seed: int | None, changes: Sequence[str], runs: Path, again: bool) -> None:
    """`gss run --wait`: play a study once each of its channels has an opening; first go on where one was stopped."""
    loaded = Study.load(study, changes=changes)
    if loaded.has_design:
        raise RequestError(
            "a study with conditions or replicates is more than one run, and --wait is for one",
            where=str(study),
            remedy="Write the openings into the study.",
        )
    if not loaded.unopened:
        raise RequestError(
            "there is nothing to wait for: every channel of this study has its opening",
            where=str(study),
            remedy=f"Leave `opening` out of a channel; or play it as it is: {out.command('gss run', study)}",
        )
    if not again and (begun := _begun(loaded, seed=seed, runs=runs)) is not None:
        play_on(begun, wish)
        return
    openings = _awaited(loaded, wish, runs)
    opened = loaded.with_openings(openings)
    path = opened.record_path(seed=seed, runs=runs, again=again)
    try:
        play(opened, wish, seed=seed, runs=runs, again=again)
    except BaseException:
        if not standing(path):
            asyncio.run(_put_back(letterbox(wish.broker, runs), openings))
        raise


def _begun(study: Study, *, seed: int | None, runs: Path) -> Path | None:
    """A run of this study that got its openings before, and has not come to its end."""
    bare = json.loads(study.recorded(seed=seed))
    for path in sorted(runs.glob(f"{glob.escape(study.name)}-*.sqlite")):
        try:
            with Run(path) as run:
                if run.status not in _STOPPED or run.seed != (study.seed if seed is None else seed):
                    continue
                recorded = run.study
        except RecordError:
            continue
        for name in study.unopened:
            recorded["channels"].get(name, {}).pop("opening", None)
        if recorded == bare:
            return path
    return None


def _awaited(study: Study, wish: Wish, runs: Path) -> dict[ChannelId, Opening]:
    interrupts = Interrupts("Nothing was recorded.")
    waiting = _Waiting(study, wish, runs)
    try:
        return interrupts.run(waiting.openings())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise InterruptedRunError("interrupted while it waited for an opening; nothing was recorded") from None


class _Waiting:
    """A study whose agents are ready and wait for somebody to say the first word."""

    def __init__(self, study: Study, wish: Wish, runs: Path) -> None:
        self._study = study
        self._wish = wish
        self._runs = runs
        self._found: dict[ChannelId, Opening] = {}

    async def openings(self) -> dict[ChannelId, Opening]:
        """An opening for each channel that has none; what came is put back if the wait is given up."""
        if self._wish.workers is None:  # else whoever answers looks for itself
            await self._study.acheck_models()
        channels = [ChannelId(name) for name in self._study.unopened]
        box = letterbox(self._wish.broker, self._runs, self._note)
        try:
            await self._until_all_came(box, channels)
        except BaseException:
            await _put_back(box, self._found)
            raise
        finally:
            await box.close()
        return self._found

    async def _until_all_came(self, box: Letterbox, channels: Sequence[ChannelId]) -> None:
        async with box.letters(channels) as letters:
            self._tell(channels)
            async for channel, opening in letters:
                if self._takes(channel, opening) and len(self._found) == len(channels):
                    return

    def _takes(self, channel: ChannelId, opening: Opening) -> bool:
        try:
            self._study.with_openings({channel: opening})
        except SpecError as fault:
            self._note(f"the opening that came for {channel} is left out: {fault}")
            return False
        if channel in self._found:
            self._note(f"another opening came for {channel}; it takes the place of the first")
        self._found[channel] = opening
        missing = [name for name in self._study.unopened if name not in self._found]
        if missing:
            self._note(f"{channel} has its opening; still to come: {', '.join(missing)}")
        return True

    def _tell(self, channels: Sequence[ChannelId]) -> None:
        where = f" at {shown(self._wish.broker)}" if self._wish.broker else ""
        self._note(f"waiting for the opening of {' and of '.join(channels)}{where}; elsewhere, for example:")
        options = same_place(self._wish.broker, self._runs)
        self._note(f"  {out.command('gss seed', channels[0], '--text', 'Begin.', *options)}")

    def _note(self, words: str) -> None:
        with suppress(OSError):  # nobody reads any more; the run waits on
            if self._wish.as_json:
                sys.stderr.write(f"{visible(words, keep='')}\n")
                sys.stderr.flush()
            else:
                out.say(f"-- {visible(words, keep='')}", style="dim")
                sys.stdout.flush()


async def _put_back(box: Letterbox, openings: dict[ChannelId, Opening]) -> None:
    """Nothing is lost: what came and was not used waits for the next run that does."""
    for channel, opening in openings.items():
        try:
            await box.post(channel, opening)
        except SocialSimError as fault:
            sys.stderr.write(f"warning: the opening of {channel} could not be put back: {fault}\n")
    await box.close()
