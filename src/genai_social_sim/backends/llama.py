"""One llama.cpp server inside this process: how it is set so that its answers repeat, and what its errors mean.

Set so (one thread, one slot, flash attention with keys stored as Q8_0), a token's numbers do not depend on how many
others were computed with it, so a prompt whose beginning is cached gives the very bits that it gives from cold.
`repeats` puts that to the test on this machine. It knows nothing of studies.
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from genai_social_sim.errors import BackendError, CompletionError

_GGUF: Final = b"GGUF"
_REMEDY: Final = "Give a complete GGUF file, or leave `path` out for the model that comes with this package."
_FULL: Final = "exceed_context_size_error"


def check_file(path: Path) -> None:
    """Refuse what cannot be a model; raises BackendError."""
    if not path.exists():
        raise BackendError("there is no such model file", where=str(path), remedy=_REMEDY)
    if path.is_dir():
        raise BackendError("this is a folder, not a model file", where=str(path), remedy=_REMEDY)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as fault:
        raise BackendError(f"the model file cannot be read ({fault.strerror})", where=str(path)) from fault
    if not magic:
        raise BackendError("the model file is empty", where=str(path), remedy=_REMEDY)
    if magic != _GGUF:
        raise BackendError("this is no GGUF file", where=str(path), remedy=_REMEDY)


class LlamaServer:
    """A server in this process. Calls block and let other threads run; they must end before the process does."""

    def __init__(self, path: Path, *, context: int, slots: int = 1, threads: int = 1, exact: bool = True) -> None:
        import xllamacpp

        self._key = secrets.token_urlsafe(32)  # the server also listens on a loopback port: shut others out
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context * slots
        params.n_parallel = slots
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        params.kv_unified = False
        params.cache_ram_mib = 0
        params.verbosity = -1
        params.n_gpu_layers = 0
        params.api_keys = [self._key]
        if exact:
            params.flash_attn_type = xllamacpp.llama_flash_attn_type(1)
            params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_Q8_0
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as fault:
            raise BackendError(
                f"llama.cpp cannot load the model: it is damaged or incomplete ({path.stat().st_size:,} bytes), of a "
                "kind that this version does not know, or needs more memory than there is",
                where=str(path),
                remedy=_REMEDY,
            ) from fault

    def complete(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Continue a text or answer messages; what llama.cpp returns. Raises CompletionError."""
        call = self._server.handle_chat_completions if "messages" in body else self._server.handle_completions
        try:
            reply: dict[str, Any] = call(dict(body))
        except (ValueError, RuntimeError) as fault:
            raise CompletionError(f"llama.cpp refuses the call: {fault}", cause="refused", retry=False) from fault
        if "error" in reply:
            raise _refused(reply["error"])
        return reply

    def about(self) -> dict[str, Any]:
        """What the server says of its model: sizes, quantisation, chat template."""
        props, model = self._get("/props"), self._get("/v1/models")["data"][0]["meta"]
        return {
            "quantisation": props.get("model_ftype", ""),
            "parameters": model.get("n_params"),
            "context_trained": model.get("n_ctx_train"),
            "template": props.get("chat_template", ""),
            "build": props.get("build_info", ""),
        }

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(
            self._server.listening_address + path, headers={"Authorization": f"Bearer {self._key}"}
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as reply:
            return json.load(reply)


def _refused(error: Mapping[str, Any]) -> CompletionError:
    if error.get("type") == _FULL:
        return CompletionError(
            f"the prompt has {error.get('n_prompt_tokens')} tokens and the context {error.get('n_ctx')}",
            cause="too_long",
            remedy="Set a larger `context` or a smaller memory.",
            retry=False,
        )
    return CompletionError(f"llama.cpp refuses the call: {error.get('message')}", cause="refused", retry=False)


def repeats(server: LlamaServer) -> bool:
    """Whether answers after a cached beginning are the same, to every log-probability, as from cold.

    Tries what conversations do: go on after an answer that was just given, by one word or many, and ask the same again.
    """
    start = "A: The harbour needs a new bridge before winter, and the old one has to stay open while it is built.\nB:"
    said = _sampled(server, start, seed=1, cached=False)[0]
    for number, more in enumerate(("\nA:", " Then\n", "\nA: Who is going to pay for all of that, and until when?\nB:")):
        longer = start + said + more
        warm = _sampled(server, longer, seed=number, cached=True)
        again = _sampled(server, longer, seed=number, cached=True)
        if not warm == again == _sampled(server, longer, seed=number, cached=False):
            return False
        _sampled(server, start, seed=2, cached=False)
    return True


def _sampled(server: LlamaServer, prompt: str, *, seed: int, cached: bool) -> tuple[str, tuple[float, ...]]:
    reply = server.complete(
        {"prompt": prompt, "seed": seed, "cache_prompt": cached, "max_tokens": 12, "temperature": 0.8, "n_probs": 1}
    )
    choice = reply["choices"][0]
    tokens = (choice.get("logprobs") or {"content": []})["content"]
    return choice["text"], tuple([token["logprob"] for token in tokens])
