"""Mutation testing: ``python -m tests.mutants`` says which changes of the code no test sees."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

import click

from tests.mutants.bodies import mutate_bodies
from tests.mutants.places import COPY, ROOT, TESTS, Mutant, make_copy, pytest, run
from tests.mutants.rest import mutate_rest

WHOLE = ("tests",)


@click.command(epilog="Example: scripts/mutate attest/checks attest/crypto.py")
@click.argument("paths", nargs=-1, metavar="[MODULE]...")
@click.option("--meant", is_flag=True, help="Do not try survivors with the whole suite.")
def main(paths: tuple[str, ...], meant: bool) -> None:
    """Mutate every module, or these, and say what became of the mutants.

    Each mutant is tried with the tests that are meant for its module; the ones that survive, with
    the whole suite. What survives that is shown.
    """
    modules = [module for module in TESTS if _is_wanted(module, paths)]
    if not modules:
        raise click.UsageError(f"no module is mutated in {', '.join(paths)}")
    make_copy()
    if not meant:
        run(pytest(WHOLE))
    mutants = []
    for module in modules:
        made = [*mutate_bodies(module), *mutate_rest(module)]
        judged = made if meant else [_tried(mutant) for mutant in made]
        click.echo(_row(module, judged))
        for mutant in judged:
            if mutant.outcome == "survived":
                click.echo(f"\n{mutant.diff}\n")
        mutants += judged
    click.echo(_row("in all", mutants))


def _is_wanted(module: str, paths: Sequence[str]) -> bool:
    """Tell whether a module was asked for, by its path or a folder above it."""
    return not paths or any(PurePath(module).is_relative_to(path) for path in paths)


def _tried(mutant: Mutant) -> Mutant:
    """Try a survivor with the whole suite."""
    if mutant.outcome != "survived":
        return mutant
    run(mutant.command)
    done = run(pytest(WHOLE), may_fail=True)
    shutil.copy(ROOT / mutant.module, COPY / mutant.module)
    return mutant._replace(outcome="killed" if done.returncode else "survived")


def _row(name: str, mutants: Sequence[Mutant]) -> str:
    """Write what became of the mutants of a module, and its score."""
    seen = Counter(mutant.outcome for mutant in mutants)
    score = 100 * (len(mutants) - seen["survived"]) / len(mutants) if mutants else 100.0
    counted = (f"{seen[outcome]:5} {outcome}" for outcome in ("killed", "survived", "timeout"))
    return f"{name:30} {len(mutants):5} mutants {' '.join(counted)} {score:6.1f} %"


if __name__ == "__main__":
    main()
