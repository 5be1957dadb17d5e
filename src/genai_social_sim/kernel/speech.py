"""From a raw answer to an utterance: a part of it, cut where the model goes on as somebody else, else untouched.

And from an utterance to the form that prompts show: nothing in it can pass for another speaker's line or for
a mark of a chat template. Knows nothing of turns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from genai_social_sim.domain.events import Cut
from genai_social_sim.domain.text import Text

BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
COLONS: Final = ":\uff1a\ufe55\ufe13\ua789\u2236\u02d0"
_ANY_COLON: Final = re.compile(f"[{COLONS}]")
_HEAD: Final = re.compile(rf"([^{COLONS}{BREAKS}]+)[{COLONS}]")
_LABEL: Final = re.compile(rf"(?:^|(?<=[{BREAKS}])){_HEAD.pattern}")
_AFTER: Final = " \t*_#>\"'`~[](){}<>|-\u2013\u2014\u2022\u201c\u201d\u2018\u2019.,"
_BEFORE: Final = _AFTER + "0123456789"
_ASIDE: Final = re.compile(r"\s*[(\[{*].*$", re.DOTALL)
_ANY_BREAK: Final = re.compile(rf"(?:\r\n|[{BREAKS}])")
_HARMLESS: Final = bytes([code for code in range(32, 127) if chr(code) not in "<>["])
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]")
_TEMPLATE_MARK: Final = re.compile(
    r"<(?=[|\uff5c/<]|(?:s|bos|eos|unk|pad|sop|eop|think|tool_call|im_start|im_end|system|user|assistant)>"
    r"|(?:start|end)_of|(?:extra_id|reserved)_\d)"
    r"|(?<=[|\uff5c])(?=>)|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_|AVAILABLE_TOOLS|g?MASK))",
    re.IGNORECASE,
)
# Seen as nothing or as a blank although neither white space nor of category Cf: fillers, variation selectors.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def folded(name: str) -> str:
    """A name as it is compared: without case, look-alike forms (NFKC) and invisible characters."""
    visible = "".join([char for char in name if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf")])
    return " ".join(_UNSEEN.sub("", unicodedata.normalize("NFKC", visible)).casefold().split())


def cut_of(raw: str, *, speaker: str, names: Collection[str]) -> Cut | None:
    """Which part of `raw` is `speaker`'s own; None if all of it is.

    Args:
        raw: The model's answer.
        speaker: Who had the turn.
        names: All names that could be spoken for, each as `folded` gives it.
    """
    start, end, why, other = 0, len(raw), "trimmed", ""
    has_label = ":" in raw or not (raw.isascii() or _ANY_COLON.search(raw) is None)
    if not has_label and len(raw.strip()) == end:
        return None
    if has_label:
        me = folded(speaker)
        found = _LABEL.search(raw)
        while found:
            name = _named(found[1], names)
            if name == me and not raw[start : found.start()].strip():
                start, why = found.end(), "label"
                found = _HEAD.match(raw, start) or _LABEL.search(raw, start)
            elif name:
                end, why, other = found.start(), "spoke_for", name
                break
            else:
                found = _LABEL.search(raw, found.end())
    kept = raw[start:end]
    start += len(kept) - len(kept.lstrip())
    end = start + len(kept.strip())
    return None if (start, end) == (0, len(raw)) else Cut(start=start, end=max(start, end), why=why, other=other)  # type: ignore[arg-type]


def _named(label: str, names: Collection[str]) -> str:
    """The known name that `label`, what stands before a colon at the start of a line, claims to be."""
    plain = folded(label)
    for claim in (plain, _bare(plain), _bare(_ASIDE.sub("", plain))):
        if claim in names:
            return claim
    return ""


def _bare(label: str) -> str:
    return label.lstrip(_BEFORE).rstrip(_AFTER)


def shown(text: Text, *, inline: bool) -> Text:
    """`text` as a prompt shows it.

    With `inline` it stands on a speaker's line: line breaks are followed by two blanks, so that no part of it begins
    a line. Marks of chat templates get a blank inside, control characters become U+FFFD. Most texts stay as they are.
    """
    value = text.value
    if value.isascii():
        if not value.encode().translate(None, _HARMLESS):  # as most are, told quickly
            return text
    elif value.isprintable() and not ("<" in value or ">" in value or "[" in value):
        return text
    value = _ANY_BREAK.sub("\n  " if inline else "\n", value)
    value = _CONTROL.sub("\ufffd", value)
    value = _TEMPLATE_MARK.sub(lambda mark: mark[0] + " ", value)
    return text if value == text.value else Text.of(value)
