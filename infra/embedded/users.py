"""Whom PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import StartFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Whom a program runs as, when that is not the guard's own user."""

    uid: int
    gid: int


def unprivileged_user(data: Path) -> User | None:
    """Whom to run as: None for an ordinary user; for root the owner of the data, at first `nobody`."""
    if os.geteuid() != 0:
        return None
    if data.is_dir() and (owner := data.stat()).st_uid != 0:
        return User(uid=owner.st_uid, gid=owner.st_gid)
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    entry = entries.get("nobody") or next(iter(entries.values()), None)
    if entry is None:
        raise StartFailedError(
            "PostgreSQL does not run as root, and there is no other user",
            thing="/etc/passwd",
            remedy="Run Parley as an ordinary user, or set DATABASE_URL to a server of your own.",
        )
    return User(uid=entry.pw_uid, gid=entry.pw_gid)


def make_private(folder: Path, owner: User | None) -> None:
    """An empty folder that only `owner` may enter; throws away what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if owner is not None:
        os.chown(folder, owner.uid, owner.gid)
