"""Reply templates: Jinja2 in a sandbox, a few typed variables, checked when they are saved.

A template may print variables, choose with `if` and use the filters below; loops, arithmetic, calls and
attributes are refused, so that no template can run for long or reach anything. Replies are plain text:
nothing is escaped.
"""

import difflib
import functools
import re
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Final, Self

import jinja2
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment
from pydantic import Field, model_validator

from replies.authors import MAX_NAME
from replies.documents import Document, read_json, validated
from replies.guardrails import LIMITS, length_on
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, Platform
from schemas.labels import Intent, Sentiment

_NODES: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
    nodes.Filter,
)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACES: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What a template may say. `author_name` is a safe first name or ""; `brand_name` may be ""."""

    author_name: str = ""
    brand_name: str = ""
    platform: str = ""


_LONGEST: Final = Variables(author_name="M" * MAX_NAME, brand_name="M" * 60, platform="facebook")
_SHORTEST: Final = Variables(platform="x")


def with_comma(name: str) -> str:
    """Filter: ", Ana" for "Ana", "" for "": `Thank you{{ author_name | with_comma }}!`."""
    return f", {name}" if name else ""


def with_space(name: str) -> str:
    """Filter: " Ana" for "Ana", "" for "": `Hi{{ author_name | with_space }},`."""
    return f" {name}" if name else ""


class Template(Document):
    """One version of a template.

    `sentiment`: None serves every sentiment. `platforms`: where it may be used; empty is everywhere.
    `accounts`: for which it is ("platform:id"); empty is for all. `weight`, 0 to 1: how often it is taken
    beside others that fit as well; what people approve, edit and reject suggests it (`parley templates
    suggest`). Making one checks it: syntax, variables, length where it may be used, never empty.
    """

    name: str = Field(pattern=r"^[\w][\w.-]{0,79}$")
    version: int = Field(1, ge=1)
    language: str = Field(pattern=r"^[a-z]{2}$")
    intent: Intent
    sentiment: Sentiment | None = None
    content: str = Field(min_length=1, max_length=LIMITS[Platform.FACEBOOK])
    active: bool = True
    platforms: tuple[Platform, ...] = ()
    accounts: tuple[Annotated[str, Field(pattern=r"^(facebook|instagram|x|linkedin):\S+$")], ...] = ()
    weight: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if _CONTROL.search(self.content):
            raise ValueError("content: holds control characters; type it again without them")
        _check(self.content)
        try:
            shortest, longest = self.render(_SHORTEST), self.render(_LONGEST)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise ValueError(f"content: cannot be filled in: {error}") from error
        if not shortest:
            raise ValueError("content: is empty where the author's name is not known")
        for platform in self.platforms or tuple(Platform):
            length = length_on(platform, longest)
            if length > LIMITS[platform]:
                raise ValueError(
                    f"content: {length} characters with a long name, {platform} takes {LIMITS[platform]}; "
                    "shorten it, or list the `platforms` it is for"
                )
        return self

    @classmethod
    def from_change(cls, change: ConfigChange) -> Self:
        """The template a change brings, in the change's version; raises ConfigurationError."""
        what = f"template {change.key} version {change.version}"
        data = read_json(change.payload, what)
        if isinstance(data, dict):
            data = {**data, "name": data.get("name", change.key), "version": change.version}
        return validated(cls, data, what)

    @property
    def payload(self) -> str:
        """The template as `ConfigChange.payload` holds it."""
        return self.model_dump_json()

    def render(self, variables: Variables) -> str:
        """The reply's text, blank runs as one space."""
        text = _compiled(self.content).render(asdict(variables))
        return "\n".join(_SPACES.sub(" ", line).strip() for line in text.strip().splitlines())


@functools.cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(with_comma=with_comma, with_space=with_space)
    return environment


@functools.lru_cache(maxsize=4096)
def _compiled(content: str) -> jinja2.Template:
    return _environment().from_string(content)


def _check(content: str) -> None:
    """Raises ValueError unless the content is well formed and uses only what templates may use."""
    try:
        tree = _environment().parse(content)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"content: line {error.lineno}: {error.message}") from error
    except (RecursionError, jinja2.TemplateError) as error:
        raise ValueError(f"content: cannot be read: {error}") from error
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            kind = type(node).__name__.lower()
            raise ValueError(
                f"content: line {node.lineno}: {kind} is not allowed; use variables, if and filters"
            )
    known = [field.name for field in fields(Variables)]
    for name in sorted({node.name for node in tree.find_all(nodes.Name)} - set(known)):
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"content: unknown variable {name!r}; {hint}known are {', '.join(known)}")
    for node in tree.find_all(nodes.Filter):
        if node.name not in _environment().filters:
            raise ValueError(f"content: unknown filter {node.name!r}; known are with_comma, with_space")


def template_from(data: object, what: str) -> Template:
    """A template from plain data; raises ConfigurationError naming `what`."""
    if not isinstance(data, dict):
        raise ConfigurationError(f"{what}: is no mapping of name, language, intent and content")
    return validated(Template, data, what)
