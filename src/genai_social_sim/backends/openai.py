"""Models behind an OpenAI-style server (llama.cpp, vLLM, LM Studio, hosted ones), through the official client.

Options in a study file:

    model: NAME             as the server lists it; for llama.cpp its file's name will do
    base_url: ADDRESS       such as http://127.0.0.1:8080/v1 (OPENAI_BASE_URL, else https://api.openai.com/v1)
    api_key_env: NAME       the environment variable that holds the key (OPENAI_API_KEY); a key itself is refused
    slots: N                calls at once (8)
    context: N              tokens of prompt and answer together, where the server does not tell
    extensions: NAME        whose additions to the protocol it takes: llama.cpp, vllm, none (asked of the server)
    extra: {NAME: VALUE}    sent with each call as it is

The key is taken from the environment when the backend is opened. It is in no event and in no error; should a server
send it back, the answer counts as garbled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from genai_social_sim.backends import choices, numbers, servers
from genai_social_sim.backends.answers import words_of
from genai_social_sim.backends.openai_host import Extensions, Host, Served, file_name, reached
from genai_social_sim.backends.options import checked as checked_options
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.act import Number
from genai_social_sim.errors import RequestError
from genai_social_sim.kernel.acts import KEY
from genai_social_sim.ports import Answer, LanguageModel, Limits, Request

_MOST_STOPS: Final = 4  # that OpenAI itself takes
_KEY_LIKE: Final = ("key", "token", "secret", "password", "authorization")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OURS: Final = {"model", "messages", "prompt", "stream", "stream_options", "seed", "stop", "temperature", "top_p"}
_HOLDING: Final = {"grammar", "response_format", "structured_outputs", "guided_choice"}  # to choices or numbers
_OWN_WORDS: Final[Mapping[Extensions, Mapping[str, str]]] = {  # ours: theirs
    "llama.cpp": {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty"},
    "vllm": {"top_k": "top_k", "min_p": "min_p", "repeat_penalty": "repetition_penalty"},
    "none": {},
}


class Options(BaseModel):
    """The options of `backend: openai`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field(min_length=1, examples=["gpt-4.1-mini"])
    base_url: str | None = None
    api_key_env: str = Field("OPENAI_API_KEY", examples=["OPENAI_API_KEY"])
    slots: int = Field(8, ge=1, le=10_000)
    context: int | None = Field(None, ge=16, le=16_777_216)
    extensions: Extensions | None = None
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _is_public(cls, value: str | None) -> str | None:
        return value and servers.public_address(value, option="base_url", instead="OPENAI_BASE_URL")

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _VARIABLE.fullmatch(value):  # not repeated in the words: somebody may have put the key itself here
            raise RequestError(
                "option 'api_key_env' is no name of an environment variable",
                remedy="Write a name such as OPENAI_API_KEY, and put the key into that variable.",
            )
        return value

    @field_validator("extra")
    @classmethod
    def _is_free(cls, extra: dict[str, Any]) -> dict[str, Any]:
        for name, value in extra.items():
            if name in _OURS:
                raise RequestError(f"extra may not hold {name!r}", remedy="The study and this backend decide it.")
            if any(word in name.lower() for word in _KEY_LIKE) and isinstance(value, str):
                raise RequestError(
                    f"extra holds {name!r}: a study is recorded, and its keys with it",
                    remedy="Put the key into an environment variable and name that: api_key_env: NAME.",
                )
        return extra


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    _checked(options)


def slots_of(options: Mapping[str, Any]) -> int:
    """How many calls at once the server may be given."""
    return _checked(options).slots


async def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """Ask the server what it is and for the model; raises BackendError."""
    checked = _checked(options)
    host = Host(checked.base_url, checked.api_key_env)
    try:
        served = await reached(host, checked.model, checked.extensions)
    except BaseException:
        await host.close()
        raise
    surroundings.progress(f"{checked.model} at {host.address}", 1.0)
    return OpenAIModel(checked, host, served)


def _checked(options: Mapping[str, Any]) -> Options:
    if found := [name for name in options if name in ("api_key", "key", "token")]:
        raise RequestError(
            f"backend openai takes no {found[0]!r} in a study, which is recorded whole",
            remedy="Put the key into the environment variable OPENAI_API_KEY, or name another: api_key_env: NAME.",
        )
    return checked_options(Options, options, backend="openai")


class OpenAIModel:
    """One model on one server."""

    ends_in_time: Literal[True] = True

    def __init__(self, options: Options, host: Host, served: Served) -> None:
        self._options = options
        self._host = host
        self._served = served
        self._context = options.context or served.context
        self.slots = options.slots
        self.where = host.address
        if not served.keeps_connections:
            host.post.never_keep_connections()

    def identity(self) -> Mapping[str, Any]:
        """The model as the server names it, what it tells of weights and template, and what it does not honour."""
        own = _OWN_WORDS[self._served.extensions]
        about = {
            "backend": "openai",
            "model": self._options.model,
            "weights": self._served.weights,
            **self._served.about,
            "hosts": {self._host.address: self._served.server},
            "server": self._served.server,
            "extensions": self._served.extensions,
            "context": self._context,
            "extra": self._options.extra,
            "not_honoured": [name for name in ("top_k", "min_p", "repeat_penalty") if name not in own],
            "repeats": False,
        }
        return dict(servers.struck_out(about, self._host.secrets))

    async def complete(self, request: Request) -> Answer:
        """Answer one request."""
        sent, left_out = self._sent(request)
        path, body = self._asked(request, sent)
        last = _Last()
        async with servers.Hearing(request.limits) as heard:
            try:
                await self._read(path, body, request.limits, heard, last)
            except self._host.faults as fault:
                raise self._host.failure(fault) from None
        if last.finish is None:
            raise servers.garbled("it ended before the server said why")
        self._check(request, heard, last)
        return self._made(request, heard, last, {"sent": sent, "not_sent": left_out} if left_out else {"sent": sent})

    async def _read(
        self, path: str, body: Mapping[str, Any], limits: Limits, heard: servers.Hearing, last: _Last
    ) -> None:
        chunks = self._host.chunks_of()
        async with (
            self._host.post.stream(path, body, connect_s=limits.connect_s) as reply,
            aclosing(reply.aiter_bytes()) as pieces,
        ):
            async for lines in pieces:
                for chunk in chunks(lines):
                    last.take(chunk, heard)

    async def close(self) -> None:
        """Close the connections."""
        await self._host.close()

    def _asked(self, request: Request, sent: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A call as the server takes it: where, and what."""
        body = {"model": self._served.name, "stream": True, "stream_options": {"include_usage": True}, **sent}
        if request.prompt.is_text:
            return "/completions", body | {"prompt": request.prompt.text}
        messages = [{"role": role, "content": text} for role, text in request.prompt.chat()]
        return "/chat/completions", body | {"messages": messages}

    def _sent(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters of a call, and those of the study that this server does not take."""
        sampling, own = request.sampling, _OWN_WORDS[self._served.extensions]
        sent: dict[str, Any] = {"seed": request.seed, self._served.limit_word: sampling.max_tokens}
        left_out: dict[str, Any] = {}
        for name in ("temperature", "top_p", "top_k", "min_p", "repeat_penalty"):
            if (value := getattr(sampling, name)) is None:
                continue
            if name in ("temperature", "top_p"):
                sent[name] = value
            elif name in own:
                sent[own[name]] = value
            else:
                left_out[name] = value
        stops = list(request.stop)
        if self._served.extensions == "none" and len(stops) > _MOST_STOPS:
            stops, left_out["stop"] = stops[:_MOST_STOPS], stops[_MOST_STOPS:]
        if stops:
            sent["stop"] = stops
        held = self._constraint(request)
        if not held.keys() & _HOLDING and (request.choices or request.number):
            left_out["constraint"] = "plain completions of this server take none"
        return {**sent, **self._own(request), **held, **self._options.extra}, left_out

    def _own(self, request: Request) -> dict[str, Any]:
        """What only one kind of server takes: no kept beginning for a repeat, going on with a begun answer."""
        messages = request.prompt.messages
        match self._served.extensions:
            case "llama.cpp":
                return {"cache_prompt": request.attempt == 1}
            case "vllm" if messages and messages[-1].role == "assistant":
                return {"add_generation_prompt": False, "continue_final_message": True}
            case _:
                return {}

    def _constraint(self, request: Request) -> dict[str, Any]:
        legal, chat = request.choices, not request.prompt.is_text
        if request.number is not None:
            return self._constraint_of_number(request.number, chat=chat)
        if not legal:
            return {}
        shown: dict[str, Any] = {"logprobs": choices.MOST_ALTERNATIVES}
        if chat:
            shown = {"logprobs": True, "top_logprobs": choices.MOST_ALTERNATIVES}
        match self._served.extensions:
            case "llama.cpp":
                return {**shown, "grammar": choices.grammar(legal)}
            case "vllm":
                return {**shown, **self._served.choice_words(legal)}
            case _ if not chat:
                return {"logprobs": 5}  # all that plain completions offer; nothing constrains them
            case _:
                return {**shown, **_as_object(choices.of_texts(legal))}

    def _constraint_of_number(self, number: Number, *, chat: bool) -> dict[str, Any]:
        if self._served.extensions == "llama.cpp":
            return {"grammar": numbers.grammar(number)}
        return _as_object(numbers.of_texts(number)) if chat else {}

    def _check(self, request: Request, heard: servers.Hearing, last: _Last) -> None:
        if last.refusal or last.finish == "content_filter":
            raise servers.refused_answer("".join(last.refusal), self._host.secrets)
        servers.check_secrets(heard, self._host.secrets)
        needed = last.prompt_tokens + request.sampling.max_tokens
        if self._context is not None and needed > self._context:
            raise servers.too_long(
                f"the prompt has {last.prompt_tokens} tokens, the answer may have {request.sampling.max_tokens}, "
                f"and the context is {self._context}"
            )

    def _made(self, request: Request, heard: servers.Hearing, last: _Last, notes: dict[str, Any]) -> Answer:
        finish: Literal["stop", "length"] = "length" if last.finish == "length" else "stop"
        words = words_of(request, heard, finish=finish)
        secrets = self._host.secrets
        notes |= {"finish_reason": servers.shown(last.finish, secrets), **last.notes, **words.notes}
        if last.model is not None:
            notes["model"] = file_name(servers.shown(last.model, secrets))
        if last.fingerprint is not None:
            notes["system_fingerprint"] = servers.shown(last.fingerprint, secrets)
        return Answer(
            text=words.text,
            finish=finish,
            prompt_tokens=last.prompt_tokens,
            answer_tokens=last.answer_tokens,
            first_token_s=heard.first_token_s,
            by=f"openai/{self._host.address}",
            legal_mass=words.legal_mass,
            notes=notes,
        )


class _Last:
    """What the chunks of one answer say besides its text."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.refusal: list[str] = []
        self.prompt_tokens = 0
        self.answer_tokens = 0
        self.model: object = None  # the one that answered, as the server names it
        self.fingerprint: object = None
        self.notes: dict[str, Any] = {}

    def take(self, chunk: Any, heard: servers.Hearing) -> None:
        """Read one chunk; raises CompletionError for one of another shape."""
        try:
            self._take(chunk, heard)
        except servers.UNREADABLE as fault:
            raise servers.garbled(f"JSON of another shape ({type(fault).__name__}: {fault})") from None

    def _take(self, chunk: Mapping[str, Any], heard: servers.Hearing) -> None:
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) != 0:
                continue
            said = choice.get("delta") or choice
            thinking = said.get("reasoning_content") or said.get("reasoning")
            heard.add(said.get("content", choice.get("text")), thinking)
            if refusal := said.get("refusal"):
                self.refusal.append(str(refusal))
            heard.tokens.extend(_tokens(choice.get("logprobs")))
            if reason := choice.get("finish_reason"):
                self.finish = str(reason)
        self._note(chunk)

    def _note(self, chunk: Mapping[str, Any]) -> None:
        if usage := chunk.get("usage"):
            self.prompt_tokens = servers.count(usage.get("prompt_tokens"))
            self.answer_tokens = servers.count(usage.get("completion_tokens"))
            kept = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
            if kept is not None:
                self.notes["cached_tokens"] = servers.count(kept)
        if model := chunk.get("model"):
            self.model = model
        if fingerprint := chunk.get("system_fingerprint"):
            self.fingerprint = fingerprint


def _tokens(logprobs: Mapping[str, Any] | None) -> list[choices.Token]:
    """Tokens with their alternatives, as in chats (and everywhere in llama.cpp) or as in plain completions."""
    if not logprobs:
        return []
    if (content := logprobs.get("content")) is not None:
        return [choices.Token.of_json(each) for each in content]
    shown = zip(logprobs.get("tokens") or (), logprobs.get("top_logprobs") or (), strict=False)
    return [choices.Token.of(text, None, (others or {}).items()) for text, others in shown]


def _as_object(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What holds a chat's answer to a JSON schema: as an object, since some servers take no other."""
    schema = {"name": KEY, "strict": True, "schema": choices.within_object(answer)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
