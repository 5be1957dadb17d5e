"""Powers that a role gives: what an agent may do beside speaking, and what it can have done with them."""

from __future__ import annotations

from typing import Final, Literal, get_args

Power = Literal["choose_next", "mute", "close", "see_probes"]
POWERS: Final[tuple[Power, ...]] = get_args(Power)
POWERS_ASKED: Final = "~powers"  # the name of the call, where those of probes have the probe's; no probe is called so
Deed = Literal["nothing", "choose_next", "mute", "unmute", "close"]
