"""What lies on this machine: the model, the keys, the disk below the state folder."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

from console.checks.finding import Finding, ok, problem, warning
from infra import crypto
from infra.crypto import KeyRing
from infra.settings import Settings
from models.registry import ModelError, read_manifest

_GIB: Final = 1 << 30


def existing_keys(settings: Settings) -> KeyRing | None:
    """The encryption keys; None, where other commands would make one, if there is none yet."""
    configured = settings.encryption_keys
    if configured is None and not (settings.state_dir / "encryption-keys").exists():
        return None
    return crypto.load_keys(configured.get_secret_value() if configured else None, settings.state_dir)


async def check_model(folder: Path) -> list[Finding]:
    """Whether the model's files are whole; it is not loaded."""
    try:
        manifest = await asyncio.to_thread(read_manifest, folder)
    except ModelError as error:
        return [
            problem("model", str(error), "restore its folder, or set PARLEY_MODEL_DIR to another model's")
        ]
    return [ok("model", f"{manifest.name}, sha256 {manifest.hash[:12]}…, is whole")]


async def check_disk(folder: Path) -> list[Finding]:
    """Whether there is room where the state folder is, or will be."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    usage = shutil.disk_usage(there)
    said = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.0f} free at {there}"
    if usage.free < _GIB:
        return [problem("disk", said, "free some: Kafka and Postgres stop when it is full")]
    if usage.free < 5 * _GIB:
        return [warning("disk", said, "free some, or let PARLEY_STATE_DIR name a larger disk")]
    return [ok("disk", said)]
