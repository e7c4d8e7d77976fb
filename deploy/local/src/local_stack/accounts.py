"""The people who can log in from the first start on."""

import asyncio

from local_stack.databases import fingerprint
from local_stack.parts import AUTH, Site
from local_stack.preflight import CannotStart
from local_stack.remembered import Remembered
from local_stack.settings import Account
from local_stack.supervisor import Supervisor

_PASSWORD_LENGTH = 20


def password_of(account: Account, site: Site) -> str:
    """The password from the environment, else the one made for this stack."""
    return account.password or site.secrets.get(f"account {account.email}", _PASSWORD_LENGTH)


async def ensure_accounts(site: Site, supervisor: Supervisor, remembered: Remembered) -> bool:
    """Makes the accounts, or sets them anew when the environment changed; True when there is something to print."""
    state = _state(site)
    if remembered.has("accounts", state):
        return False
    accounts = site.settings.accounts
    codes = await asyncio.gather(*(_ensure(account, site, supervisor) for account in accounts))
    for account, code in zip(accounts, codes, strict=True):
        if code:
            raise CannotStart(f"the account {account.email} could not be made (code {code}); its reason is above")
    return True


def accounts_were_printed(site: Site, remembered: Remembered) -> None:
    """From now on they are neither made nor printed again."""
    remembered.put("accounts", _state(site))


async def _ensure(account: Account, site: Site, supervisor: Supervisor) -> int:
    roles = [word for role in account.roles for word in ("--role", role)]
    command = ("create-user", "--email", account.email, "--name", account.name, *roles, "--password-stdin", "--update")
    password = password_of(account, site)
    return await supervisor.run(AUTH.name, site.launch(AUTH, *command), feed=f"{password}\n".encode())


def _state(site: Site) -> str:
    # Keyed by a secret: a plain digest of a chosen password could be guessed from.
    key = site.secrets.get("fingerprints")
    who = [f"{account.email} {account.roles} {password_of(account, site)}" for account in site.settings.accounts]
    return fingerprint(key, site.data_fingerprint(), *who)
