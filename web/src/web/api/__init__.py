"""The REST API as a client sees it: one module for each of its parts, with typed answers and one method an operation.

``ApiProblem`` is an answer that says no (RFC 9457), ``ApiAway`` is no usable answer at all.
"""

import httpx

from web.api.accounts import Accounts
from web.api.admin_catalog import AdminCatalog
from web.api.calls import ApiAway, ApiProblem, Browser, Calls, Content, Credentials, Fault, Upload
from web.api.catalog import Catalog
from web.api.events import Events
from web.api.feeds import Feeds
from web.api.isins import Isins
from web.api.ledger import Ledger
from web.api.points import Points
from web.api.profile import Profile
from web.api.reviews import Reviews
from web.api.tasks import Tasks
from web.api.users import Users

__all__ = ["Api", "ApiAway", "ApiProblem", "Browser", "Content", "Credentials", "Fault", "Upload"]


class Api:
    """The API for one request of a browser."""

    def __init__(self, http: httpx.AsyncClient, browser: Browser, credentials: Credentials | None = None) -> None:
        calls = Calls(http, browser, credentials)
        self.accounts = Accounts(calls)
        self.catalog = Catalog(calls)
        self.tasks = Tasks(calls)
        self.points = Points(calls)
        self.profile = Profile(calls)
        self.events = Events(calls)
        self.reviews = Reviews(calls)
        self.isins = Isins(calls)
        self.feeds = Feeds(calls)
        self.admin_catalog = AdminCatalog(calls)
        self.users = Users(calls)
        self.ledger = Ledger(calls)
