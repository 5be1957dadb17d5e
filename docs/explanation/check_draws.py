"""Works out with nothing but Python what chance decides in society.yaml: python check_draws.py RUN compares a record.

Written from chance.md alone, with Python's own generator for the network. It imports nothing of genai-social-sim.
"""

import json
import sqlite3
import sys
from bisect import bisect_right
from hashlib import sha256
from math import exp, isclose, sqrt
from random import Random
from statistics import NormalDist

SEED, SIZE, ROUNDS = 7, 1000, 4
NAMES = [f"agent{number:04d}" for number in range(1, SIZE + 1)]
NORMAL = NormalDist()


def word(*key, at=0):
    """The first number of a stream, uniform on [0, 2^64); `at`: a later one."""
    block = sha256("\x1f".join(map(str, key)).encode() + b"\x1e" + str(at // 4).encode()).digest()
    return int.from_bytes(block[at % 4 * 8 : at % 4 * 8 + 8], "big")


def between(*key):
    """On (0, 1)."""
    return ((word(*key) >> 12) + 0.5) / 2**52


def below(bound, *key):
    """A whole number below `bound`: words that would favour a side are thrown away."""
    at = 0
    while (drawn := word(*key, at=at)) >= 2**64 - 2**64 % bound:
        at += 1
    return drawn % bound


def person(number):
    """Opinion, age and income of an agent, from 0."""
    opinion = ("no", "yes")[bisect_right([0.4], between(SEED, "population", "opinion", number))]
    young, old = NORMAL.cdf((18 - 45) / 15), NORMAL.cdf((90 - 45) / 15)
    share = between(SEED, "population", "age", number)
    age = 45 + 15 * NORMAL.inv_cdf(young + share * (old - young))
    alone = NORMAL.inv_cdf(between(SEED, "population", "income", number))
    income = exp(10 + 1 * (0.5 * NORMAL.inv_cdf(share) + sqrt(1 - 0.5**2) * alone))
    return opinion, age, income


def neighbours(k=8, p=0.1):
    """Watts and Strogatz (1998): a ring in which each is linked to the `k` nearest, then links are moved."""
    random = Random(below(2**32, SEED, "network", "hall"))
    near = [{(at + step) % SIZE for step in range(-k // 2, k // 2 + 1) if step} for at in range(SIZE)]
    for step in range(1, k // 2 + 1):
        for at in range(SIZE):
            if random.random() < p:
                other = random.choice(range(SIZE))
                while other == at or other in near[at]:
                    other = random.choice(range(SIZE))
                old = (at + step) % SIZE
                near[at].remove(old)
                near[old].remove(at)
                near[at].add(other)
                near[other].add(at)
    return near


def said():
    """What each says in each round: its opinion, then what one of its neighbours said in the round before."""
    near, rounds = neighbours(), [[person(number)[0] for number in range(SIZE)]]
    for round_no in range(1, ROUNDS):
        rounds.append([])
        for at, name in enumerate(NAMES):
            call = sha256(f"{SEED}\x1fcall\x1fhall\x1f{round_no}\x1f{name}\x1f0".encode()).digest()
            seed = int.from_bytes(call[:8], "big") % (2**31 - 1)
            unit = (word(seed, "rule") >> 11) / 2**53
            others = sorted(near[at])
            rounds[-1].append(rounds[-2][others[bisect_right(range(1, len(others) + 1), unit * len(others))]])
    return rounds


def check(path):
    """Raises ValueError where a record of society.yaml holds anything else."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    texts = dict(db.execute("SELECT id, text FROM texts"))
    of_kind = "SELECT body, texts FROM events WHERE kind = ? ORDER BY seq"
    (_, study), *_ = db.execute(of_kind, ["run_started"])
    study = json.loads(texts[int(study)])
    drawn = study["population"]["drawn"]["attributes"]
    for number, name in enumerate(NAMES):
        opinion, age, income = person(number)
        one = [drawn[attribute][number] for attribute in ("opinion", "age", "income")]
        if one[0] != opinion or not (isclose(one[1], age, rel_tol=1e-9) and isclose(one[2], income, rel_tol=1e-9)):
            raise ValueError(f"{name} is somebody else: {one}")
    edges = {frozenset(edge[:2]) for edge in study["channels"]["hall"]["network"]["drawn"]["edges"]}
    if edges != {frozenset((NAMES[at], NAMES[other])) for at, near in enumerate(neighbours()) for other in near}:
        raise ValueError("the network is another")
    spoken = {}
    for body, text in db.execute(of_kind, ["spoke"]):
        fields = json.loads(body)
        spoken[fields["round"], fields["agent"]] = texts[int(text)]
    for round_no, words in enumerate(said()):
        for name, text in zip(NAMES, words, strict=True):
            if spoken[round_no, name] != text:
                raise ValueError(f"{name} says something else in round {round_no}")
    return len(spoken)


if __name__ == "__main__":
    try:
        print(f"{SIZE} people, their network and {check(sys.argv[1])} turns are as worked out")  # noqa: T201 (a script)
    except ValueError as fault:
        sys.exit(str(fault))
