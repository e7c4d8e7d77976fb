"""What routers ask for. The objects live as long as the process; ``main`` builds them."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Header, Request

from auth_service.services.accounts import Accounts
from auth_service.services.password_changes import PasswordChanges
from auth_service.services.second_factor import SecondFactor
from auth_service.services.session_list import SessionList
from auth_service.services.sessions import Sessions
from auth_service.services.signing_keys import SigningKeys
from auth_service.services.throttle import Caller
from auth_service.services.user_administration import UserAdministration
from auth_service.settings import Settings
from servicekit.permissions import Require, SignedIn
from servicekit.tokens import Principal

__all__ = [
    "AccountsDep",
    "Admin",
    "AdministrationDep",
    "CallerDep",
    "KeysDep",
    "PasswordChangesDep",
    "SecondFactorDep",
    "SessionListDep",
    "SessionsDep",
    "SettingsDep",
    "SignedIn",
]


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _keys(request: Request) -> SigningKeys:
    keys: SigningKeys = request.app.state.signing_keys
    return keys


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or a /64 of IPv6. An address inside of IPv6 counts as the IPv4 one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


async def _caller(
    request: Request,
    device_token: Annotated[
        str | None,
        Header(max_length=256, description="What this device was given in this header when it last signed in"),
    ] = None,
) -> Caller:
    # The gateway is the only door, and writes this header anew: its last address is the one that called the gateway.
    hops = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    address = hops or (request.client.host if request.client else "")
    agent = request.headers.get("user-agent", "").encode("ascii", "ignore").decode()[:200]
    return Caller(network_of(address), device_token, agent or None)


async def _password_changes(request: Request) -> PasswordChanges:
    changes: PasswordChanges = request.app.state.password_changes
    return changes


async def _second_factor(request: Request) -> SecondFactor:
    factor: SecondFactor = request.app.state.second_factor
    return factor


async def _administration(request: Request) -> UserAdministration:
    administration: UserAdministration = request.app.state.administration
    return administration


async def _session_list(request: Request) -> SessionList:
    sessions: SessionList = request.app.state.session_list
    return sessions


AccountsDep = Annotated[Accounts, Depends(_accounts)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
KeysDep = Annotated[SigningKeys, Depends(_keys)]
SettingsDep = Annotated[Settings, Depends(_settings)]
PasswordChangesDep = Annotated[PasswordChanges, Depends(_password_changes)]
SecondFactorDep = Annotated[SecondFactor, Depends(_second_factor)]
AdministrationDep = Annotated[UserAdministration, Depends(_administration)]
SessionListDep = Annotated[SessionList, Depends(_session_list)]
Admin = Annotated[Principal, Depends(Require("admin"))]
CallerDep = Annotated[Caller, Depends(_caller)]
