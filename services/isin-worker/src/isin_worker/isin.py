"""Why a text is not an ISIN (ISO 6166). That it is one, and the check digit, are the extractor's to say."""

import re
from dataclasses import dataclass
from typing import Literal

from extractor import is_valid_isin, isin_check_digit

Reason = Literal["length", "characters", "check-digit"]
LENGTH = 12
_SHAPE = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_BODY = re.compile(r"[A-Z]{2}[A-Z0-9]{9}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the check digit that the first 11 characters demand, if they are of the right shape."""

    reason: Reason
    text: str
    expected_check_digit: int | None = None


def fault_of(text: str) -> Fault:
    """What is wrong with a text that is not an ISIN."""
    expected = isin_check_digit(text[:11]) if _BODY.fullmatch(text[:11]) else None
    if len(text) != LENGTH:
        return Fault("length", f"an ISIN has {LENGTH} characters, this has {len(text)}", expected)
    if not _SHAPE.fullmatch(text):
        return Fault("characters", "an ISIN is two letters, nine letters or digits, and a check digit", expected)
    return Fault("check-digit", f"the check digit should be {expected}", expected)


def verdict(text: str) -> Fault | None:
    """What is wrong, or None for an ISIN."""
    return None if is_valid_isin(text) else fault_of(text)
