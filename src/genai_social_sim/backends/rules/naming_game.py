"""Minimal naming game: two meet, one names the thing; words spread until all use one.

The speaker says a word of its inventory, drawn; without one it invents one and keeps it. If the listener knows the
word, both forget all others; if not, the listener adds it. For `protocol: {kind: pairwise, acts: in_turn, shows:
nothing}` with a memory of at least 3 utterances. The speaker says `WORD of INVENTORY`, the listener answers
`yes: INVENTORY` or `no: INVENTORY`, its own after the meeting; words are parted by blanks.

Source: Baronchelli, Felici, Loreto, Caglioti and Steels (2006), Sharp transition towards shared vocabularies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from genai_social_sim.backends.rules.base import Rule

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class NamingGame(Rule):
    """The options of `rule: naming_game`."""

    rule: Literal["naming_game"]

    def says(self, seen: Observation) -> str:
        """A word, or the answer to one."""
        words = _inventory(seen)
        named = _named(seen)
        if named is None:
            words = words or (f"{seen.agent}-{seen.turn}".replace(" ", "_"),)
            return f"{seen.dice.choice(words)} of {' '.join(words)}"
        return f"yes: {named}" if named in words else f"no: {' '.join((*words, named))}"


def _inventory(seen: Observation) -> tuple[str, ...]:
    """What the agent knows: what it said last, and less if it was understood then."""
    own = next((at for at in reversed(range(len(seen.heard))) if seen.heard[at][0] == seen.agent), None)
    if own is None:
        return ()
    text = seen.heard[own][1]
    word, is_word, words = text.partition(" of ")
    if not is_word:
        return tuple(text.partition(": ")[2].split())
    answered = seen.heard[own + 1 : own + 2]
    understood = bool(answered) and answered[0][1].startswith("yes: ")
    return (word,) if understood else tuple(words.split())


def _named(seen: Observation) -> str | None:
    """The word that waits for this agent's answer, if one does: the last line heard, and another's."""
    if not seen.heard or seen.heard[-1][0] == seen.agent:
        return None
    word, is_word, _ = seen.heard[-1][1].partition(" of ")
    return word if is_word else None
