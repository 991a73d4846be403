"""The policy and the templates that come with Parley, read when asked for."""

import functools
from pathlib import Path
from typing import Final

from replies import book
from replies.book import TemplateBook
from replies.policy import Policy

_FOLDER: Final = Path(__file__).parent


def policy_text() -> str:
    """The shipped policy, as YAML."""
    return (_FOLDER / "default_policy.yaml").read_text(encoding="utf-8")


def templates_text() -> str:
    """The shipped templates, as YAML."""
    return (_FOLDER / "default_templates.yaml").read_text(encoding="utf-8")


@functools.cache
def default_policy() -> Policy:
    """The shipped policy."""
    return Policy.from_yaml(policy_text(), "default_policy.yaml")


@functools.cache
def default_book() -> TemplateBook:
    """The shipped templates."""
    return TemplateBook.of(book.from_yaml(templates_text(), "default_templates.yaml"))
