"""The command `parley`: every subcommand, and how errors reach the person who typed it."""

import importlib
import logging
import os
import sys
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from console.demo import DEMO_STATE
from infra import settings
from schemas.errors import ParleyError

COMMANDS: Final[dict[str, str]] = {
    "demo": "console.demo.command:demo",
    "up": "console.workers:up",
    "worker": "console.workers:worker",
    "serve": "console.workers:serve",
    "poll": "console.polling:poll",
    "simulate": "console.workers:simulate",
    "migrate": "console.workers:migrate",
    "analyze": "console.analyze:analyze",
    "models": "console.models:app",
    "themes": "console.themes:app",
    "topics": "console.topics:app",
    "lag": "console.topics:lag",
    "doctor": "console.doctor:doctor",
    "replay": "console.replay:replay",
    "dead-letters": "console.dead_letters:app",
    "review": "console.review:app",
    "replies": "console.replies:app",
    "accounts": "console.accounts:app",
    "policy": "console.policy:app",
    "templates": "console.templates:app",
    "voices": "console.voices:app",
    "users": "console.users:users",
    "keys": "console.users:keys",
    "bench": "console.bench.command:bench",
    "sql": "console.sql:sql",
    "settings": "console.settings_table:settings",
}
"""Each command and where it is; only what is called is imported, so that a quick question is quick."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Parley answers the comments people leave under a brand's posts.",
    )
    app.callback()(_for_all)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _for_all(
    demo: Annotated[
        bool, typer.Option("--demo", help="Work on the demo's servers instead of your own.")
    ] = False,
) -> None:
    if demo:
        os.environ["PARLEY_STATE_DIR"] = str(settings.load().state_dir / DEMO_STATE)


def main() -> None:
    """Runs the command; an error that a person can act on is printed as such, with its exit code."""
    # A library's retries alarm whoever asked a quick question; what lasts is raised. Workers configure logs.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        application([called] if called in COMMANDS else COMMANDS)()
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        print("parley: interrupted; everything was stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
