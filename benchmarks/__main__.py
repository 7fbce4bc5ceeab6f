"""The benchmark: ``python -m benchmarks`` measures all subjects in turn and writes the table."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import chat, evidence, figures, machine, table
from benchmarks.figures import Effort

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = ROOT / "benchmarks" / "results"
SMOKE: Final = ROOT / "build" / "bench" / "smoke"
"""Where a smoke run keeps its table: never among figures that say something."""
FULL: Final = Effort(
    responses=400, rounds=25, starts=25, rows=(1_000, 100_000), chats=50, chat_rounds=10
)
QUICK: Final = Effort(responses=8, rounds=2, starts=2, rows=(20, 200), chats=4, chat_rounds=1)


def verifiers(effort: Effort) -> dict[str, Any]:
    """Measure the verifiers of quotes."""
    folder = evidence.prepare(effort.responses)
    return {
        "seconds_a_quote": figures.quotes(folder, effort),
        "start_up_seconds": figures.start_up(folder, effort),
        "memory_kib": figures.memory(folder, effort),
    }


def main() -> None:
    """Measure, print the table, and keep it."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures say nothing")
    parser.add_argument("--output", type=Path, help="folder of the table; else benchmarks/results")
    parser.add_argument("--clients", action="store_true", help="the clients alone")
    given = parser.parse_args()
    effort = QUICK if given.quick else FULL
    date = datetime.now(UTC).date().isoformat()
    results = {"date": date, "machine": machine.described(), "effort": effort._asdict()}
    if not given.clients:
        results |= verifiers(effort)
    results["seconds_a_request"] = chat.chats(effort)
    text = table.written(results)
    print(text)
    output = given.output or (SMOKE if given.quick else KEPT)
    output.mkdir(parents=True, exist_ok=True)
    kept = output / f"{date}-{machine.slug()}{'-clients' if given.clients else ''}"
    kept.with_suffix(".md").write_text(text, encoding="utf-8")
    kept.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
