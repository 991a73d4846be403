"""Errors told without what they may quote: dead letters and logs keep what somebody wrote out of their words.

Our own errors' messages hold no such thing; those of other libraries and of the language itself may.
"""

import traceback
from typing import Final

from schemas.errors import ParleyError

KEPT_BACK: Final = "its words are not kept, for they may quote the record; the stack says where it arose"


def said(error: BaseException) -> str:
    """An error in a line: class and message of our own, of others the class alone."""
    name = type(error).__name__
    return f"{name}: {str(error)[:300]}" if isinstance(error, ParleyError) else name


def message_of(error: BaseException) -> str:
    """The message of an error of ours, up to 4,000 characters, or why there is none."""
    return str(error)[:4000] if isinstance(error, ParleyError) else KEPT_BACK


def where(error: BaseException) -> str:
    """Where an error arose and what caused it, the cause first: frames and `said`, no values."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{where(cause)}\nwhich led to\n" if cause is not None else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{said(error)}"
