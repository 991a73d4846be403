"""Why the embedded stack could not be used. Each says what happened, to which thing, and what to do.

EnvironmentFault
└── EmbeddedStackError
    ├── DiskFullError           too little room for the state or the cache folder
    ├── PortTakenError          every port tried on 127.0.0.1 was taken before a server could bind it
    ├── DownloadFailedError     a jar could not be fetched and no folder holds it
    ├── ChecksumMismatchError   a jar is not the pinned one
    ├── StartFailedError        a server ended or stayed silent while starting
    └── StateFolderError        the state folder is not ours to use: foreign files, no permission, no locks
"""

from schemas.errors import EnvironmentFault


class EmbeddedStackError(EnvironmentFault):
    """Base of all; raised by itself only when no narrower type fits.

    `what` happened, to which `thing` (a path, a server), and the `remedy` a person can apply.
    """

    def __init__(self, what: str, *, thing: str, remedy: str) -> None:
        super().__init__(f"{what}: {thing}\n{remedy}")
        self.what = what
        self.thing = thing
        self.remedy = remedy

    def as_record(self) -> dict[str, str]:
        """What `from_record` needs to raise the same error in another process."""
        return {"type": type(self).__name__, "what": self.what, "thing": self.thing, "remedy": self.remedy}


class DiskFullError(EmbeddedStackError):
    """There is too little free space, or a server's log says that it ran out."""


class PortTakenError(EmbeddedStackError):
    """Other programs took each of the ports that were chosen, several times in a row."""


class DownloadFailedError(EmbeddedStackError):
    """Kafka's jars could not be brought here."""


class ChecksumMismatchError(EmbeddedStackError):
    """A jar's SHA-256 is not the committed one; it was not put on the class path."""


class StartFailedError(EmbeddedStackError):
    """A server did not become ready."""


class StateFolderError(EmbeddedStackError):
    """The state folder cannot be used as it is."""


_TYPES: dict[str, type[EmbeddedStackError]] = {
    kind.__name__: kind
    for kind in (
        DiskFullError,
        PortTakenError,
        DownloadFailedError,
        ChecksumMismatchError,
        StartFailedError,
        StateFolderError,
    )
}


def from_record(record: dict[str, str]) -> EmbeddedStackError:
    """The error that `as_record` described."""
    kind = _TYPES.get(record["type"], EmbeddedStackError)
    return kind(record["what"], thing=record["thing"], remedy=record["remedy"])
