"""Templates are checked when they are saved, and say only what they may."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies.guardrails import LIMITS
from replies.templates import Template, Variables, template_from
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, Platform


def template(content: str, **changes: Any) -> Template:
    data = {"name": "t", "language": "en", "intent": "compliment", "content": content}
    return template_from({**data, **changes}, "template t")


def test_variables_and_filters_are_filled_in() -> None:
    made = template(
        "Hi{{ author_name | with_space }}!  Thanks{{ author_name | with_comma }}. {{ brand_name }}"
    )
    assert made.render(Variables(author_name="Ana", brand_name="Sol")) == "Hi Ana! Thanks, Ana. Sol"
    assert made.render(Variables()) == "Hi! Thanks."


def test_a_choice_by_platform_is_possible() -> None:
    made = template("{% if platform == 'x' %}Hey{% else %}Hello{% endif %}!")
    assert made.render(Variables(platform="x")) == "Hey!"
    assert made.render(Variables(platform="facebook")) == "Hello!"


def test_nothing_is_escaped_because_replies_are_plain_text() -> None:
    assert template("Love, {{ brand_name }}").render(Variables(brand_name="B&B <3")) == "Love, B&B <3"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "content"),
        ("   ", "is empty"),
        ("{{ author_name }}", "is empty where the author's name is not known"),
        ("Hi {{ autor_name }}", "did you mean 'author_name'"),
        ("Hi {{ price }}", "known are author_name, brand_name, platform"),
        ("Hi {{ author_name", "line 1"),
        ("Hi {% if %}", "line 1"),
        ("{% for i in author_name %}x{% endfor %}", "for is not allowed"),
        ("{{ author_name.__class__ }}", "is not allowed"),
        ("{{ author_name['x'] }}", "is not allowed"),
        ("{{ brand_name * 1000 }}", "is not allowed"),
        ("{{ 'a' ~ 'b' }}", "is not allowed"),
        ("{{ brand_name() }}", "is not allowed"),
        ("{% include 'x' %}", "is not allowed"),
        ("{% set x = 1 %}{{ x }}", "is not allowed"),
        ("{% macro m() %}{% endmacro %}x", "is not allowed"),
        ("{{ [1, 2] }}", "is not allowed"),
        ("{{ brand_name | upper }}", "filter"),
        ("Hi \x07", "control characters"),
        ("Hi \u202eevil", "control characters"),
        ("a" * 9000, "content"),
        ("a" * 290, "x takes 280"),
        ("😀" * 131 + "{{ author_name }}", "x takes 280"),
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}x", "content"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_what_to_mend(content: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match="template t") as caught:
        template(content)
    assert told in str(caught.value)


def test_a_long_template_may_be_kept_for_the_platforms_that_take_it() -> None:
    made = template("a" * 1000, platforms=["facebook", "linkedin"])
    assert made.platforms == (Platform.FACEBOOK, Platform.LINKEDIN)
    with pytest.raises(ConfigurationError, match="instagram takes 2200"):
        template("a" * 2300, platforms=["facebook", "instagram"])


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "english"},
        {"intent": "praise"},
        {"sentiment": "happy"},
        {"name": ""},
        {"name": "a b"},
        {"version": 0},
        {"version": "1"},
        {"active": "yes"},
        {"colour": "red"},
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(changes))):
        template("Thanks!", **changes)


def test_a_template_survives_its_payload_and_takes_the_changes_version() -> None:
    made = template("Thanks{{ author_name | with_comma }}!", sentiment="positive")
    change = ConfigChange(
        kind=ConfigKind.TEMPLATE,
        tenant_id="default",
        key="t",
        version=7,
        payload=made.payload,
        changed_by="x",
    )
    assert Template.from_change(change) == made.model_copy(update={"version": 7})


@given(st.text(max_size=20), st.text(max_size=20))
def test_values_are_never_run(author: str, brand: str) -> None:
    made = template("Hi {{ author_name }} from {{ brand_name }}")
    made.render(Variables(author_name=author, brand_name=brand))
    assert made.render(Variables(author_name="{{ 7 * 7 }}{% if %}")).startswith("Hi {{ 7 * 7 }}{% if %}")


def test_limits_are_known_for_every_platform() -> None:
    assert set(LIMITS) == set(Platform)
