"""One line an event, in the form and from the level that was asked for."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from infra import logs

NOISY = ("aiokafka", "kafka", "faust", "mode", "httpx", "httpcore", "uvicorn", "asyncio")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in NOISY}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert not captured.out, "standard output belongs to the command"
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_one_json_object_with_level_time_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.get("parley.test").info("batch done", stage="enrich", records=256)
    (line,) = lines(capsys)
    assert line["event"] == "batch done"
    assert line["level"] == "info"
    assert (line["stage"], line["records"]) == ("enrich", 256)
    assert line["timestamp"].endswith("Z")


def test_the_standard_librarys_loggers_write_the_same_form_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("somebody").warning("disk is %d%% full", 91)
    (line,) = lines(capsys)
    assert line["event"] == "disk is 91% full"
    assert line["level"] == "warning"


def test_configuring_twice_does_not_write_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.configure("info", "json")
    logs.get("parley.test").info("once")
    logging.getLogger("somebody").warning("once")
    assert [line["event"] for line in lines(capsys)] == ["once", "once"]


def test_nothing_below_the_level_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")
    for logger in (logs.get("parley.test"), logging.getLogger("somebody")):
        for level in ("debug", "info", "warning", "error"):
            getattr(logger, level)(level)
    assert [line["event"] for line in lines(capsys)] == ["warning", "error"] * 2


@pytest.mark.parametrize("name", NOISY)
def test_libraries_that_narrate_are_heard_from_warnings_on(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    logs.configure("debug", "json")
    logging.getLogger(f"{name}.inner").info("heartbeat")
    logging.getLogger(f"{name}.inner").warning("broker is away")
    assert [line["event"] for line in lines(capsys)] == ["broker is away"]


def test_a_quiet_level_also_quiets_the_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("error", "json")
    logging.getLogger("aiokafka").warning("broker is away")
    assert lines(capsys) == []


def test_what_is_bound_stands_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json", stage="draft", instance="draft-1")
    logs.get("parley.test").info("ours")
    logging.getLogger("somebody").warning("theirs")
    assert all((line["stage"], line["instance"]) == ("draft", "draft-1") for line in lines(capsys))


def test_a_message_of_several_lines_and_scripts_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "json")
    logs.get("parley.test").debug("comment", text="línea 1\nدو\u2028三 🙂")
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert json.loads(captured)["text"].startswith("línea 1\n")


def test_an_exception_is_told_with_its_trace_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        logs.get("parley.test").exception("stage stopped")
        logging.getLogger("somebody").exception("library stopped")
    ours, theirs = lines(capsys)
    for line in (ours, theirs):
        assert "RuntimeError: it broke" in line["exception"]
        assert line["level"] == "error"


def test_the_console_form_is_readable_and_holds_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "console")
    logs.get("parley.test").info("batch done", records=256)
    (line,) = capsys.readouterr().err.splitlines()
    assert "batch done" in line
    assert "records=256" in line
    assert "\x1b[" not in line, "no colours where nobody sees them"


def test_a_library_that_says_the_same_again_and_again_is_cut_short(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info", "json")
    for number in range(500):
        logging.getLogger("aiokafka.client").error("cannot connect to node %s", number)
        logs.get("parley.test").info("batch done", number=number)
    said = [line["logger"] for line in lines(capsys)]
    assert said.count("aiokafka.client") == 5
    assert said.count("parley.test") == 500
