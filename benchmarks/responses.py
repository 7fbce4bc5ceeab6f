"""Responses in any number with planted faults in known numbers, made once in parallel and kept."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from tests import build
from tests.aik import Aik, digest, ecc_aik, rsa_aik

KEYS: Final = 10_000
"""Machines, each with an enrolled key of its own: a key comes again after so many rows."""
SHARD: Final = 10_000
START: Final = 1_795_500_000
EVERY: Final = 2003
"""A prime, so that the faults of one kind fall on many machines."""
SPACING: Final = 100

OLD: Final = build.VALUES
NEW: Final[build.Values] = {"sha256": {**OLD["sha256"], 0: digest("sha256", b"update")}}
ODD: Final[build.Values] = {"sha256": {**OLD["sha256"], 7: digest("sha256", b"odd")}}
FAULTS: Final = (
    *("malformed", "no-metadata", "magic", "signature", "digest", "form", "attributes"),
    *("odd-pcr", "update", "clock", "counters", "firmware"),
    *("nonce", "payload-id", "replayed", "unenrolled"),
)
UNANCHORED: Final = frozenset(
    {"malformed", "no-metadata", "magic", "signature", "digest", "form", "attributes"}
    | {"nonce", "payload-id", "unenrolled"}
)
"""Faults after which the quote says nothing of a machine."""


class State(NamedTuple):
    """What a quote says of its machine."""

    clock: int
    resets: int
    firmware: int
    pcrs: str
    baseline: str | None


def fault_of(row: int) -> str | None:
    """The fault that is planted in a row, or None. The first row of a shard has none."""
    place, rest = divmod(row % EVERY, SPACING)
    planted = rest == 0 and 0 < place <= len(FAULTS) and row % SHARD
    return FAULTS[place - 1] if planted else None


def state_of(row: int) -> State:
    """What the quote of a row says."""
    fault = fault_of(row)
    pcrs = {"odd-pcr": "odd", "update": "new"}.get(fault or "", "old")
    return State(
        1 if fault == "clock" else 1_000_000 + 1000 * row,
        1 if fault == "counters" else 5,
        8 if fault == "firmware" else 7,
        pcrs,
        {"old": "release-a", "new": "release-b"}.get(pcrs),
    )


def expected(rows: int) -> dict[str, Any]:
    """Count what was planted: the summary and the findings of an honest replay, by plain means."""
    faults: Counter[str] = Counter()
    found: Counter[str] = Counter()
    baselines: Counter[str] = Counter()
    last: dict[int, State] = {}
    for row in range(rows):
        fault = fault_of(row)
        if fault is not None:
            faults[fault] += 1
        state = state_of(row - 1 if fault == "replayed" else row)
        if fault not in UNANCHORED and fault != "odd-pcr":
            baselines[state.baseline or ""] += 1
        if fault in UNANCHORED or fault == "replayed":
            continue
        machine = row % KEYS
        if machine in last:
            found.update(_changes(last[machine], state))
        last[machine] = state._replace(baseline=state.baseline or _baseline(last.get(machine)))
    twice = 2 * faults["replayed"]
    found["quote.replayed"] = twice
    found["nonce.reused"] = twice + 2 * faults["nonce"]
    found["payload-id.reused"] = twice + 2 * faults["payload-id"]
    found["aik.reused"] = faults["unenrolled"] if faults["unenrolled"] > 1 else 0
    return {
        "rows": rows,
        "malformed": faults["malformed"],
        "accepted": sum(baselines.values()),
        "by_baseline": dict(baselines),
        "refused": rows - sum(baselines.values()) - faults["malformed"],
        "findings": dict(found),
        "faults": dict(faults),
    }


def _baseline(state: State | None) -> str | None:
    return None if state is None else state.baseline


def _changes(before: State, now: State) -> Iterator[str]:
    if now.clock < before.clock:
        yield "clock.backwards"
    if now.resets < before.resets:
        yield "counters.reset"
    if now.firmware != before.firmware:
        yield "firmware.changed"
    if now.pcrs != before.pcrs:
        yield "pcr.changed"
    if None not in (now.baseline, before.baseline) and now.baseline != before.baseline:
        yield "baseline.changed"


KINDS: Final[dict[str, Callable[[], Aik]]] = {
    "rsa2048": partial(rsa_aik, fresh=True),
    "p256": partial(ecc_aik, fresh=True),
    "p384": partial(ecc_aik, "nist-p384", fresh=True),
}
"""Makers of the AIKs."""


def prepare(root: Path, rows: int, kind: str) -> Path:
    """Return a folder with so many responses in shards, and their policy; made where missing."""
    keys = root / f"keys-{kind}"
    folder = root / f"responses-{kind}-{rows}"
    root.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(initializer=partial(os.nice, 5)) as pool:
        if not keys.exists():
            made = b"".join(pool.map(partial(_new_key, kind), range(KEYS + 1), chunksize=20))
            _named_when_whole(keys, made)
        folder.mkdir(exist_ok=True)
        shards = range(0, rows, SHARD)
        list(pool.map(partial(_write_shard, folder, keys, rows), shards))
    (root / f"policy-{kind}.yaml").write_text(_policy(keys), encoding="utf-8")
    return folder


def _named_when_whole(path: Path, octets: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(octets)
    unfinished.rename(path)


def _new_key(kind: str, _: int) -> bytes:
    aik = KINDS[kind]()
    der = aik.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return len(der).to_bytes(2) + der


@cache
def _keys(path: Path) -> list[bytes]:
    octets, keys = path.read_bytes(), []
    while octets:
        size = int.from_bytes(octets[:2])
        keys.append(octets[2 : 2 + size])
        octets = octets[2 + size :]
    return keys


@cache
def _aik(path: Path, number: int) -> Aik:
    private: Any = load_der_private_key(
        _keys(path)[number], None, unsafe_skip_rsa_key_validation=True
    )
    return Aik(private, "rsassa" if hasattr(private, "decrypt") else "ecdsa")


def _policy(keys: Path) -> str:
    golden = [
        {"name": name, "pcrs": {"sha256": {i: values["sha256"][i] for i in (0, 7)}}}
        for name, values in (("release-a", OLD), ("release-b", NEW))
    ]
    names = [_aik(keys, number).name for number in range(KEYS)]
    return build.policy_text(OLD, aik={"trust": "enrolled", "names": names}, baselines=golden)


def _write_shard(folder: Path, keys: Path, rows: int, first: int) -> None:
    path = folder / f"shard-{first // SHARD:05}.jsonl"
    if path.exists():
        return
    lines: list[bytes] = []
    for row in range(first, min(first + SHARD, rows)):
        lines.append(lines[-1] if fault_of(row) == "replayed" else _line(keys, row))
    _named_when_whole(path, b"".join(lines))


def payload_id(row: int) -> str:
    """The id of a row's request."""
    text = hashlib.sha256(b"%d" % row).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def _line(keys: Path, row: int) -> bytes:
    fault = fault_of(row)
    if fault == "malformed":
        return b'{"_metadata": {"payload_id": \n'
    aik = _aik(keys, KEYS if fault == "unenrolled" else row % KEYS)
    if fault == "attributes":
        aik = aik.claiming(attributes=0x00040072)
    sent = payload_id(row - 1 if fault == "payload-id" else row)
    state = state_of(row)
    values = {"odd": ODD, "new": NEW, "old": OLD}[state.pcrs]
    values = {"sha256": {**values["sha256"], 10: digest("sha256", b"%d" % row)}}
    told: build.QuoteLies = {
        "clock": state.clock,
        "reset_count": state.resets,
        "firmware": state.firmware,
        "extra_data": build.nonce_of(payload_id(row - (fault == "nonce"))),
    }
    if fault == "magic":
        told["magic"] = 0
    if fault == "digest":
        told["digest"] = bytes(32)
    lies: dict[str, Any] = {"metadata": {"processed_at": START + row}}
    if fault == "signature":
        lies["signature"] = aik.sign(b"another statement")
    if fault == "form":
        lies["attestation"] = {"signature_b64": "AAA"}
    if fault == "no-metadata":
        lies["drop"] = ["_metadata"]
    made = build.response(aik, payload_id=sent, values=values, quoted=told, **lies)
    return json.dumps(made).encode() + b"\n"
