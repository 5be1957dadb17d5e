"""`gss observe --broker`: prints what is said on a broker's channels, live."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from genai_social_sim.broadcast.connection import shown
from genai_social_sim.broadcast.hearing import Away, Heard, Listening, heard
from genai_social_sim.broadcast.message import Malformed, Message, as_document
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.observers.story import Note, Said, Told
from genai_social_sim.observers.transcript import Transcript


def listen(broker: str, channels: Sequence[str], *, as_json: bool) -> None:
    """Print what is published on `channels`, or on all of them, until somebody has heard enough."""
    transcript = Transcript(sys.stdout, channels=len(channels) != 1)
    try:
        for one in heard(broker, channels):
            if as_json:
                _print_json(one)
            else:
                transcript.show(_told(one, broker, channels))
                sys.stdout.flush()
    except KeyboardInterrupt:
        raise InterruptedRunError("no longer listening; what is being played goes on") from None


def _told(one: Heard, broker: str, channels: Sequence[str]) -> Told:
    match one:
        case Message():
            how = f"to {one.to} alone" if one.to else ""
            return Said(channel=one.channel, speaker=one.sender, text=one.text, how=how)
        case Malformed():
            return Note(channel=one.channel, words=f"no message, since {one.why}: {one.begins}")
        case Listening(again=False):
            return Note(words=f"listening to {', '.join(channels) or 'all channels'} at {shown(broker)}")
        case Listening():
            return Note(words="the broker is back; what was said meanwhile is in the record of the run")
        case Away():
            return Note(words=f"the broker is away ({one.why}); waiting for it")


def _print_json(one: Heard) -> None:
    match one:
        case Message():
            out.json_line(as_document(one))
        case Malformed():
            out.json_line({"channel": one.channel, "malformed": one.why, "begins": one.begins})
        case Listening() | Away():
            out.hint("-- the broker is away" if isinstance(one, Away) else "-- listening")
