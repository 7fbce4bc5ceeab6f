"""One target under atheris: ``python -m fuzz.worker TARGET [LIBFUZZER ARGUMENT...]``."""

from __future__ import annotations

import os
import sys

import atheris

with atheris.instrument_imports(include=["attest", "client"]):
    from fuzz.mutator import AppraisalMutator, Mutate, PolicyMutator, ResponseMutator
    from fuzz.targets import TARGETS, Target

_SIMPLE = 10
"""What parsers of one structure, soon covered and fast, stand back by where processors are few."""


def mutate_octets(octets: bytes, most: int) -> bytes:
    """Mutate octets as libFuzzer does; atheris has the function only once it fuzzes."""
    mutated: bytes = atheris.Mutate(octets, most)
    return mutated


def mutator_of(target: Target) -> Mutate | None:
    """Return what mutates the inputs of a target; None leaves it to libFuzzer."""
    match target.shape:
        case "policy":
            return PolicyMutator(mutate_octets, target.seeds())
        case "response":
            return ResponseMutator(mutate_octets, target.seeds())
        case "appraisal":
            responses = [seed[1:] for seed in target.seeds()]
            return AppraisalMutator(ResponseMutator(mutate_octets, responses))
    return None


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *arguments = sys.argv[1:]
    target = TARGETS[name]
    if not target.shape:
        os.nice(_SIMPLE)
    mutate = mutator_of(target)
    shaped = {} if mutate is None else {"custom_mutator": mutate}
    atheris.Setup([name, *arguments], target.judge, **shaped)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
