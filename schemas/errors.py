"""Every error Parley raises on purpose. The type decides what the runner does with it.

    ParleyError                     has a message a person can act on
    ├── ConfigurationError          wrong setting, file or argument: stops the start, exit code 78
    ├── EnvironmentFault            the machine or a server is not usable: stops the start, exit code 69
    ├── TransientError              will pass: retried with jittered backoff, then partitions are held
    │   └── ThrottledError          the far side asked us to wait (`retry_after` seconds)
    ├── PoisonError                 this record can never be processed: to the dead letters, the rest goes on
    │   ├── DecodeError             not Avro, unknown schema id, wrong type for the topic
    │   └── InvalidEventError       decoded, but breaks the event's own rules
    └── StageHalted                 too many dead letters: the fault is the deploy, not the data; exit code 70

Anything else that a stage raises is poison for the record that raised it, found by bisecting the batch.
"""


class ParleyError(Exception):
    """Base of all; `str(error)` says what happened, to which thing, and what to do."""


class ConfigurationError(ParleyError):
    """A setting, file or argument is wrong; nothing was started."""

    exit_code = 78


class EnvironmentFault(ParleyError):
    """The machine or a server cannot be used (disk full, port taken, broker unreachable)."""

    exit_code = 69


class TransientError(ParleyError):
    """The same call may succeed later; nothing is known to have changed on the far side."""


class ThrottledError(TransientError):
    """The far side asked for a pause.

    `retry_after` is in seconds; None where the far side named no time.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PoisonError(ParleyError):
    """This record can never be processed."""


class DecodeError(PoisonError):
    """The bytes of a record are not an event of its topic."""


class InvalidEventError(PoisonError):
    """An event breaks a rule that its schema cannot express."""


class StageHalted(ParleyError):
    """A stage refused to go on because too many of its records were poison."""

    exit_code = 70
