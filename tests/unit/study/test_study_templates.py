"""The sandbox that personas and prompts are rendered in: useful, bounded, the same everywhere."""

from __future__ import annotations

import pytest

from genai_social_sim.kernel.templates import TemplateProblem, render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain, with { braces }\r\n", "plain, with { braces }\n"),
        ("{{ name | upper }}", "ADA"),
        ("{{ ([name] + others) | sort | join(', ') }}", "Ada, Bo, Cy"),
        ("{% for one in others %}{{ loop.index }}{{ one }} {% endfor %}", "1Bo 2Cy "),
        ("{% if age is defined %}old{% else %}young{% endif %}", "young"),
        ("{{ age | default('of no age') }}", "of no age"),
        ("{{ name ~ '!' }} {{ 3 * 4 }} {{ others | length }}", "Ada! 12 2"),
        ("{% set a = name %}{{ a.lower() }}", "ada"),
        ("{% for one in ('x', 'y') %}{{ one }}{% endfor %}{% for one, two in [] %}{% endfor %}", "xy"),
        ("{{ (others + ['x']) | join('/') }}", "Bo/Cy/x"),
        ("{{ name + '!' }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 0.5 * 4 }}", "Ada! 8 3 2.0"),
        ("{{ name | replace('A', 'Ma') }}", "Mada"),
        ("{# unseen #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ],
)
def test_templates_do_what_texts_need(source: str, text: str) -> None:
    assert render(source, name="Ada", others=["Bo", "Cy"]) == text


ATTACKS = {
    "Python's machinery": "{{ name.__class__.__mro__ }}",
    "a method that formats": "{{ '{0.__class__}'.format(name) }}",
    "a function's insides": "{{ range.__globals__ }}",
    "attributes by filter": "{{ name | attr('__class__') }}",
    "the template itself": "{{ self }}",
    "hidden names": "{{ _budget }}",
    "another file": "{% include '/etc/passwd' %}",
    "a long product": "{{ 'a' * 10**9 }}",
    "a long product of lists": "{{ [1] * 10**9 }}",
    "a huge power": "{{ 9 ** 9 ** 9 }}",
    "growing numbers": "{% set a = 9 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
    "doubling by ~": "{% set a = 'aaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "doubling by +": "{% set a = 'aaaa' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "doubling lists": "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}",
    "lists in lists": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "replacing by more": "{% set a = 'a' %}" + "{% set a = a | replace('a', 'aaaaaaaaaa') %}" * 12 + "{{ a }}",
    "joining with much": "{{ range(10000) | join('a'.replace) }}",
    "padding": "{{ '%1000000000d' % 1 }}",
    "padding by filter": "{{ name | center(1000000000) }}",
    "padding by method": "{{ name.ljust(1000000000) }}",
    "a number of many bytes": "{{ (1).to_bytes(1000000000) }}",
    "a long range": "{% for i in range(10**9) %}{% endfor %}",
    "loops in loops": "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
    "a loop that calls itself": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "a macro that calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "deep brackets": "{{ " + "(" * 5000 + ")" * 5000 + " }}",
    "a long sum": "{{ " + "+".join(["1"] * 20_000) + " }}",
    "a long number": "{{ " + "9" * 5000 + " }}",
    "a long template": "{{ name }}" * 20_000,
    "an address in memory": "{{ range }}",
    "nothing at all": "{{ none }}",
    "a list": "{{ others }}",
    "a mapping": "{{ {'a': 1} }}",
    "join by attribute": "{{ others | join(', ', attribute='__class__') }}",
    "a text and a number": "{{ name + 1 }}",
    "the text of texts": "{{ big }}{{ big }}",
    "division by nothing": "{{ 1 / 0 }}",
    "an unknown name": "{{ nmae }}",
    "an open end": "{{ name",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_templates_cannot_reach_out_or_run_away(attack: str) -> None:
    with pytest.raises(TemplateProblem):
        render(ATTACKS[attack], name="Ada", others=["Bo"], big="a" * 600_000)


def test_a_problem_names_its_line() -> None:
    with pytest.raises(TemplateProblem) as caught:
        render("one\ntwo {{ }}")
    assert caught.value.line == 2
