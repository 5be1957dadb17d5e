"""Which of two sessions has a run at a broker."""

from genai_social_sim.api.broker import Claim

SESSION = {"broker": {"run": "talk-1"}}


def test_a_later_session_outranks_an_earlier_one_whatever_the_clocks_say() -> None:
    earlier, later = Claim.of("talk", [SESSION], now=2e9), Claim.of("talk", [SESSION, SESSION], now=1e9)
    assert earlier.rank < later.rank
    assert {earlier.run, later.run} == {"talk-1"}


def test_a_process_that_was_killed_before_its_session_was_recorded_does_not_keep_the_run() -> None:
    killed, next_one = (Claim.of("talk", [SESSION], now=now) for now in (1e9, 1e9 + 1))
    assert killed.rank < next_one.rank
