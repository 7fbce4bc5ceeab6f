"""``verify_archive`` and ``head``: what the chain shows, and what only a head kept elsewhere."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from attest.archive import head, verify_archive
from attest.archive.verification import MOST_FAULTS
from tests.archive.making import (
    GENESIS,
    archive_of,
    hash_of,
    line_of,
    lines_of,
    places,
    rechained,
    record_of,
    written,
)

OTHER = "ab" * 32
CHANGES: dict[str, Any] = {
    "schema": 2,
    "seq": 9,
    "recorded_at": "2026-11-24T12:00:01Z",
    "mode": "audit",
    "phase": "preflight",
    "released": False,
    "base_url": "https://other.example",
    "payload_id": "other",
    "requested_tier": "high",
    "reported_tier": None,
    "attestation": "{}",
    "server_key_sha256": None,
    "policy_sha256": OTHER,
    "result": {},
    "previous": OTHER,
}


def test_an_honest_archive_is_intact(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    last = hash_of(lines_of(path)[-1])
    seen = verify_archive(path)
    assert (seen.intact, seen.records, seen.torn, seen.head) == (True, 5, 0, last)
    assert (seen.after_head, seen.faults, seen.more_faults) == (None, (), 0)


def test_an_empty_archive_is_intact_and_its_head_is_zeros(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 0)
    assert (path.read_bytes(), verify_archive(path).intact, head(path)) == (b"", True, GENESIS)


@pytest.mark.parametrize("where", [0, 2])
@pytest.mark.parametrize("member", CHANGES)
def test_each_changed_member_is_found(tmp_path: Path, member: str, where: int) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    lines[where] = line_of({**record_of(lines[where]), member: CHANGES[member]})
    seen = verify_archive(written(path, lines))
    assert (seen.intact, where + 2 in places(seen)) == (False, True)


@pytest.mark.parametrize("member", CHANGES)
def test_a_changed_member_of_the_last_record_is_found_by_the_head(
    tmp_path: Path, member: str
) -> None:
    path = archive_of(tmp_path)
    kept, lines = head(path), lines_of(path)
    lines[-1] = line_of({**record_of(lines[-1]), member: CHANGES[member]})
    assert not verify_archive(written(path, lines), kept).intact


@pytest.mark.parametrize("member", CHANGES)
def test_each_missing_member_is_found_at_its_line(tmp_path: Path, member: str) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    record = record_of(lines[4])
    del record[member]
    lines[4] = line_of(record)
    assert places(verify_archive(written(path, lines))) == {5}


@pytest.mark.parametrize("extra", ["prompt", "result2", "torn"])
def test_unknown_members_are_found_at_their_line(tmp_path: Path, extra: str) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    lines[4] = line_of({**record_of(lines[4]), extra: OTHER})
    assert places(verify_archive(written(path, lines))) == {5}


def test_every_flipped_octet_is_found(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 3)
    octets = path.read_bytes()
    kept = head(path)
    for at in range(0, len(octets), 7):
        lie = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
        path.write_bytes(lie)
        assert not verify_archive(path, kept).intact, at


@pytest.mark.parametrize("where", range(4))
def test_a_deleted_record_is_found_where_it_stood(tmp_path: Path, where: int) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    del lines[where]
    assert places(verify_archive(written(path, lines))) == {where + 1}


@pytest.mark.parametrize("where", range(5))
def test_a_duplicate_is_found(tmp_path: Path, where: int) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    lines.insert(where, lines[where])
    seen = verify_archive(written(path, lines))
    assert where + 2 in places(seen)


@pytest.mark.parametrize(
    "order", [o for o in itertools.permutations(range(4)) if o != (0, 1, 2, 3)]
)
def test_every_reorder_is_found(tmp_path: Path, order: tuple[int, ...]) -> None:
    path = archive_of(tmp_path, 4)
    lines = lines_of(path)
    assert not verify_archive(written(path, [lines[at] for at in order])).intact


@pytest.mark.parametrize("where", range(6))
@pytest.mark.parametrize("foreign", [b"\n", b"{}\n", b"x\n", b"\0\n", b"null\n"])
def test_an_inserted_line_is_found_at_its_line(tmp_path: Path, where: int, foreign: bytes) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    lines.insert(where, foreign)
    assert places(verify_archive(written(path, lines))) == {where + 1}


def test_a_record_of_another_archive_is_found(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = archive_of(tmp_path), archive_of(tmp_path / "other", 3)
    lines = lines_of(one)
    lines[2] = line_of({**record_of(lines_of(other)[2]), "released": False})
    assert places(verify_archive(written(one, lines))) == {4}


def test_faults_go_on_after_the_first(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 9)
    lines = lines_of(path)
    lines[2], lines[6] = b"x\n", b"y\n"
    assert places(verify_archive(written(path, lines))) == {3, 4, 7, 8}


def test_faults_are_kept_up_to_a_bound_and_counted_beyond(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 1)
    seen = verify_archive(written(path, lines_of(path) * 200))
    assert (len(seen.faults), seen.more_faults) == (MOST_FAULTS, 2 * 199 - MOST_FAULTS)


# --- members that stand for each other -------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payload_id": "other"}, "payload_id is not what the result says"),
        ({"reported_tier": "high"}, "reported_tier is not what the result says"),
        ({"policy_sha256": None}, "policy_sha256 is not what the result says"),
        ({"attestation": None}, "attestation does not hash to result.evidence_sha256"),
        ({"attestation": "{}"}, "attestation does not hash to result.evidence_sha256"),
        ({"attestation": "x"}, "attestation: response: is no JSON"),
        ({"attestation": '{"a":1,"a":1}'}, 'attestation: response: duplicate member "a"'),
        ({"attestation": '{"a":' * 3000}, "attestation: response: is "),
        ({"result": {}}, "result.decision is neither accepted nor refused"),
        ({"base_url": "https://a:b@h"}, "base_url has userinfo"),
        ({"recorded_at": "2026-02-30T00:00:00Z"}, "recorded_at is no moment"),
    ],
)
def test_a_forged_chain_must_still_agree_with_itself(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = archive_of(tmp_path)
    records = list(map(record_of, lines_of(path)))
    records[2] |= changes
    seen = verify_archive(written(path, rechained(records)))
    assert (places(seen), any(reason in str(one) for one in seen.faults)) == ({3}, True)


def test_a_changed_policy_is_found_at_every_record_that_it_judged(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    (kept,) = (tmp_path / "evidence.jsonl.policies").iterdir()
    kept.write_bytes(kept.read_bytes() + b"\n")
    assert places(verify_archive(path)) == {1, 2, 3, 4, 5}


def test_a_copy_without_its_policies_is_whole_and_names_them(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    copy = written(tmp_path / "copy.jsonl", lines_of(path))
    seen = verify_archive(copy)
    assert (seen.intact, seen.missing_policies) == (
        True,
        (record_of(lines_of(path)[0])["policy_sha256"],),
    )
    assert verify_archive(path).missing_policies == ()


def test_a_changed_record_is_named_by_its_line_too(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    lines[1] = lines[1].replace(b'"enforce"', b'"audit"')
    (fault,) = verify_archive(written(path, lines)).faults
    assert (fault.line, f"line 2 hashes to {hash_of(lines[1])}" in fault.reason) == (3, True)
