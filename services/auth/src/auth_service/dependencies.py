"""What routers ask for. The objects live as long as the process; ``main`` builds them."""

from typing import Annotated

from fastapi import Depends, Request

from auth_service.services.accounts import Accounts
from auth_service.services.sessions import Sessions
from auth_service.services.signing_keys import SigningKeys
from auth_service.settings import Settings
from servicekit.permissions import SignedIn

__all__ = ["AccountsDep", "KeysDep", "SessionsDep", "SettingsDep", "SignedIn"]


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _keys(request: Request) -> SigningKeys:
    keys: SigningKeys = request.app.state.signing_keys
    return keys


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


AccountsDep = Annotated[Accounts, Depends(_accounts)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
KeysDep = Annotated[SigningKeys, Depends(_keys)]
SettingsDep = Annotated[Settings, Depends(_settings)]
