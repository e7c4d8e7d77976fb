"""The composition root: every object of the service is built here."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from auth_service.clients.mail import FolderMail, MailSender, SmtpMail
from auth_service.routers import administration, auth, internal, users, well_known
from auth_service.services.access_tokens import AccessTokens
from auth_service.services.accounts import Accounts
from auth_service.services.housekeeping import Housekeeping
from auth_service.services.mail_texts import MailTemplates
from auth_service.services.mailing import Mailer
from auth_service.services.one_time_use import Codes
from auth_service.services.opaque_tokens import DeviceTokens, RefreshChain
from auth_service.services.password_changes import PasswordChanges, RequestedResets
from auth_service.services.passwords import Passwords
from auth_service.services.second_factor import SecondFactor
from auth_service.services.session_list import SessionList
from auth_service.services.sessions import Sessions
from auth_service.services.signing_keys import SigningKeys
from auth_service.services.staff import Staff
from auth_service.services.throttle import Throttle
from auth_service.services.user_administration import UserAdministration
from auth_service.settings import ADMIN_NAME, Settings
from servicekit.app import create_service_app, serving
from servicekit.logs import get_logger
from servicekit.pagination import Cursors
from servicekit.revocations import following

MAX_BODY = 64 * 1024  # the longest password fits many times over

log = get_logger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The application. It takes no key source: its keys are its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Keys before anything that signs, the first admin before the first request; background work ends first."""
        keys = SigningKeys(settings.signing_key_secret)
        async with serving(app, settings, package_file=__file__, keys=keys) as stack:
            await keys.load(app.state.database)
            await _build(app, settings, keys, stack)
            yield

    app = create_service_app(
        package="auth_service",
        title="Appraise auth",
        description="Accounts, sessions, tokens and keys.",
        lifespan=lifespan,
        routers=[auth.router, users.router, administration.router, well_known.router, internal.router],
        max_body_size=MAX_BODY,
    )
    app.state.settings = settings
    return app


async def _build(app: FastAPI, settings: Settings, keys: SigningKeys, stack: AsyncExitStack) -> None:
    state = app.state
    passwords = Passwords()
    stack.callback(passwords.close)
    await _ensure_first_admin(Staff(state.database, passwords), settings)
    templates = MailTemplates(settings.web_url)
    mailer = state.mailer = Mailer(
        state.database,
        _mail_sender(settings),
        mail_from=settings.mail_from,
        prepare=RequestedResets(state.database, templates).write_mails,
    )
    throttle = Throttle(state.database, settings.signing_key_secret, settings.shared_networks)
    state.signing_keys = keys
    cursors = Cursors(settings.cursor_secret)
    revocations = state.revocations
    state.accounts = Accounts(
        state.database,
        passwords=passwords,
        throttle=throttle,
        templates=templates,
        mailer=mailer,
        revocations=revocations,
    )
    state.password_changes = PasswordChanges(
        state.database,
        passwords=passwords,
        throttle=throttle,
        templates=templates,
        mailer=mailer,
        revocations=revocations,
    )
    codes = Codes(settings.signing_key_secret)
    state.second_factor = SecondFactor(
        state.database,
        codes=codes,
        passwords=state.password_changes,
        throttle=throttle,
        templates=templates,
        mailer=mailer,
    )
    state.administration = UserAdministration(state.database, cursors, revocations)
    state.session_list = SessionList(state.database, cursors, revocations)
    state.sessions = Sessions(
        state.database,
        passwords=passwords,
        tokens=AccessTokens(keys, settings),
        chain=RefreshChain(settings.signing_key_secret),
        codes=codes,
        devices=DeviceTokens(settings.signing_key_secret),
        throttle=throttle,
        templates=templates,
        mailer=mailer,
        revocations=revocations,
    )
    # What another replica revoked is known here as it is elsewhere, but read from the table itself.
    await stack.enter_async_context(following(revocations, state.sessions.revocations))
    for work in (mailer.run(), Housekeeping(state.database).run(), keys.follow(state.database)):
        await stack.enter_async_context(_in_background(work))


async def _ensure_first_admin(staff: Staff, settings: Settings) -> None:
    if settings.admin_email is not None and settings.admin_password is not None:
        password = settings.admin_password.get_secret_value()
        outcome = await staff.ensure(
            email=settings.admin_email, name=ADMIN_NAME, password=password, roles=("reviewer", "admin")
        )
        log.info("first_admin", outcome=outcome.value)


def _mail_sender(settings: Settings) -> MailSender:
    if settings.smtp_url is not None:
        return SmtpMail(settings.smtp_url)
    if settings.mail_dir is None:
        raise ValueError("the settings name no way for mails")
    return FolderMail(settings.mail_dir)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
