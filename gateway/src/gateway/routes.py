"""Which upstream answers for which path. Closed by default: what is not listed below ``/api`` is unknown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
DEFAULT_BODY: Final = MIB
ICON_BODY: Final = 4 * MIB
IMPORT_BODY: Final = 101 * MIB
SCREENSHOT_BODY: Final = 9 * MIB  # 8 MiB of image, and the multipart form around it

# Below these nothing is passed on that no route names.
CLOSED: Final = frozenset({b"api", b".well-known", b"internal"})

_PLAIN: Final = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. ``upstream`` None: the gateway answers itself."""

    prefix: str
    upstream: str | None
    max_body: int = DEFAULT_BODY
    strict: bool = False  # the stricter rate limit: passwords are tried here

    def __post_init__(self) -> None:
        """A line that could never match, or would match something else, is refused at the start."""
        if not _PLAIN.fullmatch(self.prefix):
            raise ValueError(f"not a plain path prefix: {self.prefix!r}")
        if self.max_body < 0:
            raise ValueError(f"{self.prefix}: a negative body limit")


OWN: Final = tuple(Route(path, None, 0) for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems"))

ROUTES: Final = (
    *OWN,
    Route("/api/v1/auth", "auth", strict=True),
    Route("/api/v1/users", "auth"),
    Route("/api/v1/audit-events", "auth"),
    Route("/.well-known/jwks.json", "auth"),
    Route("/.well-known/openid-configuration", "auth"),
    Route("/api/v1/apps", "catalog", ICON_BODY),
    Route("/api/v1/apps/import", "catalog", IMPORT_BODY),
    Route("/api/v1/categories", "catalog"),
    Route("/api/v1/imports", "catalog"),
    Route("/api/v1/tasks", "rewards", SCREENSHOT_BODY),
    Route("/api/v1/proofs", "rewards", SCREENSHOT_BODY),
    Route("/api/v1/reviews", "rewards"),
    Route("/api/v1/points", "rewards"),
    Route("/api/v1/me", "rewards"),
    Route("/api/v1/leaderboard", "rewards"),
    Route("/api/v1/events", "rewards"),
    Route("/api/v1/isins", "isin"),
    Route("/api/v1/feeds", "isin"),
    Route("/", "web", SCREENSHOT_BODY),
)


class RouteTable:
    """The longest prefix of whole segments wins."""

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self._routes: dict[bytes, Route] = {}
        for route in routes:
            key = b"" if route.prefix == "/" else route.prefix.encode("ascii")
            if key in self._routes:
                raise ValueError(f"listed twice: {route.prefix}")
            self._routes[key] = route
        self._depth = max(key.count(b"/") for key in self._routes)

    def find(self, path: bytes) -> Route | None:
        """The route of a path in its plain form (see ``target.check_path``), or None."""
        segments = path.split(b"/", self._depth + 1)
        lowest = 2 if segments[1] in CLOSED else 1
        for count in range(min(len(segments), self._depth + 1), lowest - 1, -1):
            route = self._routes.get(b"/".join(segments[:count]))
            if route is not None:
                return route
        return None
