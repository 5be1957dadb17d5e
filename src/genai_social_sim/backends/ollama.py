"""Models served by Ollama, through its official client and native API.

Options in a study file:

    model: NAME                what `ollama pull` took, with its tag
    host: ADDRESS              of the server (OLLAMA_HOST, else http://127.0.0.1:11434); `hosts: [...]` share the work
    context: N                 tokens of prompt and answer together, always sent as num_ctx (4096)
    slots: N                   calls at once for each host (4)
    keep_alive: TEXT           how long the model stays loaded after a call, such as 10m
    think: BOOL or LEVEL       whether a model that can think does; low, medium, high where it takes levels (false)
    on_too_long: refuse        a prompt that does not fit is a failure; drop_oldest leaves out what was heard first;
                               summarise has the model tell it in short

Ollama by itself cuts a prompt that does not fit and says nothing. So it is told not to (`truncate` and `shift` false,
from Ollama 0.12.6 on); an older one gets only prompts that surely fit; and what it counted is checked.
Answers may differ although the seed is the same: Ollama keeps beginnings of prompts, and that changes rounding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from genai_social_sim.backends import choices, fitting, numbers, servers
from genai_social_sim.backends.answers import words_of
from genai_social_sim.backends.ollama_host import Host, Path, Served, hosts_of, reached
from genai_social_sim.backends.options import checked as checked_options
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.backends.shortening import SUMMARY_TOKENS, Shortening, Told
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.errors import BackendError, CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request

_SAMPLING: Final = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")
_TIMINGS: Final = {  # theirs in nanoseconds: ours
    "total_duration": "total_s",
    "load_duration": "load_s",
    "prompt_eval_duration": "prompt_s",
    "eval_duration": "answer_s",
}
_LONGEST_NS: Final = 1 << 63
_RESTS_S: Final = 10.0  # how long a host that fails is passed over while others are there
_OF_THE_CALL: Final = ("refused", "too_long")  # failures that another host would meet as well


class Options(BaseModel):
    """The options of `backend: ollama`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(min_length=1, examples=["llama3.2:3b"])
    host: str | None = None
    hosts: tuple[str, ...] | None = Field(None, min_length=1)
    context: int = Field(4096, ge=128, le=16_777_216)
    slots: int = Field(4, ge=1, le=10_000)
    keep_alive: str | float | None = None
    think: bool | Literal["low", "medium", "high"] | None = Field(None, examples=[False])
    on_too_long: Literal["refuse", "drop_oldest", "summarise"] = "refuse"

    @field_validator("host", "hosts")
    @classmethod
    def _is_public(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for each in (value,) if isinstance(value, str) else value or ():
            servers.public_address(each, option="host", instead="OLLAMA_HOST")
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> Options:
        if self.host is not None and self.hosts is not None:
            raise RequestError("backend ollama takes host or hosts, not both", remedy="Leave one of them out.")
        return self


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    _checked(options)


def slots_of(options: Mapping[str, Any]) -> int:
    """How many calls at once the servers may be given."""
    checked = _checked(options)
    return checked.slots * len(checked.hosts or (checked.host,))


async def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """Ask each host for the model and what it is; raises BackendError."""
    checked = _checked(options)
    given = checked.hosts or ((checked.host,) if checked.host else None)
    hosts = hosts_of(given)
    try:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(reached(host, checked.model)) for host in hosts]
        served = [task.result() for task in asked]
        _check_served(checked, served)
    except BaseException as fault:
        for host in hosts:
            await host.close()
        if isinstance(fault, BaseExceptionGroup):
            raise fault.exceptions[0] from None
        raise
    surroundings.progress(f"{checked.model} at {', '.join(host.address for host in hosts)}", 1.0)
    return OllamaModel(checked, hosts, served)


def _checked(options: Mapping[str, Any]) -> Options:
    return checked_options(Options, options, backend="ollama")


def _check_served(options: Options, served: list[Served]) -> None:
    for each in served[1:]:
        if each.digest != served[0].digest:
            raise BackendError(
                f"{served[0].address} and {each.address} hold different models under the name {options.model}",
                remedy=f"Run `ollama pull {options.model}` on both, or name one host.",
            )
    for each in served:
        if each.trained_context and options.context > each.trained_context:
            raise BackendError(
                f"{options.model} was trained for {each.trained_context} tokens; Ollama lowers a context of "
                f"{options.context} without a word",
                remedy=f"Write context: {each.trained_context}, or less.",
            )
        if options.think and each.thinks is False:
            raise BackendError(f"{options.model} cannot think", remedy="Leave `think` out.")


class OllamaModel:
    """One model on one or more hosts. A conversation goes back to the host that holds its beginning, if it can."""

    ends_in_time: Literal[True] = True

    def __init__(self, options: Options, hosts: list[Host], served: list[Served]) -> None:
        self._options = options
        self._hosts = hosts
        self._served = served
        self._think = options.think if options.think is not None else (False if served[0].thinks else None)
        self._stops = served[0].stops
        always = {"think": self._think, "keep_alive": options.keep_alive}
        self._always = {name: value for name, value in always.items() if value is not None}
        self._last: dict[str, Host] = {}  # by channel
        self.slots = options.slots * len(hosts)
        self.where = ", ".join(host.address for host in hosts)

    def identity(self) -> Mapping[str, Any]:
        """The model's digest, quantisation, family and template, its own defaults, and the servers."""
        first = self._served[0]
        about = {
            "backend": "ollama",
            "model": self._options.model,
            "weights": first.digest,
            **first.about,
            "hosts": {each.address: each.version for each in self._served},
            "server": f"ollama {first.version}",
            "context": self._options.context,
            "on_too_long": self._options.on_too_long,
            "keep_alive": self._options.keep_alive,
            "think": self._think,
            "stops_of_its_own": list(self._stops),
            "refuses_what_does_not_fit": all(each.refuses_overlong for each in self._served),
            "not_honoured": [],
            "repeats": False,
        }
        return dict(servers.struck_out(about, self._hosts[0].secrets))

    async def complete(self, request: Request) -> Answer:
        """Answer one request; where `on_too_long` says so, with as much of what was heard as fits."""
        host = self._host_for(request)
        host.calls += 1
        try:
            async with servers.Hearing(request.limits) as heard:
                return await self._fitted(host, request, heard)
        except (CompletionError, asyncio.CancelledError) as fault:
            if not isinstance(fault, CompletionError) or fault.cause not in _OF_THE_CALL:
                peace_s = (isinstance(fault, CompletionError) and fault.retry_after_s) or 0.0
                host.rests_until = asyncio.get_running_loop().time() + max(_RESTS_S, peace_s)
            raise
        finally:
            host.calls -= 1

    async def close(self) -> None:
        """Close the connections."""
        for host in self._hosts:
            await host.close()

    def _host_for(self, request: Request) -> Host:
        now, last = asyncio.get_running_loop().time(), self._last.get(request.channel)
        free = min(self._hosts, key=lambda host: (host.rests_until > now, host.calls, host is not last))
        if last is not None and last.rests_until <= now and last.calls < self._options.slots:
            free = last
        self._last[request.channel] = free
        return free

    async def _fitted(self, host: Host, request: Request, heard: servers.Hearing) -> Answer:
        async def tell(question: Prompt) -> Told:
            heard.anew()
            told = await self._answered(host, _to_tell(request, question, self._options.context), question, heard)
            return Told(told.text, told.prompt_tokens, told.answer_tokens)

        short: Shortening | None = None
        while True:
            try:
                answer = await self._answered(host, request, short.prompt if short else request.prompt, heard)
            except CompletionError as fault:
                if fault.cause != "too_long" or self._options.on_too_long == "refuse":
                    raise
                short = short or Shortening(request, tell if self._options.on_too_long == "summarise" else None)
                if not await short.more():
                    raise
                heard.anew()
            else:
                return _with(answer, short) if short else answer

    async def _answered(self, host: Host, request: Request, prompt: Prompt, heard: servers.Hearing) -> Answer:
        served = self._served[self._hosts.index(host)]
        fitting.check_before(prompt, request, context=self._options.context, surely=not served.refuses_overlong)
        options = self._sent(request)
        try:
            last = await self._heard(host, request, self._asked(request, prompt, options), heard)
        except host.faults as fault:
            raise host.failure(fault) from None
        servers.check_secrets(heard, host.secrets)
        if (counted := last.get("prompt_eval_count")) is not None:
            context, told = self._options.context, served.refuses_overlong
            fitting.check_after(prompt, request, servers.count(counted), context=context, told=told)
        return self._made(request, heard, last, by=f"ollama/{host.address}", sent=options)

    async def _heard(
        self, host: Host, request: Request, asked: Mapping[str, Any], heard: servers.Hearing
    ) -> Mapping[str, Any]:
        """Hear an answer to its end, which it gives back."""
        last: Mapping[str, Any] = {}
        path: Path = "/api/generate" if "prompt" in asked else "/api/chat"
        async with aclosing(await host.chunks(path, asked, request.limits)) as chunks:
            async for last in chunks:
                said = last if path == "/api/generate" else last["message"]
                heard.add(said["response" if path == "/api/generate" else "content"], said.get("thinking"))
                if logprobs := last.get("logprobs"):
                    heard.tokens.extend(map(choices.Token.of_json, logprobs))
        if last.get("done") is not True:
            raise servers.garbled("it ended before the server said that it was done")
        return last

    def _asked(self, request: Request, prompt: Prompt, options: dict[str, Any]) -> dict[str, Any]:
        """A call as Ollama takes it."""
        asked: dict[str, Any] = {
            "model": self._options.model,
            "options": options,
            "stream": True,
            "truncate": False,
            "shift": False,
            **self._always,
        }
        if request.number is not None:
            asked["format"] = numbers.of_texts(request.number)
        if request.choices:
            asked |= {
                "format": choices.of_texts(request.choices),
                "logprobs": True,
                "top_logprobs": choices.MOST_ALTERNATIVES,
            }
        if prompt.is_text:
            return asked | {"prompt": prompt.text, "raw": True}
        return asked | {"messages": [{"role": role, "content": text} for role, text in prompt.chat()]}

    def _sent(self, request: Request) -> dict[str, Any]:
        """The options of a call: everything that the study sets, and its stops besides the model's own."""
        sampling = request.sampling
        return {
            **{name: value for name in _SAMPLING if (value := getattr(sampling, name)) is not None},
            "num_predict": sampling.max_tokens,
            "num_ctx": self._options.context,
            "seed": request.seed,
            "stop": [*dict.fromkeys((*request.stop, *self._stops))],
        }

    def _made(
        self, request: Request, heard: servers.Hearing, last: Mapping[str, Any], *, by: str, sent: dict[str, Any]
    ) -> Answer:
        reason = last.get("done_reason")
        finish: Literal["stop", "length"] = "length" if reason == "length" else "stop"
        words = words_of(request, heard, finish=finish)
        said = reason and servers.shown(reason, self._hosts[0].secrets)
        notes = {"sent": sent, "done_reason": said, **_timings(last), **words.notes}
        return Answer(
            text=words.text,
            finish=finish,
            prompt_tokens=servers.count(last.get("prompt_eval_count")),
            answer_tokens=servers.count(last.get("eval_count")),
            first_token_s=heard.first_token_s,
            by=by,
            legal_mass=words.legal_mass,
            notes=notes,
        )


def _to_tell(request: Request, question: Prompt, context: int) -> Request:
    """The request for a summary, of the same model in the same way."""
    sampling = replace(request.sampling, max_tokens=min(SUMMARY_TOKENS, context // 4))
    return request._replace(prompt=question, heard=(), sampling=sampling, stop=(), choices=(), meanings=(), number=None)


def _with(answer: Answer, short: Shortening) -> Answer:
    """An answer with what was done to have it; the summaries' tokens count as its own."""
    return answer._replace(
        prompt_tokens=answer.prompt_tokens + short.prompt_tokens,
        answer_tokens=answer.answer_tokens + short.answer_tokens,
        notes={**answer.notes, **short.notes},
    )


def _timings(last: Mapping[str, Any]) -> dict[str, float]:
    """What the server measured, in seconds."""
    return {name: _seconds(last[theirs]) for theirs, name in _TIMINGS.items() if last.get(theirs) is not None}


def _seconds(nanoseconds: object) -> float:
    if not isinstance(nanoseconds, int) or not 0 <= nanoseconds < _LONGEST_NS:
        raise servers.garbled(f"it measured {str(nanoseconds)[:40]} nanoseconds")
    return nanoseconds / 1e9
