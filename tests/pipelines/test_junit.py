"""Reports as pytest and others write them, and what is no report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.running import junit
from pipelines.running.junit import Tests as Read, Unreadable
from pipelines.step import Counts

PASS = '<testcase classname="m" name="good" time="0.1"/>'
FAIL = '<testcase classname="m" name="bad"><failure message="no">why</failure></testcase>'
ERROR = '<testcase classname="m" name="bad"><error message="no">why</error></testcase>'
SKIP = '<testcase classname="m" name="later"><skipped message="not here"/></testcase>'


@pytest.mark.parametrize(
    ("report", "counts", "failed"),
    [
        (f"<testsuites><testsuite>{PASS}{FAIL}{SKIP}</testsuite></testsuites>", (2, 1, 1, 1), 1),
        (f"<testsuite>{PASS}</testsuite>", (1, 1, 0, 0), 0),
        (f"<testsuites><testsuite>{PASS}</testsuite><testsuite>{ERROR}</testsuite></testsuites>",
         (2, 1, 1, 0), 1),
        (f"<testsuites><testsuite><testsuite>{FAIL}</testsuite></testsuite></testsuites>",
         (1, 0, 1, 0), 1),
        (f"<testsuite>{FAIL}{ERROR}</testsuite>", (1, 0, 1, 0), 1),
        (f"<testsuite>{SKIP}{SKIP.replace('later', 'never')}</testsuite>", (0, 0, 0, 2), 0),
        ("<testsuite/>", (0, 0, 0, 0), 0),
        ('<testsuite tests="7" failures="7"/>', (0, 0, 0, 0), 0),
        (f'<?xml version="1.0" encoding="utf-8"?>\n<testsuite>{PASS}</testsuite>', (1, 1, 0, 0), 0),
    ],
)  # fmt: skip
def test_tests_are_counted_by_how_they_ended(
    tmp_path: Path, report: str, counts: tuple[int, ...], failed: int
) -> None:
    file = tmp_path / "report.xml"
    file.write_text(report)

    assert junit.read(str(file)) == Read(Counts(*counts), ("m.bad",) * failed)


@pytest.mark.parametrize(
    "cases", [PASS + FAIL, FAIL + PASS, PASS + ERROR, SKIP + FAIL, FAIL + SKIP]
)
def test_a_test_that_failed_once_failed(tmp_path: Path, cases: str) -> None:
    file = tmp_path / "report.xml"
    for name in ("good", "later"):
        cases = cases.replace(name, "bad")
    file.write_text(f"<testsuite>{cases}</testsuite>")

    assert junit.read(str(file)) == Read(Counts(1, 0, 1, 0), ("m.bad",))


@pytest.mark.parametrize("cases", [PASS + SKIP, SKIP + PASS])
def test_of_two_tests_with_one_name_the_one_that_ran_counts(tmp_path: Path, cases: str) -> None:
    file = tmp_path / "report.xml"
    file.write_text(f"<testsuite>{cases.replace('later', 'good')}</testsuite>")

    assert junit.read(str(file)).counts == Counts(1, 1, 0, 0)


def test_failed_tests_are_named_in_the_order_of_the_report(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    odd = FAIL.replace("bad", "a&lt;b&gt; &#252;").replace('classname="m" ', "")
    file.write_text(f"<testsuite>{FAIL}{odd}</testsuite>")

    assert junit.read(str(file)).failed == ("m.bad", ".a<b> ü")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "^it wrote no test report$"),
        (b"", "^its test report cannot be read: no element found"),
        (b"<testsuite><testcase>", "^its test report cannot be read: no element found"),
        (b"not xml", "^its test report cannot be read: syntax error"),
        (b"<testsuite>\xff</testsuite>", "^its test report cannot be read: not well-formed"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "report.xml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Unreadable, match=message):
        junit.read(str(file))


def test_a_report_of_the_real_pytest_is_read(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        """
import pytest

@pytest.fixture
def breaks_down():
    yield
    raise RuntimeError

def test_good(): pass
def test_bad(): assert False
def test_bad_twice(breaks_down): assert False
def test_bad_when_taken_down(breaks_down): pass
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_known_to_fail(): assert False
@pytest.mark.parametrize("n", [1, 2])
def test_rows(n): pass
"""
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    subprocess.run(
        [*words, "--junit-xml=report.xml", "test_it.py"],
        cwd=tmp_path, check=False, capture_output=True,
    )  # fmt: skip

    assert junit.read(str(tmp_path / "report.xml")) == Read(
        Counts(run=6, passed=3, failed=3, skipped=2),
        ("test_it.test_bad", "test_it.test_bad_twice", "test_it.test_bad_when_taken_down"),
    )
