"""Rows, policies and runs as tests of replay make them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

import attest
from attest.archive import Archive, Decision, Mode, Phase
from attest.archive.saved import Rows
from attest.policy.loader import load_policy, parse_policy
from attest.policy.model import Policy
from attest.replay.batch import verify_batch
from attest.replay.batching import batches_of
from attest.replay.manifest import At, Run
from attest.replay.run import Options, Outcome, replay
from tests import build
from tests.aik import Aik, ecc_aik

START: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVIDENCE: Final = At("evidence")
AIK: Final = ecc_aik(fresh=True)
OTHER: Final = ecc_aik(fresh=True)


def policy(**members: object) -> Policy:
    return parse_policy(build.policy_text(build.VALUES, **members).encode(), "policy.yaml")


def enrolling(*aiks: Aik) -> dict[str, object]:
    """Members of a policy that enrols keys."""
    return {"aik": {"trust": "enrolled", "names": [aik.name for aik in aiks]}}


def octets(aik: Aik | None = None, *, number: int = 0, **told: Any) -> bytes:
    """A response of its own second and with a payload id of its own."""
    moment = int((START + timedelta(seconds=number)).timestamp())
    told = {"payload_id": f"id-{number}", **told}
    metadata = {"processed_at": moment, **told.pop("metadata", {})}
    made = build.response(aik or ecc_aik(fresh=True), metadata=metadata, **told)
    return json.dumps(made).encode()


def judged(
    rows: Rows | Sequence[bytes], policy: Any = None, at: datetime | None = None, **how: Any
) -> list[dict[str, Any]]:
    """Judge rows in one batch, and return the results as dicts."""
    given = rows if isinstance(rows, Rows) else Rows("response", rows)
    (batch,) = batches_of([("source", [given])])
    results = verify_batch(batch, policy or globals()["policy"](), at, **how)
    found: list[dict[str, Any]] = results.to_pylist()
    return found


def gate_archive(folder: Path, responses: Sequence[bytes], **told: Any) -> Path:
    """A gate's archive of decisions over responses, each a second after the other."""
    path = folder / "evidence.jsonl"
    text = folder / "gate.yaml"
    text.write_text(build.policy_text(), encoding="utf-8")
    loaded = load_policy(text)
    archive = Archive(path, durable=False)
    for number, response in enumerate(responses):
        at = START + timedelta(days=1, seconds=number)
        result = attest.verify(response, loaded, at=at)
        said: Mapping[str, Any] = {
            "mode": Mode.AUDIT,
            "phase": Phase.RESPONSE,
            "released": True,
            "base_url": "https://server.example",
            "requested_tier": "maximum",
            **told,
        }
        archive.append(Decision(result=result, **said), at=at)
    return path


def run_over(*archives: Path, at: At = EVIDENCE, **members: object) -> Run:
    """A run over archives, under a policy that lies beside the first."""
    path = archives[0].parent / "replayed.yaml"
    path.write_text(build.policy_text(build.VALUES, **members), encoding="utf-8")
    return Run(tuple(map(str, archives)), str(path), load_policy(path), at)


def replayed(out: Path, *archives: Path, **members: Any) -> Outcome:
    return replay(run_over(*archives, **members), out, Options(0))


def findings_of(outcome: Outcome) -> dict[str, tuple[str, list[int]]]:
    """Answers and rows of the findings, by id."""
    return {
        finding["id"]: (finding["answer"], [row for _, row in finding["rows"]])
        for finding in outcome.findings
    }


def found(out: Path, *responses: bytes, **members: Any) -> dict[str, tuple[str, list[int]]]:
    """Replay responses, a line each, and return what was found."""
    path = out.parent / "responses.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in responses))
    return findings_of(replayed(out, path, **members))


def parts_of(out: Path) -> pa.Table:
    return pa.concat_tables(map(pq.read_table, sorted((out / "results").iterdir())))


def contents(out: Path) -> dict[str, bytes]:
    """The files of a run, without its parts."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


RESPONSES: Final = [
    *(octets(number=number) for number in range(5)),
    octets(number=5, quoted={"magic": 0}),
    b"nonsense",
    octets(number=6),
]
"""Rows of every end: accepted, refused and malformed."""
