"""Debugging that is on in what the image runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python import Application
from pipelines.audit.model.python.switches import Switch, read_switches
from pipelines.audit.rule import Rule, rule

_OFF = ("0", "false", "no", "off", "")
_MARKS = ("debug=", "debug:", ".debug =", "DEBUG", "reload=", "reloader=", "debugger=")
# Settings of a class or file of such a name are chosen on purpose.
_OTHER = re.compile(r"(^|[^a-z])(dev|development|test|tests|testing|local|debug)([^a-z]|$)")


@rule("SEC006", "debug-in-code", Severity.MEDIUM)
def debug_in_code(model: Model) -> Iterator[Fault]:
    """What the image runs has debugging or reloading on by default.

    Why: an error page with the source, the variables and often a console is shown to whoever causes
    an error; a reloader is a second process that watches files nobody changes.

    Example:

        app.run(host="0.0.0.0", debug=True)     # CMD ["python", "app.py"]

    What stands behind `if __name__ == "__main__"` counts only when the image runs that file; a
    variable that Compose sets to false turns it off.

    Mend: turn it off by default, and on by a variable in development.
    """
    marked = set(model.python.holding(*_MARKS))
    switches: dict[str, tuple[Switch, ...]] = {}
    seen = set()
    for application in model.applications:
        for file in model.modules(application):
            if file not in marked or _OTHER.search(file.lower()):
                continue
            if file not in switches:
                source = model.python.source(file)
                switches[file] = tuple(read_switches(source.tree, file)) if source else ()
            for switch in switches[file]:
                if switch.place in seen or not _is_run(switch, application):
                    continue
                if _is_turned_off(model, switch, application):
                    continue
                seen.add(switch.place)
                yield _fault(switch, application)


def _is_run(switch: Switch, application: Application) -> bool:
    """Whether what the image starts comes by it."""
    if not switch.is_main and not switch.is_run:
        return True
    return application.is_script and switch.place.file == application.module


def _is_turned_off(model: Model, switch: Switch, application: Application) -> bool:
    if not switch.variable:
        return False
    values = dict(application.image.environment) if application.image else {}
    for project in model.projects:
        service = project.services.get(application.service)
        if service is not None:
            values |= {name: setting.text for name, setting in service.environment.items()}
    return any(
        name == switch.variable or name.endswith(f"_{switch.variable}")
        for name, value in values.items()
        if value.lower() in _OFF
    )


def _fault(switch: Switch, application: Application) -> Fault:
    where = application.service or application.module
    what = "debugging" if "debug" in switch.name else "reloading"
    return Fault(
        switch.place,
        f"{where} runs with {what} on by default: {switch.text}",
        "turn it off by default, and on by a variable in development",
        also=(Also(application.place, f"starts {application.module}"),),
        service=application.service,
    )


RULES: tuple[Rule, ...] = (debug_in_code,)
