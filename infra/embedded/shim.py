"""Becomes another program that dies with the process that started it. Run as a script, never imported.

    python -I -S shim.py --parent PID --signal N [--uid UID --gid GID] -- PROGRAM ARGUMENT...

Linux sends `--signal` to the program when the *thread* that forked it ends, so the starter must fork from a
thread that lives as long as itself. Other systems have no such thing: there the program outlives a starter
that was killed, and the next start ends it (infra/embedded/leftovers.py).

With `--uid`, drops root: PostgreSQL refuses to run as root. On Linux the right to pass through folders that
only root may enter is kept (an ambient capability): a root user's state folder and virtual environment lie
below such a folder as a rule, and opening that folder to everybody would be worse.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP = 28, 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def drop_root(uid: int, gid: int) -> None:
    """Becomes `uid`, keeping the folder rights where the system lets us; without them paths must be open."""
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True)
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # access(2) asks with the real user's rights, and without this bit that user has none: initdb looks
        # for its sister programs by access(2), in an installation that lies below a folder of root's.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if not linux:
        return
    header, sets = _Header(CAPABILITY_VERSION_3, 0), (_Sets * 2)()
    if libc.capget(ctypes.byref(header), sets) != 0:
        sys.exit("the rights of root could not be read")
    kept = sets[0].permitted & (1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    for part, rights in zip(sets, (kept, 0), strict=True):
        part.effective = part.permitted = part.inheritable = rights
    if libc.capset(ctypes.byref(header), sets) != 0:
        sys.exit("the rights of root could not be given up")  # never go on with all of them
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if kept & 1 << capability:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def main(arguments: list[str]) -> None:
    """Parses the few options by hand: argparse would double the time this takes."""
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True))
    program = arguments[split + 1 :]
    if "--uid" in options:
        drop_root(int(options["--uid"]), int(options["--gid"]))
    if sys.platform == "linux":  # after the change of user, which clears it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(options["--signal"]), 0, 0, 0)
    if os.getppid() != int(options["--parent"]):  # it died before the line above
        sys.exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(program[0], program)  # noqa: S606 — to become the server is this file's purpose


if __name__ == "__main__":
    main(sys.argv[1:])
