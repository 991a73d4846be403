"""The templates in use."""

from typing import Any

import pytest

from replies.book import TemplateBook, from_yaml, to_yaml
from replies.templates import Template
from schemas.errors import ConfigurationError
from schemas.labels import Intent


def template(name: str, version: int = 1, **changes: Any) -> Template:
    values: dict[str, Any] = {"language": "en", "intent": Intent.QUESTION, "content": f"{name} {version}"}
    return Template(name=name, version=version, **{**values, **changes})


def test_only_active_templates_are_offered_by_name() -> None:
    book = TemplateBook.of(
        [template("b"), template("a"), template("c", active=False), template("d", language="es")]
    )
    assert [t.name for t in book.active(Intent.QUESTION, "en")] == ["a", "b"]
    assert book.active(Intent.COMPLAINT, "en") == ()


def test_the_highest_version_counts_in_whatever_order_they_come() -> None:
    book = TemplateBook().updated(template("a", 2)).updated(template("a", 1))
    assert book.templates["a"].version == 2
    assert book.content("a", 2) == "a 2"
    assert book.content("a", 1) is None
    assert book.without("a").templates == {}
    assert book.templates["a"].version == 2


def test_a_template_leaves_its_old_use_when_it_changes() -> None:
    book = TemplateBook.of([template("a")]).updated(template("a", 2, language="es"))
    assert book.active(Intent.QUESTION, "en") == ()
    assert len(book.active(Intent.QUESTION, "es")) == 1


def test_templates_survive_export_and_import() -> None:
    made = (template("a", 3, content="¡Hola{{ author_name | with_comma }}! 😊"), template("b", active=False))
    assert from_yaml(to_yaml(made)) == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "`templates`"),
        ("templates: 3", "`templates`"),
        ("templates: [3]", "template 1"),
        ("templates:\n  - {name: a, language: en, intent: question}", r"template 1 \(a\): content"),
        (
            "templates:\n  - &a {name: a, language: en, intent: question, content: Hi}\n  - *a",
            "aliases",
        ),
        (
            "templates:\n  - {name: a, language: en, intent: question, content: Hi}\n"
            "  - {name: a, language: es, intent: question, content: Hola}",
            "earlier",
        ),
        (
            'templates:\n  - {name: a, language: en, intent: question, content: "Hi {{ nam }}"}',
            "unknown variable 'nam'",
        ),
    ],
)
def test_a_broken_import_names_the_template_and_the_fault(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        from_yaml(text)
