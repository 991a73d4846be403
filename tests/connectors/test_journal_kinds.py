"""Every kind of line that a simulator writes to its journal is described in `connectors/JOURNAL.md`."""

import ast
import re
from pathlib import Path

CONNECTORS = Path(__file__).parents[2] / "connectors"


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_write(node: ast.Call) -> bool:
    target = node.func.value if isinstance(node.func, ast.Attribute) else None
    name = getattr(target, "attr", getattr(target, "id", ""))
    return called(node) == "write" and name in ("journal", "_journal")


def handing_on(trees: list[ast.Module]) -> dict[str, int]:
    """Methods that hand one of their arguments on to the journal as the kind, and which."""
    found: dict[str, int] = {}
    for function in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [argument.arg for argument in function.args.args if argument.arg != "self"]
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and is_write(node) and node.args:
                    name = getattr(node.args[0], "id", "")
                    if name in names:
                        found[function.name] = names.index(name)
    return found


def written() -> set[str]:
    """The kinds given as words: to the journal, or to a method that hands its argument on to it."""
    kinds: set[str] = set()
    simulators = [*CONNECTORS.glob("*/simulator/*.py"), *CONNECTORS.glob("simulation/*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in simulators]
    handed_on = handing_on(trees)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call):
            at = 0 if is_write(node) else handed_on.get(called(node))
            if at is not None and len(node.args) > at:
                kinds |= {
                    word.value
                    for word in ast.walk(node.args[at])
                    if isinstance(word, ast.Constant) and isinstance(word.value, str)
                }
    return kinds


def test_every_kind_of_line_is_described() -> None:
    kinds = written()
    assert {"comment", "reply", "delivery", "call", "like", "token", "me", "read", "list"} <= kinds
    table = [
        line.split("|")[1] for line in (CONNECTORS / "JOURNAL.md").read_text().splitlines() if "|" in line
    ]
    described = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert kinds <= described, kinds - described
