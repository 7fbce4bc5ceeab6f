"""Results counted: by decision, check, baseline and policy, for the formats that tell of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from attest.report.published import QUESTIONS, Published, is_accepted

OUTCOMES = ("pass", "fail", "warn", "skip")


class Summary(Struct, frozen=True):
    """Counts over many results.

    Attributes:
        accepted: Responses that were accepted.
        refused: Responses that were refused.
        decisions: Responses by decision and assurance.
        checks: Results by check and outcome, checks in the order of results.
        baselines: Responses by the baseline that they match, accepted or not.
        policies: Responses by the policy's name, the SHA-256 of its file, and the decision; name
            and digest are empty where no policy applied.
        first: Earliest ``verified_at``, None without any.
        last: Latest ``verified_at``, None without any.
        verifiers: The verifiers that judged.
    """

    accepted: int
    refused: int
    decisions: dict[tuple[str, str], int]
    checks: dict[tuple[str, str], int]
    baselines: dict[str, int]
    policies: dict[tuple[str, str, str], int]
    first: str | None
    last: str | None
    verifiers: tuple[str, ...]

    @property
    def checked(self) -> tuple[str, ...]:
        """Ids of the checks that were asked, in the order of results."""
        return tuple(dict.fromkeys(check for check, _ in self.checks))


def summarise(results: Iterable[Published]) -> Summary:
    """Count results, in memory that does not grow with their number."""
    decisions: Counter[tuple[str, str]] = Counter()
    checks: Counter[tuple[str, str]] = Counter()
    baselines: Counter[str] = Counter()
    policies: Counter[tuple[str, str, str]] = Counter()
    verifiers: set[str] = set()
    first = last = None
    for result in results:
        decision = "accepted" if is_accepted(result) else "refused"
        decisions[decision, result["assurance"]] += 1
        checks.update((check["id"], check["outcome"]) for check in result["checks"])
        if result["baseline"] is not None:
            baselines[result["baseline"]] += 1
        policy = result["policy"] or {"name": "", "sha256": ""}
        policies[policy["name"], policy["sha256"], decision] += 1
        verifiers.add(result["verifier"])
        moment = result["verified_at"]
        if moment is not None:
            first = moment if first is None else min(first, moment)
            last = moment if last is None else max(last, moment)
    accepted = sum(n for (decision, _), n in decisions.items() if decision == "accepted")
    return Summary(
        accepted=accepted,
        refused=decisions.total() - accepted,
        decisions=dict(sorted(decisions.items())),
        checks=dict(sorted(checks.items(), key=lambda item: _order(item[0]))),
        baselines=dict(sorted(baselines.items())),
        policies=dict(sorted(policies.items())),
        first=first,
        last=last,
        verifiers=tuple(sorted(verifiers)),
    )


_PLACES = {check: place for place, check in enumerate(QUESTIONS)}


def _order(key: tuple[str, str]) -> tuple[int, str, int]:
    """Put checks into the order of results, unknown ones last, and outcomes into theirs."""
    check, outcome = key
    return (_PLACES.get(check, len(_PLACES)), check, OUTCOMES.index(outcome))
