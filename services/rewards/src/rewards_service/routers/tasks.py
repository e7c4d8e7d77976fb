"""Tasks, for the people who do them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from rewards_service.dependencies import KEYED, Key, Tasks, UserToken
from rewards_service.repositories.tasks import Wanted
from rewards_service.routers.answers import respond
from rewards_service.schemas.tasks import TaskIn, TaskOut, TaskStatus
from rewards_service.services.idempotency import Call
from servicekit.conditional import conditional_json
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/tasks")


@router.post(
    "",
    status_code=201,
    response_model=TaskOut,
    openapi_extra=KEYED,
    responses={
        403: {"description": "The e-mail address is not verified"},
        409: {"description": "You have a task for this app already"},
        410: {"description": "The app is archived, or all its places are taken"},
    },
)
async def start_task(
    body: TaskIn, request: Request, principal: SignedIn, token: UserToken, key: Key, tasks: Tasks
) -> Response:
    """Start the task of an app.

    The app's points and name of this moment are kept with the task. Send a proof within seven days.
    """
    content = body.model_dump_json().encode()
    call = Call.of(principal.user_id, "start_task", key, path=request.scope["path"], content=content)
    return respond(await tasks.start(call, principal, token, body.app_id))


@router.get("")
async def list_tasks(
    request: Request,
    response: Response,
    principal: SignedIn,
    tasks: Tasks,
    status: Annotated[TaskStatus | None, Query(description="Only tasks in this state")] = None,
    app_id: Annotated[
        list[UUID] | None, Query(max_length=200, description="Only tasks of these apps; may be repeated")
    ] = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[TaskOut]:
    """Your tasks, newest first."""
    page = await tasks.list(principal.user_id, Wanted(status, frozenset(app_id or ())), cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/{task_id}", response_model=TaskOut)
async def get_task(task_id: UUID, request: Request, principal: SignedIn, tasks: Tasks) -> Response:
    """One of your tasks."""
    return conditional_json(request, await tasks.get(principal.user_id, task_id))


@router.post("/{task_id}/cancel", responses={409: {"description": "The task is not in the state `started`"}})
async def cancel_task(task_id: UUID, principal: SignedIn, tasks: Tasks) -> TaskOut:
    """Give up a task that you started. The app can be started again later."""
    return await tasks.cancel(principal.user_id, task_id)
