"""The documentation says what the code does: commands, links, tables."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest
from invoke.parser import Parser, ParserContext
from invoke.parser.context import to_flag
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from sqlalchemy import MetaData

from pipelines import errors
from pipelines.audit import explain
from pipelines.audit.audit import Report
from pipelines.audit.findings import Confidence, Finding, Severity
from pipelines.audit.formats import FORMATS
from pipelines.audit.place import Place
from pipelines.checkout.stats import COARSE_TICK, TICK
from pipelines.documents.document import read
from pipelines.launch import GATES, WITH_IMAGES
from pipelines.ledger.live import KEPT
from pipelines.running import variables
from pipelines.stack import secrets
from pipelines.stack.process import launch
from pipelines.step import Status
from services.api_gateway import routes as gateway
from services.kit import roles, settings as kit
from services.kit.database import Database
from services.kit.metrics import RequestMetrics
from services.kit.outbox import Relay, outbox_table
from services.kit.problems import Code
from services.kit.strain import Strain
from tasks import namespace
from tasks._program import program
from tasks.ledger import MOST_MIB

ROOT = Path(__file__).parents[2]
ROOMS = ("docs", "docker", "changelog.d")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]
)
COMMANDS, COMPOSE, SERVICES = (
    ROOT / "docs" / "reference" / name for name in ("commands.md", "compose.md", "services.md")
)
ALIKE = GATES - {"audit", "test", *WITH_IMAGES}  # one table has the options of all of these
FINGERPRINTS = ROOT / "docs" / "explanation" / "fingerprints-and-the-plan.md"
FINDING = Finding("", "", Severity.LOW, Confidence.HIGH, Place("a"), "", "")
WITH_DATA = ("fabric", "fusion", "intelligence", "tasking")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INV = re.compile(r"(?:\w+=\S+ )*(?:\.\.?/)?inv(?: (?P<words>.*))?")


class Said(NamedTuple):
    """Something a page says."""

    page: Path
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text}"


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text())


def shown(block: str) -> list[str]:
    """What a person would type: the lines after a prompt, or all of them where none has one."""
    lines = [line.strip() for line in block.splitlines()]
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return prompted or lines


def inv_commands() -> list[Said]:
    return sorted(set(_inv_commands()))


def _inv_commands() -> Iterator[Said]:
    for page in PAGES:
        blocks = FENCE.findall(page.read_text())
        typed = [line for kind, text in blocks if kind in ("console", "sh") for line in shown(text)]
        quoted = re.findall(r"`([^`\n]+)`", prose(page))
        for text in (*typed, *quoted):
            if INV.fullmatch(text):
                yield Said(page, text)


def parse(command: str) -> None:
    """As Invoke would; raises for a task or an option that does not exist."""
    match = INV.fullmatch(command)
    assert match is not None
    split = shlex.shlex(match["words"] or "", posix=True, punctuation_chars="|>")
    split.whitespace_split = True
    own = takewhile(lambda word: word not in ("|", ">"), split)  # the rest is the shell's
    words = [word for word in own if word != "..."]
    Parser(namespace.to_contexts(), program.initial_context).parse_argv(words)


def slug(heading: str) -> str:
    """The anchor that a heading is given by forges."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(page: Path) -> dict[str, str]:
    """The text below each heading, up to the next one, by the heading."""
    parts = re.split(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of every table, without the header and the line below it."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [at for at, line in enumerate(lines) if set(line) <= set("| -")]
    dropped = {*rules, *(at - 1 for at in rules)}
    return [row for at, row in enumerate(cells) if at not in dropped]


def bare(cell: str) -> str:
    return cell.strip("`")


@pytest.mark.parametrize("said", inv_commands(), ids=str)
def test_every_command_shown_exists(said: Said) -> None:
    parse(said.text)


@pytest.mark.parametrize(
    "command",
    ["inv nonsense", "inv up --nonsense > file", "inv exec", "inv test --only a ps x | cat"],
)
def test_a_command_that_does_not_exist_would_be_seen(command: str) -> None:
    with pytest.raises(Exception, match=r"nonsense|positional|No idea"):
        parse(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        is_whole = file.exists() and (
            not anchor or anchor in {slug(heading) for heading in sections(file)}
        )
        broken += [] if is_whole else [target]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_heading_stands_twice_on_a_page(page: Path) -> None:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)

    assert sorted(headings) == sorted(set(headings))


def test_every_page_is_reached_from_the_readme() -> None:
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#:]+)", prose(page))
        waiting += [(page.parent / target).resolve() for target in links]

    assert set((ROOT / "docs").rglob("*.md")) - seen == set()


def test_the_exit_codes_are_those_of_the_code() -> None:
    documented = rows(sections(COMMANDS)["Exit codes"])

    assert documented == rows(errors.__doc__ or "")
    raised = {each.exit_code for each in (errors.SummitError, *errors.SummitError.__subclasses__())}
    assert {str(code) for code in raised} <= {code for code, _ in documented}


@pytest.mark.parametrize("context", namespace.to_contexts(), ids=lambda context: context.name)
def test_every_option_of_a_command_is_documented_and_no_other(context: ParserContext) -> None:
    options = [it for it in context.args.values() if it not in context.positional_args]
    flags = {to_flag(name) for option in options for name in option.names}

    (typed, *_) = [*context.aliases, context.name]  # the default of a collection is its name
    assert typed in sections(COMMANDS)
    table = rows(sections(COMMANDS)["Gates" if typed in ALIKE else typed])
    assert {flag for row in table for flag in re.findall(r"-[\w-]+", row[0])} == flags


def test_every_x_summit_key_is_documented_and_no_other() -> None:
    keys = {(where, bare(key)) for where, key, _ in rows(sections(COMPOSE)["`x-summit`"])}

    assert keys == {
        *(("the file", key) for key in launch.OF_PROJECT),
        *(("a secret", key) for key in launch.OF_SECRET),
        *(("a service", key) for key in launch.OF_SERVICE),
    }


def test_every_kind_of_generated_secret_is_documented() -> None:
    meaning = {bare(key): text for _, key, text in rows(sections(COMPOSE)["`x-summit`"])}

    assert set(re.findall(r"`(\w+)`", meaning["generate"])) == set(secrets.GENERATORS)


def test_the_environment_a_process_inherits_is_documented() -> None:
    table = dict(rows(sections(COMPOSE)["How a container's world becomes local"]))
    names = set(re.findall(r"`([A-Z_]+\*?)`", table["the environment"]))

    assert names == {*launch.INHERITED, f"{launch.INHERITED_PREFIX}*", launch.MARK}


def test_the_gates_are_those_that_pipelines_yaml_selects_steps_for() -> None:
    gates = read(ROOT / "pipelines.yaml").fields["gates"].fields

    assert {*gates, "check"} == GATES


def test_the_environment_of_a_step_is_documented() -> None:
    table = rows(sections(FINGERPRINTS)["What a step sees"])
    names = {name for _, listed in table for name in re.findall(r"`([\w*]+)`", listed)}

    prefixes = {f"{prefix}*" for prefix in variables.PASSED_PREFIXES}
    assert names == {*variables.PASSED, *variables.PROXIES, *prefixes}


def test_what_counts_as_racily_clean_is_as_documented() -> None:
    section = " ".join(sections(FINGERPRINTS)["Racily clean"].split())

    fine, coarse = TICK // 10**6, COARSE_TICK // 10**9
    assert f"younger than {fine} ms when it is read, or than {coarse} s" in section


def test_every_way_for_a_step_to_end_is_in_the_glossary() -> None:
    meaning = dict(rows((ROOT / "docs" / "glossary.md").read_text()))["result"]

    assert set(re.split(r", | or ", meaning.partition(": ")[2])) == {it.value for it in Status}


def test_the_rules_of_the_audit_are_those_of_the_code() -> None:
    assert (ROOT / "docs" / "reference" / "rules.md").read_text() == explain.document()


def test_every_format_of_the_audit_is_documented() -> None:
    formats = rows(sections(ROOT / "docs" / "reference" / "audit.md")["Formats"])

    assert [bare(name) for name, _ in formats] == list(FORMATS)


def test_every_field_of_a_finding_is_documented() -> None:
    fields = rows(sections(ROOT / "docs" / "reference" / "audit.md")["JSON"])
    (found,) = json.loads(FORMATS["json"](Report((FINDING,), (), 1)))["findings"]

    assert [bare(name) for name, _ in fields] == list(found)


def test_what_gc_leaves_is_as_documented() -> None:
    section = sections(COMMANDS)["ledger.gc"]

    assert f"{MOST_MIB} unless given" in section
    assert f"for {KEPT.days} days" in section


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    words = [word for word, _ in rows((ROOT / "docs" / "glossary.md").read_text())]

    assert words == sorted(set(words))


@cache
def settings_of() -> dict[str, type[kit.EnvironmentSettings]]:
    """The class whose own fields each heading of the reference lists."""
    services = (*WITH_DATA, "api_gateway")
    return {
        "Every service": kit.ServiceSettings,
        "Services with a database": kit.DatabaseSettings,
        "Services that call others": kit.PeerSettings,
        "The jobs": roles.Settings,
        **{
            f"Only {name.replace('_', '-')}": import_module(f"services.{name}.settings").Settings
            for name in services
        },
    }


def own_fields(heading: str) -> dict[str, FieldInfo]:
    """The fields that a class adds, by variable; what all share stands with the first."""
    settings = settings_of()[heading]
    names = set(settings.__annotations__) & set(settings.model_fields)
    if heading == "Every service":
        names.add("environment")
    return {name.upper(): settings.model_fields[name] for name in names}


@pytest.mark.parametrize("heading", settings_of())
def test_every_variable_is_documented_and_no_other(heading: str) -> None:
    assert {bare(row[0]) for row in rows(sections(SERVICES)[heading])} == set(own_fields(heading))


@pytest.mark.parametrize("heading", settings_of())
def test_every_default_is_the_one_of_the_code(heading: str) -> None:
    for variable, default, _ in rows(sections(SERVICES)[heading]):
        field = own_fields(heading)[bare(variable)]
        match default:
            case "required":
                assert field.is_required(), variable
            case "none":
                assert not field.is_required(), variable
                assert not field.get_default(call_default_factory=True), variable
            case _:
                read = TypeAdapter(field.annotation).validate_python(bare(default))
                assert read == field.default, variable


def test_the_services_that_read_shared_settings_are_those_named() -> None:
    for heading in ("Services with a database", "Services that call others"):
        named = re.findall(r"[a-z-]+", sections(SERVICES)[heading].strip().partition(".")[0])
        readers = {
            it.removeprefix("Only ")
            for it, settings in settings_of().items()
            if it.startswith("Only ") and issubclass(settings, settings_of()[heading])
        }
        assert set(named) - {"and"} == readers


def routes_of(service: str) -> set[tuple[str, str]]:
    """Method and path of every route that a service's own modules define."""
    modules = (ROOT / "services" / service / "routes").glob("[!_]*.py")
    routers = [import_module(f"services.{service}.routes.{it.stem}").router for it in modules]
    return {
        (method, route.path)
        for router in routers
        for route in router.routes
        for method in route.methods
    }


def documented_routes(service: str) -> Iterable[tuple[str, str, bool]]:
    for route, _, public, _ in rows(sections(SERVICES)[service]):
        method, path = bare(route).split()
        yield method, path, public == "yes"


@pytest.mark.parametrize("service", WITH_DATA)
def test_every_route_is_documented_and_no_other(service: str) -> None:
    feed = set() if service == "fabric" else {("GET", "/v1/events")}

    documented = {(method, path) for method, path, _ in documented_routes(service)}
    assert documented == routes_of(service) | feed


@pytest.mark.parametrize("service", [*WITH_DATA, "api-gateway"])
def test_what_is_public_is_what_the_gateway_lets_through(service: str) -> None:
    for method, path, public in documented_routes(service):
        route = gateway.find(path)
        is_let_through = route is not None and route.upstream == service and method in route.access
        assert public == is_let_through, f"{method} {path}"


def test_the_gateways_own_routes_are_documented() -> None:
    assert {path for _, path, _ in documented_routes("api-gateway")} == set(gateway.OWN)


def test_every_problem_is_documented_and_no_other() -> None:
    assert [tuple(map(bare, row)) for row in rows(sections(SERVICES)["Problems"])] == [
        (code.slug, str(code.status), "yes" if code.retryable else "no") for code in Code
    ]


def test_every_metric_is_documented_and_no_other() -> None:
    database = Database(
        kit.DatabaseSettings(database_url="postgresql://fusion@db/summit", database_password="x")
    )
    relay = Relay(database, outbox_table(MetaData()), subscriber="nobody", send=None)
    families = [
        it for part in (RequestMetrics({}), Strain(), database, relay) for it in part.collect()
    ]

    names = {f"{it.name}_total" if it.type == "counter" else it.name for it in families}
    assert {bare(row[0]) for row in rows(sections(SERVICES)["Metrics"])} == names
