"""Documents that people write (policies, templates, accounts), read strictly and complained about usefully.

YAML and JSON become plain data, plain data becomes a frozen pydantic model. Whatever is wrong is a
ConfigurationError that names the document, the path in it and the problem.
"""

import difflib
import json
from collections.abc import Hashable
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import ConfigurationError

MAX_CHARS: Final = 500_000
"""Longest document that is read; the shipped ones are about a tenth of it."""


class Document(BaseModel):
    """Base of everything read from a document: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


D = TypeVar("D", bound=Document)


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (a few lines of them fill the memory) and without keys given twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read; write it out", problem_mark=mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str, what: str) -> Any:
    """Plain data of one YAML document; raises ConfigurationError naming `what`, line and column."""
    if len(text) > MAX_CHARS:
        raise ConfigurationError(f"{what}: {len(text)} characters, at most {MAX_CHARS} are read; split it")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(f"{what}:{place} not readable as YAML: {problem}") from error


def read_json(text: str, what: str) -> Any:
    """Plain data of a JSON text; raises ConfigurationError naming `what` and the place."""
    if len(text) > MAX_CHARS:
        raise ConfigurationError(f"{what}: {len(text)} characters, at most {MAX_CHARS} are read; split it")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{what}: not readable as JSON: {error}") from error


def validated(model: type[D], data: Any, what: str) -> D:
    """`data` as a `model`, types as they stand; raises ConfigurationError with the path of each fault."""
    try:
        text = json.dumps(data, default=str)
        if "\\u0000" in text:  # Postgres keeps none
            raise ValueError("holds null characters; remove them")
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        told = "; ".join(_told(fault, model) for fault in faults[:5])
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ConfigurationError(f"{what}: {told}{more}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{what}: {error}") from error


def _told(fault: ErrorDetails, model: type[Document]) -> str:
    path = ".".join(str(part) for part in fault["loc"]) or "document"
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), _keys(model), 1)
        return f"{path}: unknown key" + (f", did you mean {near[0]!r}?" if near else "; remove it")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{path}: {message[:1].lower()}{message[1:]}"


def _keys(model: type[Document]) -> set[str]:
    """Every key that a document of this model may hold, at any depth."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}
