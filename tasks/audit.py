"""The audit: what would break a launch, in this repository or in any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context

from pipelines import console
from pipelines.errors import ConfigError
from pipelines.root import nearest_root
from tasks._options import OPTIONS
from tasks._task import task

NAME = "audit"  # of the gate too


@task(
    name="run",
    default=True,
    iterable=["only"],
    optional=["affected", "claims"],
    help={
        **OPTIONS,
        "path": "the repository, or a folder of it",
        "rev": "a commit, tag or branch instead of the files as they are now",
        "format": "text (unless given), json, sarif, junit, github, markdown or html",
        "output": "write it to this file instead of stdout",
        "fail_on": "exit 1 for this or worse: note, low, medium (unless given) or high",
        "only": "a rule; may be given several times",
        "baseline": "a file of known findings, which do not count",
        "write_baseline": "write what is found to such a file; then nothing counts",
        "diff_base": "a commit or branch: only what is new since the audited commit left it counts",
        "claims": "a verdict for each claim of the documents; of some: --claims=A.md,B.md",
        "history": "when each issue came, went and came back, commit by commit (also as html)",
        "limit": "of the history, only so many commits back",
        "fix": "print what can be fixed safely as a diff, each fix proven by auditing again",
        "apply": "with --fix: write it, too",
        "pins": "with --fix: a map of actions to commits, as `actions/checkout@v4: 11bd71...`",
    },
)
def run(
    c: Context,
    affected: str | bool | None = None,
    jobs: int = 0,
    keep_going: bool = False,
    plan: bool = False,
    strict_inputs: bool = False,
    path: str = "",
    rev: str = "",
    format: str = "",  # noqa: A002 - what a person types
    output: str = "",
    fail_on: str = "",
    only: Sequence[str] | None = None,
    baseline: str = "",
    write_baseline: str = "",
    diff_base: str = "",
    claims: str | bool | None = None,
    history: bool = False,
    limit: int = 0,
    fix: bool = False,
    apply: bool = False,
    pins: str = "",
) -> None:
    """Look for what would break a launch: without options as the gate, with them any repository.

    Example: inv audit --path ../other --rev v1.2 --format json
    """
    is_gate = any((affected, jobs, keep_going, plan, strict_inputs))
    is_own = any((path, rev, format, output, fail_on, only, baseline, write_baseline, diff_base))
    is_own = is_own or any((claims, history, limit, fix, apply, pins))
    root = nearest_root(str(Path.cwd()))
    if is_gate and is_own:
        raise ConfigError(
            "options of the gate beside options of the audit",
            hint="the gate audits as pipelines.yaml says: give it only what `inv lint` has too",
        )
    if root and (is_gate or (not is_own and _has_gate(root))):
        from pipelines.gates import Request
        from tasks import gates

        request = Request((NAME,), gates.ref(affected), jobs, keep_going, strict_inputs)
        gates.bring(Path(root), request, is_plan=plan)
        return
    from pipelines.audit import command

    asked = command.Asked(
        path=Path(path or root or "."),
        revision=rev,
        format=format or command.FORMAT,
        output=Path(output) if output else None,
        fail_on=fail_on or command.FAIL_ON,
        only=tuple(only or ()),
        baseline=Path(baseline) if baseline else None,
        write_baseline=Path(write_baseline) if write_baseline else None,
        diff_base=diff_base,
    )
    _one_way(claims=bool(claims), history=history, fix=fix)
    if claims:
        command.claims(asked, [] if claims is True else str(claims).split(","))
    elif history:
        command.history(asked, limit)
    elif fix:
        command.fix(asked, pins=Path(pins) if pins else None, is_written=apply)
    else:
        command.run(asked)


@task()
def explain(c: Context, rule: str) -> None:
    """Explain a rule: why it matters, an example, how to mend what it finds.

    Example: inv audit.explain REL002
    """
    from pipelines.audit import explain as explained

    console.result(explained.one(rule))


@task(help={"markdown": "as the page docs/reference/rules.md"})
def rules(c: Context, markdown: bool = False) -> None:
    """List the rules of the audit.

    Example: inv audit.rules
    """
    from pipelines.audit import explain as explained

    console.result(explained.document().rstrip("\n") if markdown else explained.every())


def _one_way(**ways: bool) -> None:
    """Raise `ConfigError` when more than one thing is asked for at once."""
    asked = [f"--{name}" for name, is_asked in ways.items() if is_asked]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} cannot be asked for at once")


def _has_gate(root: str) -> bool:
    """Whether the repository says what the gate is; the one that runs the audit is not asked."""
    from pipelines import entry

    return Path(root, "pipelines.yaml").exists() and NAME in entry.workspace(root).layout.gates
