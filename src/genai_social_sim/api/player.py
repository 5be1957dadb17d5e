"""A process that plays the runs it is told of, one at a time: `python -m genai_social_sim.api.player`.

It is told on standard input and answers on standard output, JSON line by line. When nobody can tell it anything more
it ends at once, wherever it is: its records are in order at any moment, and whoever begins anew finds nobody at work.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from genai_social_sim.api import paying
from genai_social_sim.api.counting import Counting
from genai_social_sim.api.outcome import Fault
from genai_social_sim.api.play import Settings, played, resumed
from genai_social_sim.api.run import Run
from genai_social_sim.api.study import begun, make_room
from genai_social_sim.domain.origin import Assignment
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.budget import Budget
from genai_social_sim.study.lowering import from_canonical, lower


def main() -> None:
    """Play until standard input ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
        asyncio.run(_Player(out).serve())


class _Player:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._jobs: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._playing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()
        while True:
            job = await self._jobs.get()
            self._playing = asyncio.create_task(self._play(job))
            fault = None
            try:
                await self._playing
            except asyncio.CancelledError:
                fault = Fault(code="interrupted", problem="interrupted; it can be gone on with")
            except Exception as error:  # noqa: BLE001 (it is told, and the next run may do better)
                fault = Fault.of(error)
            self._tell({"fault": fault and _plain(fault)})

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            said = json.loads(line)
            if "stop" in said:
                loop.call_soon_threadsafe(self._stop)
            else:
                loop.call_soon_threadsafe(self._jobs.put_nowait, said)
        os._exit(0)

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()

    async def _play(self, job: Mapping[str, Any]) -> None:
        path = Path(job["path"])
        there = begun(path)
        settings = Settings(
            budget=Budget(**job["budget"]),
            observers=[Counting(lambda turns: self._tell({"turns": turns}), turns=_turns(path) if there else 0)],
            say=lambda words: self._tell({"say": words}),
            **job["settings"],
        )
        if "study" not in job:  # a fork, which is there already
            await resumed(path, settings)
            return
        plan = lower(from_canonical(job["study"]), seed=job["seed"])
        settings = replace(
            settings,
            assignment=Assignment(**job["assignment"]),
            prices=paying.recorded(job["paying"], plan),
            description=job["description"],
        )
        if there:
            await resumed(path, settings)
        else:
            make_room(path)
            await played(path, plan, Text.of(job["study"]), settings)

    def _tell(self, what: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(what) + "\n")
        self._out.flush()


def _turns(path: Path) -> int:
    with Run(path) as run:
        return run.turns


def _plain(fault: Fault) -> dict[str, str]:
    return {"code": fault.code, "problem": fault.problem, "where": fault.where, "remedy": fault.remedy}


if __name__ == "__main__":
    main()
