"""Whether a step reads only what it declares, as `--strict-inputs` asks."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.config.patterns import literal
from pipelines.planning.workspace import Workspace
from pipelines.running.execution import execute, failed, note
from pipelines.step import Result, Step
from pipelines.trace import traced


def execute_traced(
    step: Step, workspace: Workspace, *, env: Mapping[str, str], log: BinaryIO, **how: Any
) -> Result:
    """`execution.execute` under a tracer: it fails, too, when it reads what no input names.

    What is not a file of the repository (Git ignores it, it is the ledger's) is not looked at.
    """
    program = sys.executable if step.argv[0] == "python" else step.argv[0]
    with tempfile.TemporaryDirectory(prefix="summit-trace-") as folder:
        words = (program, *step.argv[1:])
        with traced(Path(workspace.root), words, env, Path(folder)) as session:
            wrapped = step._replace(argv=tuple(session.argv))
            result = execute(wrapped, root=workspace.root, env=session.env, log=log, **how)
    result = result._replace(step=step)
    if session.notice:
        note(log, f"{session.notice}\n", live=how["live"])
    undeclared = sorted(
        path
        for path in session.read - workspace.declared(step)
        if workspace.worktree.digest(path) is not None
    )
    for path in undeclared:
        line = f"{path} was read and is no input; add to `inputs` of {step.name}: {_item(path)}\n"
        note(log, line, live=how["live"])
    if undeclared and result:
        return failed(result, f"{len(undeclared)} undeclared inputs: {', '.join(undeclared[:3])}")
    return result


def _item(path: str) -> str:
    """The line of `inputs` that names this file and no other."""
    pattern = literal(path).replace("{", "{{").replace("}", "}}")
    return f"- {json.dumps('/' + pattern, ensure_ascii=False)}"  # a text of JSON is one of YAML
