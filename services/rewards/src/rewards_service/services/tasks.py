"""Starting a task, looking at one's tasks, and giving one up."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.clients.accounts import Accounts
from rewards_service.clients.catalog import Catalog, CatalogApp
from rewards_service.errors import (
    AppArchived,
    AppNotFound,
    AppNotOffered,
    AppSoldOut,
    EmailNotVerified,
    TaskExists,
    TaskNotFound,
    TaskNotStarted,
)
from rewards_service.models import Task
from rewards_service.repositories.queue import QueueRepository
from rewards_service.repositories.tasks import TaskRepository, Wanted
from rewards_service.schemas.tasks import TaskOut
from rewards_service.services.idempotency import Answer, Call, Once
from servicekit.db import Database
from servicekit.pagination import Cursors
from servicekit.schemas import Page
from servicekit.tokens import Principal


class TaskService:
    """A person's tasks. Siblings are asked before a transaction opens, never within one."""

    def __init__(self, database: Database, catalog: Catalog, accounts: Accounts, cursors: Cursors) -> None:
        self._database = database
        self._once = Once(database)
        self._catalog = catalog
        self._accounts = accounts
        self._cursors = cursors

    async def start(self, call: Call, principal: Principal, token: str, app_id: UUID) -> Answer:
        """Start the task of an app, for the points of this moment.

        Raises:
            EmailNotVerified, AppNotFound, AppArchived, AppNotOffered, AppSoldOut, TaskExists: see there.
            Unavailable: a sibling that must be asked is away.
        """
        known = await self._once.known(call)
        if known is not None:
            return known
        # The claim may be older than the click on the link in the mail.
        if not principal.email_verified and not (await self._accounts.me(token)).email_verified:
            raise EmailNotVerified
        app = await self._catalog.app(app_id)
        if app is None:
            raise AppNotFound
        if app.status == "archived":
            raise AppArchived

        async def effect(session: AsyncSession) -> Answer:
            task = await _add(TaskRepository(session), principal.user_id, app)
            return Answer.of(201, TaskOut.model_validate(task), location=f"/api/v1/tasks/{task.id}")

        return await self._once.run(call, effect)

    async def get(self, user_id: UUID, task_id: UUID) -> TaskOut:
        """This person's task, and where it stands while it waits for a decision. Raises TaskNotFound."""
        async with self._database.transaction() as session:
            tasks = TaskRepository(session)
            await tasks.expire_overdue(user_id)
            task = await tasks.of_user(user_id, task_id)
            if task is None:
                raise TaskNotFound
            shown = TaskOut.model_validate(task)
            if task.status == "submitted":
                shown.queue_position, shown.median_review_seconds = await QueueRepository(session).standing(task)
        return shown

    async def list(self, user_id: UUID, wanted: Wanted, cursor: str | None, limit: int) -> Page[TaskOut]:
        """This person's tasks, newest first."""
        scope = f"tasks {user_id} {wanted.status} {sorted(map(str, wanted.app_ids))}"
        before = UUID(self._cursors.decode(scope, cursor)[0]) if cursor else None
        async with self._database.transaction() as session:
            tasks = TaskRepository(session)
            await tasks.expire_overdue(user_id)
            found = await tasks.list_of_user(user_id, wanted, before, limit + 1)
        items = [TaskOut.model_validate(task) for task in found[:limit]]
        more = len(found) > limit
        return Page(items=items, next_cursor=self._cursors.encode(scope, [str(items[-1].id)]) if more else None)

    async def cancel(self, user_id: UUID, task_id: UUID) -> TaskOut:
        """Give a started task up. Raises TaskNotFound, TaskNotStarted."""
        async with self._database.transaction() as session:
            tasks = TaskRepository(session)
            await tasks.expire_overdue(user_id)
            task = await tasks.cancel(user_id, task_id)
            found = task or await tasks.of_user(user_id, task_id)
        if found is None:
            raise TaskNotFound
        if task is None:
            raise TaskNotStarted(f"The task is {found.status}.")
        return TaskOut.model_validate(task)


def _expect_offer(app: CatalogApp, now: datetime) -> None:
    if app.available_from is not None and now < app.available_from:
        raise AppNotOffered(f"The app is offered from {app.available_from:%Y-%m-%dT%H:%M:%SZ} on.")
    if app.available_until is not None and now >= app.available_until:
        raise AppNotOffered(f"The app was offered until {app.available_until:%Y-%m-%dT%H:%M:%SZ}.")


async def _add(tasks: TaskRepository, user_id: UUID, app: CatalogApp) -> Task:
    _expect_offer(app, await tasks.now())
    await tasks.expire_overdue(user_id)
    capped = app.max_completions is not None or app.max_completions_per_day is not None
    if capped:
        await tasks.lock_app(app.id)
    task = await tasks.add(
        user_id=user_id, app_id=app.id, app_name=app.name, package_name=app.package_name, points=app.points
    )
    if task is None:
        raise TaskExists
    # What is raised here takes the new task back.
    if app.max_completions is not None and await tasks.places_taken(app.id) > app.max_completions:
        raise AppSoldOut
    per_day = app.max_completions_per_day
    if per_day is not None and await tasks.places_taken_today(app.id) > per_day:
        raise AppSoldOut("All places of this day are taken. A new day begins at midnight UTC.")
    return task
