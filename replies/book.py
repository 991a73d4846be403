"""The templates in use: found by intent and language, exchanged one by one, imported and exported as YAML."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import yaml

from replies.documents import read_yaml
from replies.templates import Template, template_from
from schemas.errors import ConfigurationError
from schemas.labels import Intent


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """Templates by name, one version of each; never changed, `updated` and `without` give a new book."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    _by_use: Mapping[tuple[Intent, str], tuple[Template, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_use: dict[tuple[Intent, str], list[Template]] = {}
        for _, template in sorted(self.templates.items()):
            if template.active:
                by_use.setdefault((template.intent, template.language), []).append(template)
        object.__setattr__(self, "_by_use", {use: tuple(found) for use, found in by_use.items()})

    @classmethod
    def of(cls, templates: Iterable[Template]) -> Self:
        """A book of these; of several versions of one name the highest counts."""
        book: dict[str, Template] = {}
        for template in templates:
            known = book.get(template.name)
            if known is None or template.version >= known.version:
                book[template.name] = template
        return cls(book)

    def active(self, intent: Intent, language: str) -> tuple[Template, ...]:
        """Active templates for an intent in a language, by name."""
        return self._by_use.get((intent, language), ())

    def content(self, name: str | None, version: int | None) -> str | None:
        """The content of exactly that version of a template, or None if the book does not hold it."""
        template = self.templates.get(name or "")
        return template.content if template and template.version == version else None

    def updated(self, template: Template) -> Self:
        """The book with this template, unless it already holds a later version of it."""
        return type(self).of([*self.templates.values(), template])

    def without(self, name: str) -> Self:
        """The book without the template of that name."""
        return type(self)({key: value for key, value in self.templates.items() if key != name})


def from_yaml(text: str, what: str = "templates") -> tuple[Template, ...]:
    """The templates of a YAML document (`templates:` and a list); raises ConfigurationError."""
    data = read_yaml(text, what)
    if not isinstance(data, dict) or set(data) != {"templates"} or not isinstance(data["templates"], list):
        raise ConfigurationError(f"{what}: must be one key, `templates`, with a list of templates below it")
    found: dict[str, Template] = {}
    for number, entry in enumerate(data["templates"], start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        template = template_from(entry, f"{what}: template {number} ({name or 'without name'})")
        if template.name in found:
            raise ConfigurationError(f"{what}: template {number} has the name {name!r} of an earlier one")
        found[template.name] = template
    return tuple(found.values())


def to_yaml(templates: Iterable[Template]) -> str:
    """The templates as the YAML document that `from_yaml` reads."""
    entries = [
        template.model_dump(mode="json", exclude_defaults=True)
        for template in sorted(templates, key=lambda template: template.name)
    ]
    text: str = yaml.safe_dump({"templates": entries}, allow_unicode=True, sort_keys=False, width=110)
    return text
