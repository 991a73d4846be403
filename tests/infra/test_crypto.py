"""Tokens at rest: sealed under named keys, bound to their place, rotated by adding a key."""

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.crypto import KeyRing, load_keys, parse_keys
from schemas.errors import ConfigurationError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = KeyRing({"new": NEW, "old": OLD})


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    sealed, key_id = RING.seal(plain, context=context)
    assert key_id == "new"
    assert RING.open(sealed, key_id, context=context) == plain


def test_sealing_twice_gives_two_forms() -> None:
    assert RING.seal(b"token", context="account 1") != RING.seal(b"token", context="account 1")


def test_the_token_is_not_in_its_sealed_form() -> None:
    assert b"token" not in RING.seal(b"token", context="account 1")[0]


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() -> None:
    sealed, key_id = KeyRing({"old": OLD}).seal(b"token", context="account 1")
    rotated = parse_keys(f"new:{encoded(NEW)}, old:{encoded(OLD)}")
    assert rotated.open(sealed, key_id, context="account 1") == b"token"
    assert rotated.seal(b"token", context="account 1")[1] == "new"


def test_a_key_that_is_gone_is_named() -> None:
    sealed, key_id = KeyRing({"old": OLD}).seal(b"token", context="account 1")
    with pytest.raises(
        ConfigurationError, match=r"'old' is needed to read account 1 .* PARLEY_ENCRYPTION_KEYS"
    ):
        KeyRing({"new": NEW}).open(sealed, key_id, context="account 1")


def test_a_token_copied_to_another_accounts_row_does_not_open() -> None:
    sealed, key_id = RING.seal(b"token", context="account 1")
    with pytest.raises(ConfigurationError, match="account 2 does not open with key 'new'"):
        RING.open(sealed, key_id, context="account 2")


def test_other_bytes_under_the_same_key_id_are_noticed() -> None:
    sealed, key_id = RING.seal(b"token", context="account 1")
    with pytest.raises(ConfigurationError, match="the key's bytes differ or the row was altered"):
        KeyRing({"new": OLD}).open(sealed, key_id, context="account 1")


def test_every_altered_byte_is_noticed() -> None:
    sealed, key_id = RING.seal(b"token", context="account 1")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(ConfigurationError):
            RING.open(bytes(altered), key_id, context="account 1")


def test_sealed_bytes_cut_anywhere_are_noticed() -> None:
    sealed, key_id = RING.seal(b"token", context="account 1")
    for length in range(len(sealed)):
        with pytest.raises(ConfigurationError):
            RING.open(sealed[:length], key_id, context="account 1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id",
        "id:",
        f":{encoded(NEW)}",
        f"id:{encoded(NEW[:31])}",
        "id:not base64!",
        f"a:{encoded(OLD)},b:{encoded(NEW)[:-2]}",
    ],
)
def test_a_broken_entry_is_named_by_its_number_and_never_printed(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"entry [12] is not id:base64 of 32 bytes") as caught:
        parse_keys(text)
    assert encoded(NEW)[:12] not in str(caught.value)
    assert encoded(OLD)[:12] not in str(caught.value)


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="entry 2 repeats the id 'a'"):
        parse_keys(f"a:{encoded(OLD)},a:{encoded(NEW)}")


def test_a_key_ring_does_not_print_its_keys() -> None:
    assert repr(NEW)[2:-1] not in repr(RING)
    assert "keys" not in repr(RING)


def test_configured_keys_are_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert load_keys(f"a:{encoded(OLD)}", tmp_path).keys == {"a": OLD}
    assert list(tmp_path.iterdir()) == []


def test_without_keys_one_is_made_and_kept(tmp_path: Path) -> None:
    state = tmp_path / "not" / "yet"
    made = load_keys(None, state)
    assert load_keys(None, state) == made
    assert made.open(*made.seal(b"token", context="c"), context="c") == b"token"


def test_the_made_file_is_the_owners_alone_even_without_a_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_keys(None, tmp_path)
    finally:
        os.umask(before)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_creators_that_race_all_get_the_same_key(tmp_path: Path) -> None:
    rings: list[KeyRing] = []
    ready = threading.Barrier(8)

    def create() -> None:
        ready.wait()
        rings.append(load_keys(None, tmp_path))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rings) == 8
    assert all(ring == rings[0] for ring in rings)
    assert [file.name for file in tmp_path.iterdir()] == ["encryption-keys"]


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "encryption-keys"
    file.write_text("local:damaged")
    with pytest.raises(ConfigurationError):
        load_keys(None, tmp_path)
    assert file.read_text() == "local:damaged"
