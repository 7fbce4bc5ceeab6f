"""Three releases under a policy then and a policy now, and the drift between the two."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attest.policy.loader import load_policy
from attest.replay.drift import Drifted, drift
from attest.replay.manifest import At, Run
from attest.replay.published import Ended, ended
from attest.replay.run import Options, replay
from tests import build
from tests.aik import digest
from tests.replay.making import EVIDENCE, octets
from tests.replay.reported import NEWER

NEWEST: Final[build.Values] = {"sha256": {**NEWER["sha256"], 0: digest("sha256", b"newest")}}
RELEASES: Final = {"a": build.VALUES, "b": NEWER, "c": NEWEST}
OF_ROWS: Final = "aaabbcccc"
"""Releases of the first rows."""
HOSTILE: Final = "<script>alert(1)<img src=x onerror=alert(2)>\u202e\x1b[31m&\"'.jsonl"
"""Name of a file that wants to be more than a name."""


def rows() -> list[bytes]:
    """Rows of three releases, a forgery of the first, and a row that is none."""
    honest = [octets(number=n, values=RELEASES[one]) for n, one in enumerate(OF_ROWS)]
    return [*honest, octets(number=9, quoted={"magic": 0}), b"cut"]


def saved(folder: Path, responses: Sequence[bytes] | None = None, name: str = "a.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"\n".join(rows() if responses is None else responses))
    return path


def policy_file(folder: Path, name: str, *baselines: str, **members: Any) -> Path:
    """A policy of baselines, each named by its release: ``b`` or, with another name, ``b:new``."""
    listed = [
        {
            "name": f"release-{one}".replace(":", "-"),
            "pcrs": {"sha256": {i: RELEASES[one[0]]["sha256"][i] for i in (0, 7)}},
        }
        for one in baselines
    ]
    path = folder / f"{name}.yaml"
    text = build.policy_text(name=name, baselines=listed, **members)
    path.write_text(text, encoding="utf-8")
    return path


def policies(folder: Path) -> tuple[Path, Path]:
    """The policy then knows the first two releases; the policy now the last two, one renamed."""
    return policy_file(folder, "old", "a", "b"), policy_file(folder, "new", "b:again", "c")


def run_by(policy: Path, *archives: Path, at: At = EVIDENCE) -> Run:
    return Run(tuple(map(str, archives)), str(policy), load_policy(policy), at)


def drifted(out: Path, archive: Path, then: Path, now: Path, **how: Any) -> Drifted:
    at = how.pop("at", EVIDENCE)
    first, second = (run_by(policy, archive, at=at) for policy in (then, now))
    return drift(first, second, out, Options(0, **how))


def ran(out: Path, archive: Path, policy: Path, **members: Any) -> Ended:
    replay(run_by(policy, archive, **members), out, Options(0))
    return ended(out)


def usual(folder: Path, name: str = "a.jsonl") -> Drifted:
    """The drift over ``rows``, in ``out`` of a folder."""
    folder.mkdir(exist_ok=True)
    return drifted(folder / "out", saved(folder / "saved", name=name), *policies(folder))


def found_in(found: dict[str, Any]) -> dict[str, list[int]]:
    """Numbers of the rows of each kind of change that has any."""
    return {
        change["kind"]: [row for _, row in change["rows"]]
        for change in found["changes"]
        if change["count"]
    }


def change_of(found: dict[str, Any], kind: str) -> dict[str, Any]:
    (change,) = [change for change in found["changes"] if change["kind"] == kind]
    return dict(change)
