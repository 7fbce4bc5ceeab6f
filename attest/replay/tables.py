"""DuckDB over the parts of a run: the embedded engine's side of the questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

from attest.replay.findings import Ask
from attest.replay.pool import ReplayError

_LITERAL: Final = re.compile(r"[*?[]")
"""What a pattern of file names must have in brackets to mean itself."""
_MEMORY: Final = "400MB"


@contextmanager
def views_of(views: Mapping[str, Path]) -> Iterator[Ask]:
    """Open the parts of runs, each as a view.

    DuckDB loads no extension, and what does not fit into its memory goes to the last run's folder.

    Args:
        views: Folders of runs by the names of their views; at least one part lies in ``results/``.

    Raises:
        ReplayError: The parts are not those of a run.
    """
    *_, last = views.values()
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": _MEMORY,
        "temp_directory": str(last / ".duckdb"),
        "preserve_insertion_order": False,
    }
    con = duckdb.connect(config=settings)
    try:
        con.execute("SET enable_progress_bar = false")  # it goes to standard output
        for name, out in views.items():
            folder = _LITERAL.sub(r"[\g<0>]", str(out / "results")).replace("'", "''")
            parts = f"{folder}/*.parquet"
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{parts}')")  # noqa: S608 - quoted
        yield lambda sql: con.cursor().execute(sql).fetchall()  # a thread needs its own
    except duckdb.Error as error:
        raise ReplayError(f"{last}: {str(error).partition(chr(10))[0]}") from error
    finally:
        con.close()
