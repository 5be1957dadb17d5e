"""Values that study files write as words: names, durations, rounds. What is wrong is raised as `refusal`."""

from __future__ import annotations

import math
import re
import unicodedata
from difflib import get_close_matches
from typing import Any, Final

from pydantic_core import PydanticCustomError

from genai_social_sim.kernel.acts import bare
from genai_social_sim.kernel.roles import TOLD

MAX_NAME: Final = 64
MAX_OPTION: Final = 200
RESERVED: Final = ("system", "user", "assistant")
SLUG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_OWN_WORDS: Final = ("name", "number", "role", "authority")
_JINJA_WORDS: Final = ("and", "else", "false", "if", "in", "is", "loop", "none", "not", "or", "range", "true")
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|min|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_ROUNDS: Final = re.compile(r"([0-9]{1,9}) rounds?")
_PERIOD: Final = re.compile(r"([1-9][0-9]{0,8}) (round|turn)s?")
_MOMENT: Final = re.compile(r"(round|turn) ([1-9][0-9]{0,8})")
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
MAX_NUMBER: Final = 1e100
MAX_SECONDS: Final = 7 * 24 * 3600.0


def refusal(problem: str, remedy: str) -> PydanticCustomError:
    """What a validator raises; `refusals` turns it into a SpecError."""
    return PydanticCustomError("refused", "{problem}", {"problem": problem, "remedy": remedy})


def folded(name: str) -> str:
    """Equal for names that people would take for the same one."""
    return unicodedata.normalize("NFKC", name).casefold()


def any_name(name: str) -> str:
    """A name that prompts, terminals and tables can show as it is."""
    remedy = "Use 1 to 64 letters, digits, blanks or signs, such as `BOT1` or `Dr. Ada Lovelace`."
    if not 1 <= len(name) <= MAX_NAME:
        raise refusal(f"a name has 1 to {MAX_NAME} characters, this has {len(name)}", remedy)
    if name != name.strip():
        raise refusal(f"the name {name!r} begins or ends with a blank", f"Write {name.strip()!r}.")
    for character in name:
        if not _is_seen(character):
            raise refusal(f"a name may not hold the invisible or unusual character {_called(character)}", "Delete it.")
    if ":" in unicodedata.normalize("NFKC", name):
        raise refusal(f"the name {name!r} holds a colon, which ends a speaker's name in prompts", "Leave it out.")
    return name


def agent_name(name: str) -> str:
    """A name that cannot be taken for one of the roles in a prompt."""
    if folded(any_name(name)) in RESERVED:
        raise refusal(f"an agent may not be called {name!r}: prompts use this word", "Use another name.")
    return name


def slug(name: str) -> str:
    """A name that can also name a file."""
    if not SLUG.fullmatch(name):
        raise refusal(
            f"the name {name!r} cannot name a file",
            "Use 1 to 80 letters (a-z), digits, and . _ - (not first), such as `rare-earths`.",
        )
    return name


def attribute_name(name: str) -> str:
    """A name that templates can use."""
    if name in _OWN_WORDS:
        raise refusal(f"an attribute may not be called {name!r}: agents have a {name} already", "Use another word.")
    if not _IDENTIFIER.fullmatch(name) or name.lower() in _JINJA_WORDS:
        raise refusal(
            f"templates cannot use an attribute called {name!r}",
            "Use letters, digits and _, beginning with a letter, such as `home_town`.",
        )
    return name


def told(text: str) -> str:
    """What others are told of a role: one of some words, or a text of more than one word or with a template in it."""
    close = get_close_matches(text, TOLD, n=1)
    if text not in TOLD and close and "{{" not in text:
        raise refusal(f"found the text {text!r}", f"Did you mean `{close[0]}`? Or write what is told in other words.")
    return text


def some_text(text: str) -> str:
    """A text with at least one visible character."""
    if not text.strip():
        raise refusal("the text is empty", "Write what is to be said, or delete the key.")
    return text


def option(text: str) -> str:
    """Something to be chosen: one line that prompts can show and answers can name."""
    if not 1 <= len(text) <= MAX_OPTION:
        raise refusal(f"an option has 1 to {MAX_OPTION} characters, this has {len(text)}", "Say it in fewer words.")
    if text != text.strip():
        raise refusal(f"the option {text!r} begins or ends with a blank", f"Write {text.strip()!r}.")
    for character in text:
        if not _is_seen(character):
            raise refusal(f"an option may not hold the invisible character {_called(character)}", "Delete it.")
    if not bare(text):
        raise refusal(f"the option {text!r} holds nothing but marks", "Write a word or a number.")
    return text


def anchor(text: str) -> str:
    """Words after a number: one line that prompts can show, or nothing."""
    return option(text) if text else text


def not_huge(number: float) -> float:
    """A number with which sums stay finite."""
    if abs(number) > MAX_NUMBER:
        raise refusal(f"{number} is too large", f"Write a number from -{MAX_NUMBER:g} to {MAX_NUMBER:g}.")
    return number


def scalar(value: Any) -> Any:
    """One plain value."""
    if isinstance(value, (bool, str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise refusal("an attribute is one text, number, true or false", "Write for example `age: 52`.")


def seconds(value: Any) -> Any:
    """A duration such as `120 s`, `500 ms`, `2 min`, `1 h`, or a number of seconds."""
    remedy = "Write for example `120 s`, `500 ms`, `2 min` or `1 h`, or a number of seconds."
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            raise refusal(f"{value!r} is not a duration", remedy)
        value = float(found.group(1)) * _SECONDS[found.group(2)]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refusal("this is not a duration", remedy)
    if not 0 < value <= MAX_SECONDS:
        raise refusal("a duration must be longer than nothing and at most 7 days", remedy)
    return float(value)


def rounds(value: Any) -> Any:
    """A number of rounds, with or without the word."""
    if not isinstance(value, str):
        return value
    found = _ROUNDS.fullmatch(value.strip())
    if found is None:
        raise refusal(f"{value!r} is not a number of rounds", "Write for example `2 rounds`.")
    return int(found.group(1))


def period(value: Any) -> Any:
    """How often: so many rounds or turns, as `5 rounds` or `1 turn`."""
    found = _PERIOD.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"{value!r} does not say how often", "Write for example `5 rounds` or `10 turns`.")
    return f"{found.group(1)} {found.group(2)}{'' if found.group(1) == '1' else 's'}"


def moment(value: Any) -> Any:
    """When: `start`, `end`, or after so many rounds or turns, as `round 10` or `turn 40`."""
    word = value.strip() if isinstance(value, str) else None
    if word is None or (word not in ("start", "end") and not _MOMENT.fullmatch(word)):
        raise refusal(f"{value!r} does not say when", "Write `start`, `end`, or for example `round 10` or `turn 40`.")
    return word


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    if category[0] in "CZ":
        return character == " "
    return not _UNSEEN.match(character)


def _called(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
