import contextlib
import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.analyze import texts_of
from console.texts import BadRow, read_texts
from schemas.errors import ConfigurationError

# What a row can hold: anything that UTF-8 can, but line breaks, which end it.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\t")).filter(
    lambda text: not text.startswith("\ufeff")
)


def write(folder: Path, name: str, data: bytes) -> Path:
    file = folder / name
    file.write_bytes(data)
    return file


def test_tsv_gives_the_last_column(tmp_path: Path) -> None:
    file = write(tmp_path, "a.tsv", b"positive\tme encanta\nsin etiqueta\na\tb\tc\n")
    assert list(read_texts(file)) == ["me encanta", "sin etiqueta", "c"]


def test_jsonl_names_each_row_that_holds_no_text(tmp_path: Path) -> None:
    rows = [b'{"text": "hola"}', b"{broken", b'{"other": 1}', b'{"text": 7}', b"\xff\xfe", b"[" * 100_000]
    file = write(tmp_path, "a.jsonl", b"\n".join(rows))
    assert list(read_texts(file)) == [
        "hola",
        BadRow(2, "not JSON"),
        BadRow(3, "no text"),
        BadRow(4, "no text"),
        BadRow(5, "not UTF-8"),
        BadRow(6, "not JSON"),
    ]


def test_csv_finds_the_column_by_name_and_names_short_rows(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", b'id,Text\n1,"two\nlines"\n2\n3,three\n')
    assert list(read_texts(file)) == ["two\nlines", BadRow(4, "no text"), "three"]


def test_csv_without_a_text_column_says_which_columns_it_has(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", b"id,comment\n1,hello\n")
    with pytest.raises(ConfigurationError, match="id, comment"):
        list(read_texts(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.tsv"):
        list(read_texts(tmp_path / "nowhere.tsv"))


def test_an_empty_line_is_an_empty_comment_and_the_last_line_break_none(tmp_path: Path) -> None:
    assert list(read_texts(write(tmp_path, "a.txt", b"one\n\ntwo\n"))) == ["one", "", "two"]


@pytest.mark.parametrize(
    ("name", "data", "passed_over"),
    [
        ("a.tsv", b"positive\thi\n\t \n\n", [2, 3]),
        ("a.csv", b'id,text\n1,"hi"\n2,\n3,"  "\n', [3, 4]),
        ("a.jsonl", b'{"text": "hi"}\n{"text": ""}\n', [2]),
        ("a.txt", b"hi\n\n", [2]),
    ],
)
def test_a_text_to_analyze_is_no_blank_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, data: bytes, passed_over: list[int]
) -> None:
    assert list(texts_of(write(tmp_path, name, data))) == ["hi"]
    said = capsys.readouterr().err.splitlines()
    assert said == [f"parley: row {number} passed over: no text" for number in passed_over]


def test_a_file_without_any_text_to_analyze_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no text"):
        list(texts_of(write(tmp_path, "a.tsv", b"\n\t\n")))


@given(st.lists(texts, max_size=20))
def test_jsonl_and_csv_give_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    lines = "".join(json.dumps({"text": row}) + "\n" for row in rows)
    assert list(read_texts(write(folder, "a.jsonl", lines.encode()))) == rows
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["n", "text"])
    writer.writerows([[number, row] for number, row in enumerate(rows)])
    assert list(read_texts(write(folder, "a.csv", buffer.getvalue().encode()))) == rows


@given(st.binary(max_size=300), st.sampled_from([".tsv", ".jsonl", ".csv", ".txt"]))
def test_any_bytes_give_rows_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    file = write(tmp_path_factory.mktemp("any"), f"a{suffix}", data)
    with contextlib.suppress(ConfigurationError):  # a CSV without a column `text`
        for row in read_texts(file):
            assert isinstance(row, str | BadRow)
