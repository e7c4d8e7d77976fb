"""What the routers ask for."""

from typing import Annotated

from fastapi import Depends, Request

from isin_worker.repositories.changes import ChangeRepository
from isin_worker.repositories.listings import ListingRepository
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.services.changes import ChangeService
from isin_worker.services.feeds import FeedService
from isin_worker.services.instruments import InstrumentService
from isin_worker.services.isins import IsinService
from isin_worker.services.runs import RunService
from servicekit.db import Session
from servicekit.pagination import Cursors
from servicekit.permissions import Require
from servicekit.tokens import Principal

Admin = Annotated[Principal, Depends(Require("admin"))]


def instruments_of(request: Request) -> InstrumentService:
    """For the route that is asked most: to have it injected would cost a tenth of the answer."""
    instruments: InstrumentService = request.app.state.instruments
    return instruments


async def _isins(request: Request, session: Session) -> IsinService:
    return IsinService(ListingRepository(session), instruments_of(request))


async def _changes(request: Request, session: Session) -> ChangeService:
    return ChangeService(ChangeRepository(session), request.app.state.cursors)


async def _feeds(request: Request, session: Session) -> FeedService:
    return FeedService(RunRepository(session), PublicationRepository(session), request.app.state.feeds)


async def _runs(request: Request) -> RunService:
    return RunService(request.app.state.database, request.app.state.feeds, request.app.state.bell)


async def _cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


IsinServiceDep = Annotated[IsinService, Depends(_isins)]
ChangeServiceDep = Annotated[ChangeService, Depends(_changes)]
FeedServiceDep = Annotated[FeedService, Depends(_feeds)]
RunServiceDep = Annotated[RunService, Depends(_runs)]
CursorsDep = Annotated[Cursors, Depends(_cursors)]
