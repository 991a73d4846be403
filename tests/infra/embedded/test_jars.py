"""Kafka's jars: what is accepted, and what is said when something is not."""

import hashlib
import threading
from pathlib import Path, PurePosixPath

import pytest

from infra.embedded import download, jars
from infra.embedded.errors import ChecksumMismatchError, DiskFullError, DownloadFailedError, StateFolderError

NAME = "org/example/thing/1.2/thing-1.2.jar"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "list.sha256"
    file.write_text(f"# a comment\n{hashlib.sha256(b'jar').hexdigest()}  {NAME}\n")
    return file


def test_the_committed_list_pins_each_jar_of_one_kafka_version_once() -> None:
    listed = jars.pinned()
    assert len({jar.path for jar in listed}) == len(listed) > 30
    assert all(len(jar.sha256) == 64 and jar.path.suffix == ".jar" for jar in listed)
    versions = {jar.path.parts[-2] for jar in listed if jar.path.parts[:3] == ("org", "apache", "kafka")}
    assert len(versions) == 1
    assert versions.pop().startswith("4.")


def test_a_path_of_the_list_gives_the_coordinate() -> None:
    assert jars.Jar("0", PurePosixPath(NAME)).coordinate == "org.example:thing:1.2"


@pytest.mark.parametrize("place", ["thing-1.2.jar", NAME])
def test_a_given_folder_may_be_flat_or_a_maven_repository(tmp_path: Path, manifest: Path, place: str) -> None:
    jar = tmp_path / "given" / place
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"jar")
    assert jars.ensure_jars(tmp_path / "cache", given=tmp_path / "given", manifest=manifest) == [jar]


def test_a_given_folder_that_lacks_a_jar_is_never_filled_from_the_network(
    tmp_path: Path, manifest: Path
) -> None:
    with pytest.raises(
        DownloadFailedError, match=r"lacks one: .*given/thing-1\.2\.jar\n.*infra\.embedded\.jars"
    ):
        jars.ensure_jars(tmp_path / "cache", given=tmp_path / "given", manifest=manifest)


def test_a_jar_with_another_checksum_is_refused_by_name(tmp_path: Path, manifest: Path) -> None:
    cached = tmp_path / "cache" / "maven" / NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"tampered")
    with pytest.raises(ChecksumMismatchError, match=f"{cached}\nDelete this file"):
        jars.ensure_jars(tmp_path / "cache", manifest=manifest)


def test_a_fetched_jar_with_another_checksum_never_reaches_the_cache(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve_other(coordinate: str, folder: Path, abandoned: threading.Event) -> Path:
        (folder / "x.jar").write_bytes(b"other")
        return folder / "x.jar"

    monkeypatch.setattr(jars, "fetch", serve_other)
    with pytest.raises(ChecksumMismatchError, match="try another network"):
        jars.ensure_jars(tmp_path / "cache", manifest=manifest)
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_failed_download_says_what_and_what_to_do(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setattr(download, "TRIES", 1)
    with pytest.raises(DownloadFailedError) as caught:
        jars.ensure_jars(tmp_path / "cache", manifest=manifest)
    said = str(caught.value)
    assert "Connection refused): org.example:thing:1.2" in said
    assert "HTTPS_PROXY" in said
    assert "-m infra.embedded.jars FOLDER" in said
    assert "PARLEY_KAFKA_JARS_DIR" in said


def test_too_little_space_for_a_download_is_said_before_it(tmp_path: Path, manifest: Path) -> None:
    with pytest.raises(DiskFullError, match="Only 1 MB are free, 200 MB are needed"):
        jars.ensure_jars(tmp_path / "cache", manifest=manifest, free=lambda _: 1_000_000)


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path, manifest: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateFolderError, match="Not a directory"):
        jars.ensure_jars(tmp_path / "file" / "cache", manifest=manifest)
