"""The faults that a simulated page can show, switched on one by one.

Source of the catalogue: section 10 of the platform contracts; each was seen in the wild or is documented.
"""

import random
from dataclasses import dataclass
from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # deliveries of webhooks
    "drop_delivery": "a delivery is never sent",
    "duplicate_delivery": "a delivery that was accepted is sent once more",
    "reorder": "a change is delivered after later ones",
    "bad_signature": "a delivery is first sent with a wrong signature",
    "missing_signature": "a delivery is first sent without a signature",
    "decoded_signature": "a delivery is first sent with the signature of its decoded text",
    # between the webhook and the reply
    "deleted_before_reply": "the author deletes the comment just before the reply arrives (100/33)",
    "gone_without_subcode": "the error of a missing comment is a bare code 100, as recorded",
    "edited_between": "the author edits the comment just before it is read",
    # replies
    "reply_without_id": "the reply is created, the answer 200 has no id",
    "created_then_timeout": "the reply is created, no answer comes",
    "created_then_reset": "the reply is created, the connection is reset",
    "created_then_error": "the reply is created, the answer is 500",
    "created_then_400": "the reply is created, the answer is 400, code 20/1772107",
    "error_before": "nothing is created, the answer is 500, code 2",
    "html_503": "nothing is done, the answer is a page of HTML",
    "duplicate_text": "nothing is created, code 506",
    "delayed_listing": "the reply shows in listings only after `seconds` (unscaled)",
    # the account
    "throttle": "code 80001 with usage headers",
    "throttle_bare": "code 4/1504022 without usage headers",
    "expired_token": "code 190/463",
    "blocked": "code 368",
    "missing_permission": "code 10",
    # reads
    "read_error": "a read is answered 500, code 1",
    "empty_page": "a page of a listing is empty and has a next one",
}


@dataclass(slots=True)
class Fault:
    """One fault switched on: for `count` occasions (None: until cleared), each with `probability`."""

    count: int | None = None
    probability: float = 1.0
    seconds: float = 5.0


class Faults:
    """Which faults are on, and whether one strikes now."""

    def __init__(self, seed: int | None = None) -> None:
        self._on: dict[str, Fault] = {}
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrets
        self.struck: dict[str, int] = {}

    def set(
        self, name: str, *, count: int | None = None, probability: float = 1.0, seconds: float = 5.0
    ) -> None:
        """Switches a fault on; raises KeyError for a name that is not in the catalogue."""
        if name not in CATALOGUE:
            raise KeyError(name)
        self._on[name] = Fault(count, probability, seconds)

    def clear(self, name: str | None = None) -> None:
        """Switches one off, or all."""
        if name is None:
            self._on.clear()
        else:
            self._on.pop(name, None)

    def strikes(self, name: str) -> Fault | None:
        """The fault if it strikes on this occasion; uses one of its `count` up."""
        fault = self._on.get(name)
        if fault is None or self._random.random() >= fault.probability:
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                del self._on[name]
        self.struck[name] = self.struck.get(name, 0) + 1
        return fault

    @property
    def on(self) -> dict[str, Fault]:
        """The faults that are on, by name."""
        return dict(self._on)
