"""Traits that come with the package, in the words of a study file: attributes, and one text for the persona of each.

Where numbers or words come from stands beside them. Shares that no source gives are equal: they are a design, and stand
for no country. A record holds what a preset meant when its run began, so that presets may change.
"""

from __future__ import annotations

from typing import Any, Final

Attributes = dict[str, dict[str, Any]]


def _degrees(trait: str, high: str, low: str) -> str:
    """A sentence for each of five degrees, cut at -1.5, -0.5, 0.5 and 1.5 standard deviations."""
    return (
        f"{{% if {trait} > 1.5 %}}You are very {high}. {{% elif {trait} > 0.5 %}}You are rather {high}. "
        f"{{% elif {trait} < -1.5 %}}You are very {low}. {{% elif {trait} < -0.5 %}}You are rather {low}. {{% endif %}}"
    )


# Standard scores (mean 0, sd 1), drawn independently: published matrices of their correlations differ, and which one is
# taken changes conclusions (Park et al. 2020, "Meta-analytic five-factor model personality intercorrelations"), so that
# a study that needs one states it under `correlations`. Adjectives: in the manner of the markers of both poles in
# Goldberg (1992), "The development of markers for the Big-Five factor structure", Psychol. Assess. 4, 26-42.
_POLES: Final = {
    "openness": ("imaginative and curious", "conventional and down-to-earth"),
    "conscientiousness": ("organized and thorough", "careless and disorganized"),
    "extraversion": ("talkative and outgoing", "quiet and reserved"),
    "agreeableness": ("warm and cooperative", "cold and uncooperative"),
    "neuroticism": ("anxious and moody", "relaxed and even-tempered"),
}
_BIG_FIVE: Final[Attributes] = {trait: {"normal": {"mean": 0.0, "sd": 1.0}, "round": 2} for trait in _POLES} | {
    "big_five": {"template": "".join([_degrees(trait, *poles) for trait, poles in _POLES.items()])}
}

# Equal shares. Levels of education: those of ISCED 2011 (UNESCO), in plain words.
_EDUCATION: Final = ["primary school", "lower secondary school", "upper secondary school", "vocational training"]
_DEMOGRAPHICS: Final[Attributes] = {
    "age": {"integer": [18, 90]},
    "gender": {"choice": ["man", "woman"]},
    "education": {"choice": [*_EDUCATION, "a bachelor's degree", "a master's degree", "a doctorate"]},
    "demographics": {"template": "You are a {{ gender }} of {{ age }}. Your highest education: {{ education }}."},
}

# Five points, after Likert (1932), "A technique for the measurement of attitudes", Archives of Psychology 140; as many
# agents on each point (Chuang et al. 2024, arXiv:2311.09618, begin with two on each).
_BELIEFS: Final[Attributes] = {
    "belief": {"quota": [-2, -1, 0, 1, 2]},
    "beliefs": {
        "template": "{% if belief == 2 %}You strongly agree with the proposal under discussion."
        "{% elif belief == 1 %}You agree with the proposal under discussion, though not strongly."
        "{% elif belief == 0 %}You neither agree nor disagree with the proposal under discussion."
        "{% elif belief == -1 %}You disagree with the proposal under discussion, though not strongly."
        "{% else %}You strongly disagree with the proposal under discussion.{% endif %}"
    },
}

# The ten basic values and the goal that defines each, abridged: Schwartz (2012), "An overview of the Schwartz theory of
# basic values", Online Readings in Psychology and Culture 2(1). Equal shares.
_VALUES: Final = {
    "achievement": "personal success by the standards of society",
    "benevolence": "the welfare of the people close to you",
    "conformity": "not to upset others or violate their expectations",
    "hedonism": "pleasure for yourself",
    "power": "status, and control over people and resources",
    "security": "safety and stability for yourself and for society",
    "self-direction": "to think and act independently",
    "stimulation": "excitement, novelty and challenge",
    "tradition": "to keep the customs of your culture",
    "universalism": "understanding, and the welfare of all people and of nature",
}
_GOALS: Final[Attributes] = {
    "value": {"choice": [*_VALUES]},
    "goal": {"by": "value", "each": {value: {"constant": goal} for value, goal in _VALUES.items()}},
    "goals": {"template": "What matters most to you: {{ goal }}."},
}

# Styles of communication: Norton (1978), "Foundation of a communicator style construct", Hum. Commun. Res. 4, 99-112,
# and his Communicator Style Measure; the words are ours. Equal shares.
_STYLES: Final = {
    "animated": "You speak with feeling and strong expressions.",
    "attentive": "You take up what others have just said.",
    "contentious": "You are quick to challenge what others say.",
    "dominant": "You take charge of the conversation.",
    "dramatic": "You like to tell stories and to exaggerate.",
    "friendly": "You encourage others and praise what they say.",
    "open": "You say frankly what you feel and think.",
    "precise": "You say exactly what you mean, and ask others to.",
    "relaxed": "You speak calmly, in few words.",
}
_STYLE: Final[Attributes] = {
    "manner": {"choice": [*_STYLES]},
    "style": {"by": "manner", "each": {name: {"constant": words} for name, words in _STYLES.items()}},
}

# Kinds of secrets: from the categories of Slepian, Chun & Mason (2017), "The experience of secrecy", J. Pers. Soc.
# Psychol. 113, 1-33 (a few of 38; the words are ours). Equal shares, not those of the paper.
_SECRETS: Final = {
    "ambition": "you have a plan for your life that nobody knows of",
    "belief": "you hold a belief that the others here would not expect",
    "employment": "you are about to leave your job",
    "finances": "you are deep in debt",
    "lie": "you have told somebody here a lie",
    "work": "you made a grave mistake at work that nobody has found",
}
_SECRET: Final[Attributes] = {
    "secret": {"choice": [*_SECRETS]},
    "secrets": {
        "by": "secret",
        "each": {
            name: {"constant": f"You have a secret, which you do not tell: {words}."}
            for name, words in _SECRETS.items()
        },
    },
}

PRESETS: Final[dict[str, Attributes]] = {
    "beliefs": _BELIEFS,
    "big_five": _BIG_FIVE,
    "demographics": _DEMOGRAPHICS,
    "goals": _GOALS,
    "secrets": _SECRET,
    "style": _STYLE,
}
