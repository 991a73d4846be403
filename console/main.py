"""The command `parley`: every subcommand, and how errors reach the person who typed it."""

import sys

import typer

from console import (
    accounts,
    analyze,
    bench,
    dead_letters,
    doctor,
    replay,
    review,
    settings_table,
    sql,
    topics,
    workers,
)
from console.demo import command as demo
from schemas.errors import ParleyError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Parley answers the comments people leave under a brand's posts.",
)
app.command("demo")(demo.demo)
app.command("up")(workers.up)
app.command("worker")(workers.worker)
app.command("serve")(workers.serve)
app.command("simulate")(workers.simulate)
app.command("migrate")(workers.migrate)
app.command("analyze")(analyze.analyze)
app.add_typer(topics.app, name="topics")
app.command("lag")(topics.lag)
app.command("doctor")(doctor.doctor)
app.command("replay")(replay.replay)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(review.app, name="review")
app.add_typer(accounts.app, name="accounts")
app.command("bench")(bench.bench)
app.command("sql")(sql.sql)
app.command("settings")(settings_table.settings)


def main() -> None:
    """Runs the command; an error that a person can act on is printed as such, with its exit code."""
    try:
        app()
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        sys.exit(getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        print("parley: interrupted; everything was stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
