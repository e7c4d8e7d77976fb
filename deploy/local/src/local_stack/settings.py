"""What the local stack reads from its environment: every `APPRAISE_` variable, all optional.

Read by hand: pydantic-settings takes 0.25 s to import, which every start of the whole stack would wait for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SWITCH = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}


class BadSetting(Exception):
    """A variable has a value that cannot be used; the message names it."""


@dataclass(frozen=True)
class Account:
    """Somebody who can log in from the first start on. Without a password one is made."""

    name: str
    email: str
    password: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The environment, checked."""

    port: int
    var: Path
    demo: bool
    rate_limits: bool
    accounts: tuple[Account, ...]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises BadSetting for a value that cannot be used."""
        demo = _switch(environment, "APPRAISE_DEMO", default=True)
        accounts = (
            _account(environment, "admin", "Admin", ("admin", "reviewer")),
            _account(environment, "reviewer", "Reviewer", ("reviewer",)),
            *((Account("Demo user", "user@example.com", None, ()),) if demo else ()),
        )
        return cls(
            port=_port(environment.get("APPRAISE_PORT") or "8000"),
            var=Path(environment.get("APPRAISE_VAR") or "var").absolute(),
            demo=demo,
            rate_limits=_switch(environment, "APPRAISE_RATE_LIMITS", default=True),
            accounts=accounts,
        )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise BadSetting(f"APPRAISE_PORT must be a port from 1 to 65535, not {text!r}")
    return int(text)


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "").lower()
    if text and text not in _SWITCH:
        raise BadSetting(f"{name} must be 1, 0, on or off, not {text!r}")
    return _SWITCH.get(text, default)


def _account(environment: Mapping[str, str], who: str, name: str, roles: tuple[str, ...]) -> Account:
    variable = f"APPRAISE_{who.upper()}"
    return Account(
        name=name,
        email=environment.get(f"{variable}_EMAIL") or f"{who}@example.com",
        password=environment.get(f"{variable}_PASSWORD") or None,
        roles=roles,
    )
