"""A real language model inside this process: llama.cpp through xllamacpp, by default with SmolLM2-135M-Instruct.

Options in a study file:

    model: smollm2-135m     weights that this package can fetch by itself
    path: FILE              or any GGUF file
    context: N              tokens of prompt and answer together (4096)
    parallel: N             calls at once (one a processor core)
    repeatable: true        the same bits whatever runs beside it; false batches calls together and does not repeat
    dry: X, repeat_last_n: N     llama.cpp's further means against loops

Repeatable inference uses one server of one thread and one slot for each call at once. Its answers are the same on the
same type of processor with the same version of xllamacpp; both are recorded.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from genai_social_sim.backends import choices, numbers, weights
from genai_social_sim.backends.llama import LlamaServer, check_file, repeats
from genai_social_sim.backends.machine import processor_name
from genai_social_sim.backends.options import checked as checked_options
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.errors import BackendError, CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request

_SHIPPED_DRY: Final = 0.8  # without it a model of this size repeats itself within a few turns
_SHIPPED_PENALTY: Final = 1.1
_ALTERNATIVES: Final = 100  # that are looked at for the probability of choices; more would cost time


class Options(BaseModel):
    """The options of `backend: embedded`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str | None = None
    path: str | None = None
    context: int = Field(4096, ge=128, le=1_048_576)
    parallel: int | None = Field(None, ge=1, le=256)
    repeatable: bool = True
    dry: float | None = Field(None, ge=0, le=10)
    repeat_last_n: int = Field(256, ge=0, le=1_048_576)


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    _checked(options)


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """Fetch the weights if need be and load them; raises BackendError."""
    checked = _checked(options)
    if checked.path is not None:
        path = Path(checked.path).expanduser()
    else:
        path = weights.pull(checked.model or weights.DEFAULT, surroundings.progress)
    check_file(path)
    surroundings.progress(f"Loading {path.name}", 0.0)
    try:
        model = EmbeddedModel(path, checked, sharers=surroundings.sharers)
    except ImportError as fault:
        raise BackendError(
            f"llama.cpp cannot be loaded on this machine ({fault})",
            remedy="Run `gss doctor`; or use another backend: scripted, or a model server.",
        ) from fault
    surroundings.progress(f"Loading {path.name}", 1.0)
    return model


def _checked(options: Mapping[str, Any]) -> Options:
    checked = checked_options(Options, options, backend="embedded")
    if checked.model is not None and checked.path is not None:
        raise RequestError("backend embedded takes model or path, not both", remedy="Leave one of them out.")
    if checked.path is None:
        weights.known(checked.model or weights.DEFAULT)
    return checked


class EmbeddedModel:
    """A pool of servers over one model file. A conversation goes back to the server that holds its beginning.

    The cores are shared with other processes that do the same: one thread more than cores makes all of them slow.
    """

    def __init__(self, path: Path, options: Options, *, sharers: int = 1) -> None:
        self._options = options
        cores = max(1, (os.cpu_count() or 1) // sharers)
        self.slots = options.parallel or cores
        if options.repeatable:
            self._servers = [LlamaServer(path, context=options.context) for _ in range(self.slots)]
            self._cached = _known_to_repeat(path, self._servers[0])
        else:
            shared = LlamaServer(path, context=options.context, slots=self.slots, threads=cores, exact=False)
            self._servers = [shared] * self.slots
            self._cached = True
        self._identity = self._described(path)
        self._free = list(range(self.slots))
        self._last: dict[int, str] = {}  # the channel whose conversation a server holds
        self._freed = asyncio.Event()
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="embedded-model")

    def identity(self) -> Mapping[str, Any]:
        """Weights, quantisation, template, context, sampler settings that no study names, and versions."""
        return self._identity

    async def complete(self, request: Request) -> Answer:
        """Answer one request in a thread. One that is given up goes on there, and its server is free after that."""
        number = await self._server_for(request)
        loop = asyncio.get_running_loop()
        work = self._threads.submit(self._answer, number, request)
        work.add_done_callback(lambda _: _soon(loop, lambda: self._give_back(number)))
        return await asyncio.wrap_future(work)

    async def close(self) -> None:
        """Wait for calls in flight (leaving them would crash the process) and unload the model."""
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        self._servers.clear()

    async def _server_for(self, request: Request) -> int:
        while not self._free:
            self._freed.clear()
            await self._freed.wait()
        held = [number for number in self._free if self._last.get(number) == request.channel]
        number = held[0] if held else self._free[0]
        self._free.remove(number)
        self._last[number] = request.channel
        return number

    def _give_back(self, number: int) -> None:
        self._free.append(number)
        self._free.sort()
        self._freed.set()

    def _answer(self, number: int, request: Request) -> Answer:
        began = time.monotonic()
        body = self._body(request)
        reply = self._servers[number].complete(body)
        usage, timings, choice = reply["usage"], reply.get("timings", {}), reply["choices"][0]
        if usage["prompt_tokens"] + request.sampling.max_tokens > self._options.context:
            raise CompletionError(
                f"the prompt has {usage['prompt_tokens']} tokens, the answer may have {request.sampling.max_tokens}, "
                f"and the context is {self._options.context}",
                cause="too_long",
                remedy="Set a larger `context` or a smaller memory.",
                retry=False,
            )
        shown = (choice.get("logprobs") or {}).get("content") or ()  # as they were before the grammar
        mass, wanted = choices.told(map(choices.Token.of_json, shown), request)
        return Answer(
            text=choice["message"]["content"] if "message" in choice else choice["text"],
            finish="length" if choice["finish_reason"] == "length" else "stop",
            prompt_tokens=usage["prompt_tokens"],
            answer_tokens=usage["completion_tokens"],
            first_token_s=min(timings.get("prompt_ms", 0.0) / 1000, time.monotonic() - began),
            by=f"embedded/{number}",
            legal_mass=mass,
            notes={"cached_tokens": timings.get("cache_n", 0), **wanted},
        )

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            **self._sampler(),
            **self._constraint(request),
            **{name: value for name in _SAMPLING if (value := getattr(sampling, name)) is not None},
            "max_tokens": sampling.max_tokens,
            "stop": list(request.stop),
            "seed": request.seed,
            "cache_prompt": self._cached and request.attempt == 1,
        }
        if request.prompt.is_text:
            return {**body, "prompt": request.prompt.text}
        return {**body, "messages": [{"role": role, "content": text} for role, text in request.prompt.chat()]}

    def _constraint(self, request: Request) -> dict[str, Any]:
        """What holds an answer to its choices."""
        if request.number is not None:
            return {**self._sampler_of_choices(), "grammar": numbers.grammar(request.number)}
        if not request.choices:
            return {}
        legal = choices.grammar(request.choices)
        return {**self._sampler_of_choices(), "grammar": legal, "n_probs": _ALTERNATIVES}

    def _sampler_of_choices(self) -> dict[str, Any]:
        """What is shipped against loops is off where no study asks for it: to choose the same again is no loop."""
        return {"repeat_penalty": 1.0} | ({"dry_multiplier": 0.0} if self._options.dry is None else {})

    def _sampler(self) -> dict[str, Any]:
        """What is sent besides the study's own options, so that nothing is left to llama.cpp's defaults."""
        shipped = self._options.path is None
        dry = self._options.dry if self._options.dry is not None else (_SHIPPED_DRY if shipped else 0.0)
        return {
            "temperature": 0.8,
            "top_k": 40,
            "top_p": 0.95,
            "min_p": 0.05,
            "repeat_penalty": _SHIPPED_PENALTY if shipped else 1.0,
            "repeat_last_n": self._options.repeat_last_n,
            "dry_multiplier": dry,
            "dry_allowed_length": 4,
            "dry_penalty_last_n": self._options.context,
        }

    def _described(self, path: Path) -> dict[str, Any]:
        about = self._servers[0].about()
        template = str(about.pop("template"))
        return {
            "backend": "embedded",
            "model": path.name,
            "weights": f"sha256:{weights.file_hash(path)}",
            **about,
            "template_sha256": sha256(template.encode()).hexdigest(),
            "context": self._options.context,
            "servers": self.slots,
            "repeatable": self._options.repeatable,
            "prefix_cache": self._cached,
            "sampler_defaults": self._sampler(),
            "sampler_defaults_of_choices": self._sampler_of_choices(),
            "xllamacpp": version("xllamacpp"),
        }


_SAMPLING: Final = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(work)
    except RuntimeError:  # the loop was closed while the call went on; nobody waits for the server any more
        return


def _known_to_repeat(path: Path, server: LlamaServer) -> bool:
    """Whether cached beginnings are safe here: tried once for each model, version and processor, then remembered."""
    memory = weights.cache() / "repeats.json"
    key = f"{path.name} {path.stat().st_size} xllamacpp {version('xllamacpp')} {processor_name()}"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known[key] = repeats(server)
        try:
            memory.parent.mkdir(parents=True, exist_ok=True)
            fresh = memory.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(known, indent=1), encoding="utf-8")
            fresh.replace(memory)
        except OSError:
            return bool(known[key])  # then it is tried again next time
    return bool(known[key])
