"""Workers of which one falls asleep in the middle of a turn: begin them with this code."""

from __future__ import annotations

from pathlib import Path

TURN = 8
_CODE = """
import os, signal
from genai_social_sim.backends.scripted import ScriptedModel
_complete = ScriptedModel.complete
async def complete(self, request):
    answer = await _complete(self, request)
    if request.turn == {turn}:
        try:
            with open({place!r}, "x") as asleep:
                asleep.write(str(os.getpid()))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
    return answer
ScriptedModel.complete = complete
"""


def code(place: Path) -> str:
    """The first that has an answer to turn `TURN` writes its process id to `place` and stops before it gives it."""
    return _CODE.format(turn=TURN, place=str(place))
