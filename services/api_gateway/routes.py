"""The gateway's whole table: which path belongs to whom, and who may ask at all.

What is not in it does not exist for the public. The roles are coarse, as a door's are: whoever
passes here is judged again, and finely, by the service that owns the path.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.kit.tokens import Role

Access = frozenset[Role]

PUBLIC: Access = frozenset()
READER: Access = frozenset({Role.VIEWER, Role.SERVICE})
OBSERVER: Access = frozenset({Role.NODE, Role.OPERATOR, Role.SERVICE})
FIELD: Access = frozenset({Role.NODE, Role.OPERATOR})
OPERATOR: Access = frozenset({Role.OPERATOR})
ADMIN: Access = frozenset({Role.ADMIN})


@dataclass(frozen=True)
class Route:
    """A path of two segments and all below it, the service it goes to, and roles by method."""

    prefix: str
    upstream: str
    access: Mapping[str, Access]

    @property
    def path_format(self) -> str:
        """What the kit counts requests under."""
        return self.prefix

    @property
    def allow(self) -> str:
        """The methods, as an `Allow` header says them."""
        return ", ".join(sorted(self.access))


ROUTES = (
    Route("/.well-known/jwks.json", "fabric", {"GET": PUBLIC}),
    Route("/v1/tokens", "fabric", {"POST": PUBLIC}),
    Route("/v1/operators", "fabric", {"POST": ADMIN}),
    Route("/v1/nodes", "fabric", {"GET": READER, "POST": FIELD}),
    Route("/v1/coverage", "fabric", {"GET": READER}),
    Route("/v1/observations", "fusion", {"GET": READER | {Role.NODE}, "POST": OBSERVER}),
    Route("/v1/incidents", "fusion", {"GET": READER, "POST": OPERATOR}),
    Route("/v1/weather", "intelligence", {"GET": READER | {Role.NODE}, "POST": OBSERVER}),
    Route("/v1/risks", "intelligence", {"GET": READER}),
    Route("/v1/missions", "tasking", {"GET": READER | {Role.NODE}, "POST": FIELD}),
)
EVENTS = Route("/v1/events", "api-gateway", {"GET": READER})
OPENAPI = Route("/openapi.json", "api-gateway", {"GET": PUBLIC})
OWN: Mapping[str, Route] = MappingProxyType({route.prefix: route for route in (EVENTS, OPENAPI)})
BY_PREFIX: Mapping[str, Route] = MappingProxyType({route.prefix: route for route in ROUTES})


def find(path: str) -> Route | None:
    """Return the route that owns a decoded request path, if the public has one there."""
    if own := OWN.get(path):
        return own
    pieces = path.split("/", 3)
    if len(pieces) < 3 or pieces[0]:
        return None
    if len(pieces) == 4 and _is_devious(pieces[3]):
        return None
    return BY_PREFIX.get(f"/{pieces[1]}/{pieces[2]}")


def _is_devious(rest: str) -> bool:
    # A service or a proxy between that folds dot segments would serve another path than was judged.
    return "." in rest and not {".", ".."}.isdisjoint(rest.split("/"))
