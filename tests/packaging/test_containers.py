"""The container files, as far as they can be checked without a container engine: form, settings, commands."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from console.main import application
from infra.settings import VARIABLES

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.kafka.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PINNED = re.compile(r"[a-z0-9/-]+:\d+(\.\d+)+([.-][a-z0-9.]+)*")
INTERPOLATED = re.compile(r"\$\{([A-Z_]+)(:[-?][^}]*)?\}")
IMAGES_OWN = {"POSTGRES_PASSWORD"}
SECRETS = {
    "PARLEY_ENCRYPTION_KEYS",
    "PARLEY_FACEBOOK_APP_SECRET",
    "PARLEY_FACEBOOK_VERIFY_TOKEN",
    "POSTGRES_PASSWORD",
}


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Its arguments: a JSON array, or words as a shell splits them."""
        if self.rest.startswith("["):
            parsed = json.loads(self.rest)
            assert isinstance(parsed, list)
            return parsed
        return shlex.split(self.rest)


def dockerfile() -> list[Instruction]:
    """The instructions; fails on a line that is none."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    found = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        assert name in {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"}, line
        assert rest, line
        found.append(Instruction(name, rest))
    return found


def variables_of_dockerfile() -> set[str]:
    return {word.partition("=")[0] for each in dockerfile() if each.name == "ENV" for word in each.words}


def named_variables(text: str) -> set[str]:
    """Whatever in a text looks like a variable of ours."""
    return set(re.findall(r"\b(?:PARLEY_[A-Z][A-Z_]*|KAFKA_BOOTSTRAP_SERVERS|DATABASE_URL)\b", text))


def command_of(service: dict[str, Any]) -> list[str]:
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else list(command)


def documented_commands() -> list[list[str]]:
    """Every `parley ...` of the README: in indented or fenced blocks, and between backticks."""
    text = README.read_text(encoding="utf-8") if README.is_file() else ""
    code = "\n".join(
        [
            *re.findall(r"^ {4}.*$", text, re.MULTILINE),
            *re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL),
            *re.findall(r"`([^`\n]+)`", text),
        ]
    )
    found = re.findall(r"(?:^|/|[|&;] )\s*parley((?: [a-z][a-z-]*)+)", code, re.MULTILINE)
    return [["parley", *words.split()] for words in found]


def root_command() -> Any:
    """The command `parley`; groups have `commands`."""
    return typer.main.get_command(application())


def exists(root: Any, words: list[str]) -> bool:
    """True if `parley WORDS` names a command; what follows a command are its arguments."""
    here = root
    for word in words[1:]:
        commands = getattr(here, "commands", None)
        if commands is None:
            return True
        if word not in commands:
            return False
        here = commands[word]
    return True


# The compose file


def test_every_image_of_others_is_pinned_to_a_version_and_named_without_a_host() -> None:
    for name, service in SERVICES.items():
        assert PINNED.fullmatch(service["image"]), name


def test_the_broker_is_of_the_version_that_is_embedded() -> None:
    jars = (ROOT / "infra" / "embedded" / "kafka-jars.sha256").read_text(encoding="utf-8")
    (version,) = set(re.findall(r"/kafka_2\.13-([\d.]+)\.jar", jars))
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


def test_the_processes_of_the_design_are_all_there() -> None:
    commands = {" ".join(command_of(service)) for service in OURS.values()}
    assert commands == {
        "parley migrate",
        "parley topics create",
        "parley serve",
        "parley worker enrich",
        "parley worker draft decide",
        "parley worker postgres",
        "parley worker post",
    }


@pytest.mark.parametrize("name", OURS)
def test_a_process_knows_its_servers_and_is_given_only_settings_that_exist(name: str) -> None:
    environment = OURS[name]["environment"]
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "kafka:9092"
    assert environment["DATABASE_URL"].endswith("@postgres:5432/parley")
    assert set(environment) <= set(VARIABLES)


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_process_exists(name: str) -> None:
    assert exists(root_command(), command_of(OURS[name])), OURS[name]["command"]


@pytest.mark.parametrize("name", [name for name in OURS if "worker" in OURS[name]["command"]])
def test_the_stages_of_a_worker_exist(name: str) -> None:
    root_command()
    from console.stages import STAGE_INPUTS

    assert set(command_of(OURS[name])[2:]) <= set(STAGE_INPUTS)


def test_every_stage_runs_in_one_worker() -> None:
    root_command()
    from console.stages import STAGE_INPUTS

    run = [
        word
        for service in OURS.values()
        for word in command_of(service)[2:]
        if "worker" in service["command"]
    ]
    assert sorted(run) == sorted(STAGE_INPUTS)


def test_services_wait_for_services_that_exist_and_can_meet_the_condition() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}"
            else:
                assert how["condition"] == "service_completed_successfully", name
                assert SERVICES[other]["restart"] == "on-failure", f"{other} would start again for ever"


@pytest.mark.parametrize("name", SERVICES)
def test_what_keeps_running_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    if service["restart"] == "on-failure":
        return
    assert service["healthcheck"]["test"][0] == "CMD"
    for limit in ("interval", "timeout", "retries", "start_period"):
        assert limit in service["healthcheck"]


def test_data_lies_in_volumes_that_are_declared() -> None:
    used = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])
    for name in ("kafka", "postgres"):
        assert SERVICES[name]["volumes"], name


def test_ports_are_open_to_this_machine_only() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_secrets_are_asked_for_and_never_written_down() -> None:
    text = (ROOT / "docker-compose.kafka.yml").read_text(encoding="utf-8")
    asked = dict(INTERPOLATED.findall(text))
    assert set(asked) <= set(VARIABLES) | IMAGES_OWN
    for name in SECRETS:
        assert asked[name].startswith(":?"), f"{name} must stop the start where it is missing"
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name in SECRETS:
                assert re.fullmatch(rf"\$\{{{name}:\?[^}}]+\}}", str(value)), name
            assert not re.search(r"//[^/$@]+:[^$/@]+@", str(value)), f"{name} holds a password"


def test_values_of_the_environment_are_words_and_not_yaml_numbers_or_booleans() -> None:
    for service in SERVICES.values():
        assert all(isinstance(value, str) for value in service["environment"].values())


# The Dockerfile


def test_the_image_is_built_in_two_stages_from_the_same_pinned_slim_python() -> None:
    bases = [each.words for each in dockerfile() if each.name == "FROM"]
    assert len(bases) == 2
    assert len({words[0] for words in bases}) == 1
    assert PINNED.fullmatch(bases[0][0])
    assert bases[0][0].startswith("python:3.11.")
    assert "slim" in bases[0][0]
    assert bases[0][1:] == ["AS", "build"]


def test_dependencies_are_installed_by_hash_and_the_application_alone() -> None:
    installs = [each.rest for each in dockerfile() if each.name == "RUN" and "pip install" in each.rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation ." in installs[1]


def test_nothing_runs_as_root() -> None:
    instructions = dockerfile()
    users = [index for index, each in enumerate(instructions) if each.name == "USER"]
    assert [instructions[index].rest for index in users] == ["parley"]
    assert not [each for each in instructions[users[0] :] if each.name in ("RUN", "COPY")]


def test_variables_of_the_image_are_settings() -> None:
    assert {name for name in variables_of_dockerfile() if name.startswith("PARLEY_")} <= set(VARIABLES)


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored, "what is not named stays outside"
    copied = [
        each.words[:-1] for each in dockerfile() if each.name == "COPY" and "--from=build" not in each.words
    ]
    for source in (name for names in copied for name in names):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_every_room_is_in_the_image() -> None:
    copied = {word for each in dockerfile() if each.name == "COPY" for word in each.words}
    assert {"schemas", "infra", "models", "replies", "connectors", "streams", "sinks", "console"} <= copied


def test_the_default_command_exists() -> None:
    (command,) = (each.words for each in dockerfile() if each.name == "CMD")
    assert command[0] == "parley"
    assert exists(root_command(), [word for word in command if not word.startswith("-")])


# What is written about them


@pytest.mark.parametrize(
    "file", ["README.md", "docker-compose.kafka.yml", "Dockerfile", "CONTRIBUTING.md", "Makefile"]
)
def test_every_variable_that_a_file_names_is_a_setting(file: str) -> None:
    if not (ROOT / file).is_file():
        pytest.skip(f"{file} is not written yet")
    assert named_variables((ROOT / file).read_text(encoding="utf-8")) <= set(VARIABLES)


def test_every_command_that_the_readme_names_exists() -> None:
    commands = documented_commands()
    if not commands:
        pytest.skip("README.md names no command yet")
    root = root_command()
    assert [" ".join(words) for words in commands if not exists(root, words)] == []
