"""The benchmark's model server is one that our backends take for a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import driving


@pytest.mark.parametrize("protocol", ["ollama", "openai"])
async def test_a_driven_run_is_answered_whole(protocol: driving.Protocol, tmp_path: Path) -> None:
    with driving.server(0.0, pieces=3) as address:
        assert (await driving.bare(address, protocol, 8, 4)).wall_s > 0
        assert (await driving.alone(address, protocol, 8, 4)).wall_s > 0
        assert (await driving.whole(tmp_path / "run.sqlite", address, protocol, 16, 4)).wall_s > 0
