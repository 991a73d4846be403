"""A wrong setting stops the start with a message that names the variable, the problem and an example."""

import base64
import os
from pathlib import Path

import pytest

from infra import settings
from infra.settings import VARIABLES, Settings
from schemas.errors import ConfigurationError

SECRETS = (
    "PARLEY_ENCRYPTION_KEYS",
    "PARLEY_FACEBOOK_APP_SECRET",
    "PARLEY_FACEBOOK_VERIFY_TOKEN",
    "DATABASE_URL",
)
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(settings.PREFIX) or name in VARIABLES:
            monkeypatch.delenv(name)


def message() -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings.load()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PARLEY_TENNANT", "PARLEY_TENANT"),
        ("PARLEY_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        ("PARLEY_DATABASE_URL", "DATABASE_URL"),
    ],
)
def test_an_unknown_variable_is_named_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "postgresql://db/parley")
    assert f"{name}: no such setting; did you mean {meant}?" in message()


def test_a_variable_like_no_other_is_named_without_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_XYZZY", "1")
    assert "PARLEY_XYZZY: no such setting\n" in message()


@pytest.mark.parametrize(
    ("name", "value", "example"),
    [
        ("PARLEY_BATCH_SIZE", "many", "256"),
        ("PARLEY_BATCH_SIZE", "0", "256"),
        ("PARLEY_HTTP_PORT", "70000", "8080"),
        ("PARLEY_DEAD_LETTER_RATIO", "0", "0.5"),
        ("PARLEY_FACEBOOK_GRAPH_URL", "graph.facebook.com", "http://127.0.0.1:9001"),
        ("PARLEY_FACEBOOK_GRAPH_VERSION", "26", "v26.0"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker", "broker-1:9092"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092,:9092", "broker-1:9092"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:0", "broker-1:9092"),
    ],
)
def test_a_wrong_value_is_shown_with_its_variable_and_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, example: str
) -> None:
    monkeypatch.setenv(name, value)
    said = message()
    assert f"{name}: " in said
    assert f"(given: {value!r})" in said
    assert f"for example {name}={example}" in said


def test_a_choice_lists_what_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_LOG_LEVEL", "loud")
    said = message()
    assert "PARLEY_LOG_LEVEL" in said
    assert "'debug', 'info', 'warning' or 'error'" in said


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TENNANT", "x")
    monkeypatch.setenv("PARLEY_BATCH_SIZE", "many")
    monkeypatch.setenv("DATABASE_URL", "mysql://db")
    said = message()
    assert said.startswith("The settings are wrong, nothing was started:")
    for name in ("PARLEY_TENNANT", "PARLEY_BATCH_SIZE", "DATABASE_URL"):
        assert f"\n  {name}: " in said


def test_a_wrong_database_url_is_not_printed_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"mysql://parley:{PASSWORD}@db/parley")
    said = message()
    assert PASSWORD not in said
    assert "it must begin with postgresql://; for example DATABASE_URL=postgresql://" in said


def test_a_wrong_address_is_printed_without_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_OTLP_ENDPOINT", f"ftp://parley:{PASSWORD}@otel:4318")
    said = message()
    assert PASSWORD not in said
    assert "ftp://***@otel:4318" in said


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_in_what_the_settings_print(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secret = base64.b64encode(bytes(range(32))).decode() if name == "PARLEY_ENCRYPTION_KEYS" else PASSWORD
    form = {"DATABASE_URL": "postgresql://parley:{}@db/parley", "PARLEY_ENCRYPTION_KEYS": "a:{}"}
    monkeypatch.setenv(name, form.get(name, "{}").format(secret))
    loaded = settings.load()
    assert secret not in f"{loaded} {loaded!r}"


def test_a_broken_encryption_key_stops_the_start_and_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENCRYPTION_KEYS", f"a:{PASSWORD}")
    said = message()
    assert "PARLEY_ENCRYPTION_KEYS: entry 1" in said
    assert PASSWORD not in said


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = settings.load()
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert settings.load() == plain


def test_a_variable_reaches_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:9092,b:9093")
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@db/parley")
    monkeypatch.setenv("PARLEY_MODEL_DIR", "models/mine")
    monkeypatch.setenv("PARLEY_FACEBOOK_GRAPH_URL", "http://127.0.0.1:9001/")
    loaded = settings.load()
    assert loaded.kafka_bootstrap_servers == "a:9092,b:9093"
    assert loaded.database_url == "postgres://u:p@db/parley"
    assert loaded.model_dir == Path("models/mine")
    assert loaded.facebook_graph_url == "http://127.0.0.1:9001"  # paths are added to it


def test_what_the_caller_gives_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_BATCH_SIZE", "7")
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment/parley")
    loaded = settings.load(batch_size=9, database_url="postgresql://caller/parley")
    assert (loaded.batch_size, loaded.database_url) == (9, "postgresql://caller/parley")


def test_a_wrong_value_of_the_caller_is_told_like_a_wrong_variable() -> None:
    with pytest.raises(ConfigurationError, match="PARLEY_BATCH_SIZE: "):
        settings.load(batch_size=0)
    with pytest.raises(ConfigurationError, match="nonsense: no such setting"):
        settings.load(nonsense=1)


def test_the_state_folder_follows_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert settings.load().state_dir == tmp_path / "parley"


def test_settings_cannot_be_changed_while_they_are_used() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().batch_size = 5  # type: ignore[misc]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_says_what_it_is(field: str) -> None:
    info = Settings.model_fields[field]
    assert info.description
    assert not info.description.endswith("."), "descriptions stand in a table"
    assert "|" not in info.description, "it would end a cell of the table"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_the_example_of_a_setting_is_valid(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    for example in Settings.model_fields[field].examples or ():
        monkeypatch.setenv(settings.variable(field), example)
        settings.load()


def test_each_setting_has_a_variable_of_its_own() -> None:
    assert set(VARIABLES.values()) == set(Settings.model_fields)
    assert all(name in settings.UNPREFIXED or name.startswith(settings.PREFIX) for name in VARIABLES)
