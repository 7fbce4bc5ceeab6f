"""cosmic-ray: changes in what mutmut leaves out: constants, tables, what runs on import."""

import ast
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.mutants.places import COPY, ROOT, RUN_ON_IMPORT, TESTS, Mutant, pytest, run

SETTINGS: Final = """
[cosmic-ray]
module-path = "{module}"
timeout = 20.0
excluded-modules = []
test-command = {command!r}

[cosmic-ray.distributor]
name = "local"
"""
SPEED: Final = frozenset({"gc", "cache_hash", "maxsize"})
"""Keywords that make attest faster, and change no answer."""

RESULTS: Final = """
SELECT test_outcome, diff, output, operator_name, occurrence
FROM work_results JOIN mutation_specs USING (job_id)
"""


def mutate_rest(module: str) -> list[Mutant]:
    """Mutate what mutmut leaves out of a module.

    Annotations, decorators and what is only there for speed are left out.
    """
    settings, session = COPY / "cosmic-ray.toml", COPY / "session.sqlite"
    command = shlex.join(pytest(TESTS[module]))
    settings.write_text(SETTINGS.format(module=module, command=command), encoding="utf-8")
    session.unlink(missing_ok=True)
    run([_tool(), "init", settings.name, session.name])
    _leave_out(session, module)
    run([_tool(), "exec", settings.name, session.name])
    with closing(sqlite3.connect(session)) as database:
        return [
            Mutant(
                module,
                _outcome(outcome, output),
                diff or "",
                (_tool(), "apply", module, operator, str(occurrence)),
            )
            for outcome, diff, output, operator, occurrence in database.execute(RESULTS)
        ]


def _leave_out(session: Path, module: str) -> None:
    """Take the mutants out of a session that are mutmut's, or change nothing."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    out = list(_left_out(tree, bodies=module not in RUN_ON_IMPORT))
    with closing(sqlite3.connect(session)) as database, database:
        rows = database.execute("SELECT job_id, start_pos_row, start_pos_col FROM mutation_specs")
        gone = [
            (job,)
            for job, *place in rows.fetchall()
            if any(start <= tuple(place) < end for start, end in out)
        ]
        for table in ("mutation_specs", "work_items"):
            database.executemany(f"DELETE FROM {table} WHERE job_id = ?", gone)  # noqa: S608


def _left_out(tree: ast.AST, *, bodies: bool) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The places that are left out, each from and until line and column."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(decorator_list=[]) if bodies:
                yield _span(node)
            case ast.FunctionDef(decorator_list=[first, *_]):
                yield (first.lineno, 0), (node.lineno, 0)
            case ast.keyword(arg=name, value=value) if name in SPEED:
                yield _span(value)
        for field in ("annotation", "returns"):
            annotation = getattr(node, field, None)
            if isinstance(annotation, ast.expr):
                yield _span(annotation)


def _span(node: ast.stmt | ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    end = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return (node.lineno, node.col_offset), end


def _outcome(outcome: str, output: str) -> str:
    if outcome == "SURVIVED":
        return "survived"
    return "timeout" if output == "timeout" else "killed"


def _tool() -> str:
    return str(Path(sys.executable).with_name("cosmic-ray"))
