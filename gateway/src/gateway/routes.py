"""Which upstream answers for which path: the table of ``routes.toml``, checked before it is used.

Closed by default: what is not listed below ``/api`` is unknown.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

PACKAGED: Final = Path(__file__).with_name("routes.toml")
SERVICES: Final = ("auth", "catalog", "rewards", "isin", "web")
DEFAULT_POLICY: Final = "default"
ADDRESS_POLICY: Final = "address"

# Below these nothing is passed on that no route names.
CLOSED: Final = frozenset({b"api", b".well-known", b"internal"})
_PLAIN: Final = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_READS: Final = frozenset({b"GET", b"HEAD"})

Seconds = Annotated[float, Field(gt=0, le=3600)]


class InvalidTable(ValueError):
    """The file of routes can't be used; the text names each fault."""


def _plain(prefix: str) -> str:
    """A line that could never match, or would match something else, is refused."""
    if not _PLAIN.fullmatch(prefix):
        raise ValueError(f"not a plain path prefix: {prefix!r}")
    return prefix


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Policy(_Strict):
    """How often: ``burst`` requests at once, refilled at ``per_second``, for each user or each client address."""

    per_second: int = Field(ge=1)
    burst: int = Field(ge=1)
    by: Literal["user", "address"]
    name: str = ""


class Route(_Strict):
    """One line of the table. ``service`` None: the gateway answers itself."""

    prefix: Annotated[str, AfterValidator(_plain)]
    service: Literal["auth", "catalog", "rewards", "isin", "web"] | None
    public: Literal["none", "reads", "all"]
    methods: frozenset[Literal["GET", "POST", "PUT", "PATCH", "DELETE"]] = Field(min_length=1)
    policy: str
    body_limit: int = Field(ge=0)
    header_seconds: Seconds
    idle_seconds: Seconds
    total_seconds: Seconds
    streaming: bool = False

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that pass, as ``Allow`` lists them."""
        return tuple(sorted({*self.methods, *({"HEAD"} if "GET" in self.methods else ())}))


class Entry:
    """A route as the hot path reads it: in bytes and sets, without properties to compute."""

    __slots__ = ("methods", "needs_token", "route", "service")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.service = route.service
        self.methods = frozenset(method.encode() for method in route.allowed)
        open_to_all = {"none": frozenset(), "reads": _READS, "all": self.methods}[route.public]
        self.needs_token = self.methods - open_to_all


class _File(_Strict):
    policies: dict[str, Policy]
    defaults: dict[str, Any]
    routes: list[Route]

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        defaults = data.get("defaults", {})
        if unknown := set(defaults) - set(Route.model_fields) | {"prefix", "service"} & set(defaults):
            raise ValueError(f"no such default: {', '.join(sorted(unknown))}")
        routes = [{**defaults, **route} for route in data.get("routes", ())]
        policies = {name: {**policy, "name": name} for name, policy in data.get("policies", {}).items()}
        return {**data, "routes": routes, "policies": policies}

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Self:
        wanted = {route.policy for route in self.routes} | {DEFAULT_POLICY, ADDRESS_POLICY}
        if missing := wanted - set(self.policies):
            raise ValueError(f"no such policy: {', '.join(sorted(missing))}")
        return self


def _own(prefix: str) -> Route:
    return Route(
        prefix=prefix, service=None, public="all", methods=frozenset({"GET"}), policy="default", body_limit=0,
        header_seconds=30, idle_seconds=60, total_seconds=60,
    )  # fmt: skip


OWN: Final = tuple(_own(path) for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/problems"))


class _Node:
    """A segment of the prefixes: what it leads to by itself, and what may follow it."""

    __slots__ = ("below", "entry")

    def __init__(self) -> None:
        self.entry: Entry | None = None
        self.below: dict[bytes, _Node] = {}


class RouteTable:
    """The longest prefix of whole segments wins."""

    def __init__(self, routes: Iterable[Route], policies: Mapping[str, Policy]) -> None:
        self.routes = (*OWN, *routes)
        self.policies = dict(policies)
        self._root = _Node()
        for route in self.routes:
            node = self._root
            for segment in route.prefix.encode("ascii").split(b"/")[1:] if route.prefix != "/" else ():
                node = node.below.setdefault(segment, _Node())
            if node.entry is not None:
                raise InvalidTable(f"listed twice: {route.prefix}")
            node.entry = Entry(route)
        self.shortest_seconds = min(min(one.header_seconds, one.idle_seconds) for one in self.routes)
        self._depth = max(route.prefix.count("/") for route in self.routes)

    def find(self, path: bytes) -> Entry | None:
        """The route of a path in its plain form (see ``target.find_route``), or None."""
        segments = path.split(b"/", self._depth + 1)
        node = self._root
        found = None if segments[1] in CLOSED else node.entry
        for segment in segments[1:]:
            below = node.below.get(segment)
            if below is None:
                break
            node = below
            found = node.entry or found
        return found


def load_table(path: Path | None = None) -> RouteTable:
    """The table in a file, or the one that comes with the package.

    Raises:
        InvalidTable: it can't be read, or a line is wrong.
    """
    path = path or PACKAGED
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidTable(f"{path}: " + "; ".join(faults)) from error
    except (OSError, ValueError) as error:  # not there, not TOML, not UTF-8
        raise InvalidTable(f"{path}: {error}") from error
    return RouteTable(file.routes, file.policies)
