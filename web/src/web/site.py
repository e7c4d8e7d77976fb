"""What lives as long as the process, in one place that ``main`` fills."""

from dataclasses import dataclass

import httpx
from fastapi import Request

from web.csrf import Csrf
from web.held_decisions import HeldDecisions
from web.renewal import Renewals
from web.sessions import Sessions
from web.settings import Settings
from web.static_files import StaticFiles
from web.views import Views


@dataclass(frozen=True)
class Site:
    """The parts that every request uses."""

    settings: Settings
    http: httpx.AsyncClient
    sessions: Sessions
    renewals: Renewals
    held: HeldDecisions
    csrf: Csrf
    static: StaticFiles
    views: Views


def site_of(request: Request) -> Site:
    """The site that serves this request."""
    site = request.app.state.site
    assert isinstance(site, Site)  # noqa: S101 - set by main's lifespan
    return site
