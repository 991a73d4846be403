"""Documents are read strictly, and complained about usefully."""

import pytest

from replies.documents import MAX_CHARS, Document, read_json, read_yaml, validated
from schemas.errors import ConfigurationError


class Inner(Document):
    colour: str


class Outer(Document):
    size: int
    inner: tuple[Inner, ...] = ()


def test_plain_yaml_and_json_are_read_alike() -> None:
    assert read_yaml("a: [1, x]", "it") == read_json('{"a": [1, "x"]}', "it")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "line"),
        ("a: 1\na: 2", "twice"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "not readable"),
        ("? [1, 2]\n: x", "not readable"),
        ("\x00", "not readable"),
        ("a" * (MAX_CHARS + 1), "at most"),
        ("[" * 100_000, "not readable"),
    ],
)
def test_yaml_that_is_broken_or_dangerous_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match="my file") as caught:
        read_yaml(text, "my file")
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "nope", "[" * 100_000, "a" * (MAX_CHARS + 1)])
def test_broken_json_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="my payload"):
        read_json(text, "my payload")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"size": "1"}, "size: "),
        ({"size": 1, "inner": [{"color": "red"}]}, "inner.0.color: unknown key, did you mean 'colour'?"),
        ({"size": 1, "zzzzzz": 1}, "zzzzzz: unknown key; remove it"),
        ({}, "size: field required"),
        ([], "document: "),
        (None, "document: "),
    ],
)
def test_a_fault_is_told_with_its_path(data: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match="my file") as caught:
        validated(Outer, data, "my file")
    assert told in str(caught.value)
