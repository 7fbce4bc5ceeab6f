"""``verify_archive`` over any octets: always a verification, in constant memory."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attest.archive import verify_archive
from attest.archive.lines import read_lines
from attest.archive.record import MAX_LINE, read_record
from attest.errors import MalformedError
from tests.archive.making import (
    archive_of,
    hash_of,
    lines_of,
    places,
    rechained,
    record_of,
    written,
)
from tests.cli.calls import ROOT

pieces = st.sampled_from([
    b"{", b"}", b"\n", b"\0", b'{"previous":"', b'{"attestation":', b"0" * 64, b'","seq":0',
    b"[" * 100, b"\xff", b"null", b'"torn":"' + b"e3" * 32,
])  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(octets=st.binary() | st.lists(pieces | st.binary(max_size=5)).map(b"".join))
def test_any_octets_give_a_verification(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes(octets)
    assert verify_archive(path).intact is (octets == b"")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_an_archive_gives_a_verification(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "evidence.jsonl"
    whole = tmp_path / "whole"
    if not whole.exists():
        whole.write_bytes(archive_of(tmp_path, 3).read_bytes())
    octets = whole.read_bytes()
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(octets))] * 2)))
    lie = octets[:begin] + data.draw(st.binary(max_size=20)) + octets[end:]
    path.write_bytes(lie)
    seen = verify_archive(path, hash_of(whole.read_bytes().splitlines()[-1]))
    assert seen.intact is (lie == octets)


def test_a_line_longer_than_any_record_is_passed_over(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 1)
    with path.open("ab") as stream:
        stream.write(b'{"attestation":"')
        stream.truncate(path.stat().st_size + MAX_LINE + 10)
        stream.seek(0, 2)
        stream.write(b"\n" + lines_of(path)[0])
    seen = verify_archive(path)
    assert [str(one) for one in seen.faults][:1] == [
        "line 2: record: is longer than 67108864 octets"
    ]
    assert places(seen) == {2, 3}


def test_a_line_longer_than_any_record_is_no_record() -> None:
    with pytest.raises(MalformedError, match="longer"):
        read_record(b" " * (MAX_LINE + 1))


def test_a_file_that_shrinks_while_it_is_read_ends_early() -> None:
    lines = list(read_lines(BytesIO(b"a\nb"), 100))
    assert [(line.number, line.octets, line.ended) for line in lines] == [
        (1, b"a", True),
        (2, b"b", False),
    ]


PEAK = """
import sys, resource
from attest.archive import verify_archive
print(verify_archive(sys.argv[1]).records, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 1)
    record = record_of(lines_of(path)[0])
    peaks = []
    for count in (100, 3000):
        written(path, rechained([record] * count))
        words = [sys.executable, "-c", PEAK, str(path)]
        done = subprocess.run(words, capture_output=True, check=True, cwd=ROOT)
        records, peak = map(int, done.stdout.split())
        assert records == count
        peaks.append(peak)
    assert peaks[1] < peaks[0] * 1.1


def test_a_verification_is_json(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 2)
    seen = verify_archive(written(path, lines_of(path)[1:]))
    document = json.loads(json.dumps(seen.to_dict()))
    assert (document["intact"], document["faults"][0]["line"]) == (False, 1)
