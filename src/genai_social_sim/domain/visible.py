"""Makes characters that act instead of being seen visible: hostile text becomes harmless to look at.

One function for the terminal, CSV cells and the page. It knows nothing of where the text goes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_CONTROLS: Final = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
# Unicode categories Cf, Zl and Zp but for the two joiners: bidirectional and zero-width characters, tags.
_FORMATS: Final = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f"
)
_JOINERS: Final = "\u200c\u200d"
# Between two of these, Arabic to Sinhala, Myanmar and emoji, a joiner is part of the spelling.
_JOINED: Final = "\u0620-\u0dff\u1000-\u109f\ufe0f\u2190-\u21ff\u2600-\u27bf\U0001f000-\U0001faff"


@lru_cache(maxsize=32)
def odd_characters(keep: str = "\n") -> re.Pattern[str]:
    """One match for each character that `visible` shows; control characters in `keep` are let through."""
    controls = re.escape("".join([char for char in _CONTROLS if char not in keep]))
    return re.compile(f"[{controls}{_FORMATS}]|(?<![{_JOINED}])[{_JOINERS}]|[{_JOINERS}](?![{_JOINED}])")


def visible(text: str, *, keep: str = "\n") -> str:
    """`text` with control, bidirectional, zero-width and other format characters written out, such as ⟨U+001B⟩.

    Args:
        text: Anything.
        keep: Control characters that stay as they are.
    """
    if text.isprintable():
        return text
    return odd_characters(keep).sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"
