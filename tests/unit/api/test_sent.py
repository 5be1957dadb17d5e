"""What really went out where a backend left out what was heard first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.servers import study_text

from genai_social_sim import Run, Study
from genai_social_sim.cli.turns import show_turn
from genai_social_sim.testing.ollama_server import OllamaServer, ollama_server

LONG = " ".join(["word"] * 30)  # what is said in each turn; the stand-in counts a token a word


async def dropped(folder: Path, policy: str = "drop_oldest") -> tuple[Run, OllamaServer]:
    async with ollama_server(LONG) as server:
        model: dict[str, Any] = {"backend": "ollama", "model": "tiny", "host": server.address, "context": 256}
        text = study_text(model | {"on_too_long": policy}, stop={"turns": 14})
        return await Study.parse(text).arun(runs=folder), server


@pytest.mark.parametrize("policy", ["drop_oldest", "summarise"])
async def test_it_is_the_prompt_that_the_server_got(tmp_path: Path, policy: str) -> None:
    run, server = await dropped(tmp_path, policy)
    sent, whole = run.sent(13), run.prompt(13)
    assert sent is not None
    assert [{"role": role, "content": text} for role, text in sent.chat()] == server.calls[-1]["messages"]
    assert whole is not None
    assert len(sent.text) < len(whole.text)
    assert run.sent(0) == run.prompt(0)


async def test_show_says_how_many_lines_were_left_out(tmp_path: Path, capsys: Any) -> None:
    run, server = await dropped(tmp_path)
    show_turn(run.path, 13, as_json=True)
    told = json.loads(capsys.readouterr().out)["data"]
    assert told["sent"] == server.calls[-1]["messages"]
    assert told["prompt_checks"]
    show_turn(run.path, 13, as_json=False)
    shown = capsys.readouterr().out
    assert f"the {told['attempts'][0]['notes']['dropped_oldest']} lines heard first" in shown
    assert "sent, without what was heard first, message 1: system" in shown
