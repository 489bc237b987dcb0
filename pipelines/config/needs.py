"""What a step needs, as written, and the ids of the steps that this means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pipelines.config.model import Component
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest

SERVICE = "service"  # in `service:postgres`, so no step may be called so
_NEED = re.compile(r"(?P<below>\^)?(?P<step>[^:^]+)(?::(?P<target>[^:^]+))?")


class Scope(Enum):
    """Whose step is meant."""

    OWN = "lint"
    BELOW = "^build"  # of each component that this one needs
    ONE = "build:kit"
    ALL = "test:*"
    SERVICE = "service:postgres"  # no step, but a healthy service of the Compose file


@dataclass(frozen=True)
class Need:
    """One item of `needs`; `target` is a component or a service."""

    scope: Scope
    step: str
    target: str
    entry: Entry


def parse(entry: Entry) -> Need:
    """The need that an entry states. Raises `ConfigError`."""
    found = _NEED.fullmatch(entry.text)
    if found is None or (found["below"] and found["target"]):
        forms = ", ".join(scope.value for scope in Scope)
        raise entry.error(f"{entry.text!r} is no need", hint=f"it is one of {forms}")
    step, target = found["step"], found["target"] or ""
    if found["below"]:
        return Need(Scope.BELOW, step, target, entry)
    if not target:
        return Need(Scope.OWN, step, target, entry)
    if step == SERVICE:
        return Need(Scope.SERVICE, step, target, entry)
    return Need(Scope.ALL if target == "*" else Scope.ONE, step, target, entry)


class Resolver:
    """Knows which component has which steps.

    `steps` are the names by component; `known` are those that its kind or itself declares, also
    where they were removed, by component.
    """

    def __init__(
        self,
        components: Iterable[Component],
        steps: Mapping[str, Iterable[str]],
        known: Mapping[str, Iterable[str]],
    ) -> None:
        self._components = {component.name: component for component in components}
        self._steps = {name: frozenset(names) for name, names in steps.items()}
        self._known = known
        self._everywhere: dict[str, tuple[str, ...]] = {}
        self._names = frozenset().union(*known.values())

    def ids(self, component: Component, step: str, needs: Sequence[Need]) -> tuple[str, ...]:
        """The steps that must have passed before this one, each once, services left out.

        Raises `ConfigError` for a name that does not exist.
        """
        found: dict[str, None] = {}
        for need in needs:
            found.update(dict.fromkeys(self._resolve(component, f"{step}:{component.name}", need)))
        return tuple(found)

    def _resolve(self, component: Component, own: str, need: Need) -> Iterable[str]:
        match need.scope:
            case Scope.OWN:
                self._expect(need, self._known[component.name])
                has = need.step in self._steps[component.name]
                return (f"{need.step}:{component.name}",) if has else ()
            case Scope.BELOW:
                self._expect(need, self._names)
                return [f"{need.step}:{it}" for it in component.needs if self._has(it, need.step)]
            case Scope.ONE:
                return (self._one(need),)
            case Scope.ALL:
                self._expect(need, self._names)
                return (it for it in self._all(need.step) if it != own)
        return ()

    def _has(self, component: str, step: str) -> bool:
        return step in self._steps[component]

    def _one(self, need: Need) -> str:
        if need.target not in self._components:
            hint = nearest(need.target, self._components)
            raise need.entry.error(f"no component called {need.target!r}", hint=hint)
        self._expect(need, self._steps[need.target], f" in component {need.target!r}")
        return need.entry.text

    def _all(self, step: str) -> tuple[str, ...]:
        if step not in self._everywhere:
            carriers = (name for name in self._components if self._has(name, step))
            self._everywhere[step] = tuple(f"{step}:{name}" for name in carriers)
        return self._everywhere[step]

    def _expect(self, need: Need, names: Iterable[str], place: str = "") -> None:
        if need.step not in names:
            hint = nearest(need.step, names)
            raise need.entry.error(f"no step called {need.step!r}{place}", hint=hint)
