"""Passwords that guessers try first, of those that are long enough for the policy.

``list.txt`` is generated (see ``generate``) and under this project's own licence: published lists of leaked passwords
hold hardly any of 12 characters and more, so ours follows the habits that those lists show.
"""

from functools import cache
from importlib.resources import files


@cache
def _all() -> frozenset[str]:
    text = files(__package__).joinpath("list.txt").read_text(encoding="utf-8")
    return frozenset(text.splitlines())


def is_common(password: str) -> bool:
    """Whether the password is on the list: in any case, and with or without what some put after it to please a rule."""
    plain = password.strip().casefold()
    return plain in _all() or plain.rstrip("!?. ") in _all()
