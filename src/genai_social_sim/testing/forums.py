"""A Hypothesis strategy for forums. Importing this module needs Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from genai_social_sim.domain.plan import POSTING_ACTS, Forum
from genai_social_sim.testing.plans import small_forum


def forums() -> st.SearchStrategy[Forum]:
    """Any setting of it."""
    acts = st.lists(st.sampled_from(POSTING_ACTS), min_size=1, unique=True)
    return st.builds(
        small_forum,
        ranking=st.sampled_from(["newest", "top", "hot", "random"]),
        feed=st.integers(1, 3),
        replies=st.integers(0, 2),
        acts=st.just(POSTING_ACTS) | acts.map(lambda some: tuple([act for act in POSTING_ACTS if act in some])),
        may_pass=st.booleans(),
        simultaneous=st.booleans(),
        shows_votes=st.booleans(),
        shuffle=st.booleans(),
        labels=st.booleans(),
    )
