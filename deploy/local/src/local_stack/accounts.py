"""The people who can log in from the first start on."""

import asyncio

from local_stack.databases import cluster_fingerprint, fingerprint
from local_stack.parts import AUTH, Site
from local_stack.preflight import CannotStartError
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
    async with asyncio.TaskGroup() as group:
        for account in site.settings.accounts:
            group.create_task(_ensure(account, site, supervisor))
    return True


def accounts_were_printed(site: Site, remembered: Remembered) -> None:
    """From now on they are neither made nor printed again."""
    remembered.put("accounts", _state(site))


async def _ensure(account: Account, site: Site, supervisor: Supervisor) -> None:
    roles = [word for role in account.roles for word in ("--role", role)]
    command = ("create-user", "--email", account.email, "--name", account.name, *roles, "--password-stdin", "--update")
    password = password_of(account, site)
    code = await supervisor.run(AUTH.name, site.launch(AUTH, *command), feed=f"{password}\n".encode())
    if code:
        raise CannotStartError(f"the account {account.email} could not be made (code {code}); its reason is above")


def _state(site: Site) -> str:
    where = cluster_fingerprint(site.postgres.data) if site.postgres else ""
    outside = site.environment.get("AUTH_DATABASE_URL", "")
    # Keyed by a secret: a plain digest of a chosen password could be guessed from.
    key = site.secrets.get("fingerprints")
    who = [f"{account.email} {account.roles} {password_of(account, site)}" for account in site.settings.accounts]
    return fingerprint(key, where, outside, *who)
