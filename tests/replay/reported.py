"""Runs over machines that change, and what reports of them say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attest.policy.loader import load_policy
from attest.replay.manifest import Run
from attest.replay.published import Ended, ended
from attest.replay.run import Options, replay
from tests import build
from tests.aik import digest
from tests.replay.making import AIK, EVIDENCE, OTHER, enrolling, octets, run_over

NEWER: Final[build.Values] = {"sha256": {**build.VALUES["sha256"], 0: digest("sha256", b"update")}}
FOREIGN: Final[build.Values] = {"sha256": {**NEWER["sha256"], 7: digest("sha256", b"foreign")}}
HOSTILE: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e&\"'\x07"
"""Text of a server that wants to be more than text."""
BASELINES: Final[Mapping[str, object]] = {
    "baselines": [
        {"name": name, "pcrs": {"sha256": {i: values["sha256"][i] for i in (0, 7)}}}
        for name, values in (("release-a", build.VALUES), ("release-b", NEWER))
    ]
}
POLICY: Final[Mapping[str, object]] = {**enrolling(AIK, OTHER), **BASELINES}
DAY: Final = 86_400

RESPONSES: Final = (
    *(octets(AIK, number=DAY * day) for day in range(4)),
    *(octets(AIK, number=DAY * day, values=NEWER) for day in range(4, 8)),
    *(octets(OTHER, number=DAY * day + 60) for day in range(6)),
    octets(OTHER, number=DAY * 6 + 60, values=FOREIGN),
    octets(OTHER, number=DAY * 7 + 60, values=FOREIGN),
    octets(number=DAY * 3 + 120),
    octets(number=DAY * 5, quoted={"magic": 0}),
    octets(AIK, number=DAY * 9, payload_id=HOSTILE, values=NEWER),
    octets(AIK, number=DAY * 9 + 1, values=NEWER, pcr_banks=HOSTILE),
    b'{"cut',
)
"""Two machines: one is updated, one is changed by a stranger; and a forgery, and hostile text."""


def run_of(folder: Path, *responses: bytes, **members: Any) -> Ended:
    """Replay responses, a line each."""
    path = folder / "saved.jsonl"
    path.write_bytes(b"\n".join(responses))
    at = members.pop("at", EVIDENCE)
    replay(run_over(path, at=at, **members), folder / "out", Options(0))
    return ended(folder / "out")


def usual(folder: Path) -> Ended:
    """The run of RESPONSES."""
    return run_of(folder, *RESPONSES, **POLICY)


def unjudged(folder: Path) -> Ended:
    """A run under a set of policies, none of which applies."""
    saved = folder / "saved.jsonl"
    saved.write_bytes(octets(tier="standard"))
    policies = folder / "set"
    policies.mkdir()
    (policies / "a.yaml").write_text(
        build.policy_text(applies_to={"security_tier": ["maximum"]}), encoding="utf-8"
    )
    run = Run((str(saved),), str(policies), load_policy(policies), EVIDENCE)
    replay(run, folder / "out", Options(0))
    return ended(folder / "out")
