"""Names as types, so that a speaker cannot be passed where a channel is meant."""

from __future__ import annotations

from typing import NewType

AgentId = NewType("AgentId", str)
ChannelId = NewType("ChannelId", str)
RoleId = NewType("RoleId", str)
