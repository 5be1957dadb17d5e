"""Both letterboxes sit the same examination."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.brokers import BrokerServer

from genai_social_sim.broadcast.folder_letterbox import FolderLetterbox
from genai_social_sim.broadcast.redis_letterbox import RedisLetterbox
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.ports import Posted
from genai_social_sim.testing.letterboxes import CHECKS, OpenLetterbox, check_an_opening_is_kept_for_who_comes_later

Check = Callable[[OpenLetterbox], Awaitable[None]]
each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))


@each_check
async def test_an_opening_comes_through_a_folder(check: Check, tmp_path: Path) -> None:
    await check(lambda: FolderLetterbox(tmp_path / "openings", clock=SystemClock()))


@each_check
async def test_an_opening_comes_over_a_broker(check: Check, valkey: BrokerServer) -> None:
    await check(lambda: RedisLetterbox(valkey.url, clock=SystemClock()))


class Forgetful(FolderLetterbox):
    async def post(self, channel: ChannelId, opening: Opening) -> Posted:
        return Posted(waiting=0, replaced=False)


async def test_the_examination_fails_a_letterbox_that_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="replaced"):
        await check_an_opening_is_kept_for_who_comes_later(lambda: Forgetful(tmp_path, clock=SystemClock()))
