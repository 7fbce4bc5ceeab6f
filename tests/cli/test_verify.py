"""``attest verify``: which rows there are, how each is written, and what the exit code says."""

import json
from pathlib import Path

import pytest

from tests.cli.calls import FORGED, HONEST, attest, run
from tests.judging import ORDER

LINES = HONEST + b"\n" + FORGED + b"\n"


def sources(output: str) -> list[tuple[str, int, str]]:
    return [(row["source"], row["row"], row["decision"]) for row in json.loads(output)]


def test_all_accepted_is_0(policy: Path, honest: Path) -> None:
    assert attest("verify", honest, honest, "-p", policy).exit_code == 0


def test_any_refused_is_1(policy: Path, honest: Path, forged: Path) -> None:
    assert attest("verify", honest, forged, honest, "-p", policy).exit_code == 1


@pytest.mark.parametrize(
    "octets", [b"", b" ", b"\xff", b"{", b"[]", b"null", b'"{}"', b"{}", b"{}{}", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_or_no_response_is_refused(
    policy: Path, tmp_path: Path, octets: bytes
) -> None:
    odd = tmp_path / "odd.json"
    odd.write_bytes(octets)
    done = attest("verify", odd, "-p", policy, "--format", "json")
    (row,) = json.loads(done.stdout)
    failing = {check["id"] for check in row["checks"] if check["outcome"] == "fail"}
    assert (done.exit_code, "evidence.form" in failing) == (1, True)


@pytest.mark.parametrize("missing", ["missing.json", "missing.jsonl", "."])
def test_an_unreadable_file_is_2_and_named_on_one_line(
    policy: Path, tmp_path: Path, missing: str
) -> None:
    done = attest("verify", tmp_path / missing, "-p", policy)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {tmp_path / missing}: ")


@pytest.mark.parametrize("first", [True, False])
def test_an_unreadable_file_leaves_the_others_judged_and_2_beats_1(
    policy: Path, forged: Path, honest: Path, tmp_path: Path, first: bool
) -> None:
    readable, missing = [honest, forged], [tmp_path / "missing.json"]
    words = [*missing, *readable] if first else [*readable, *missing]
    done = attest("verify", *words, "-p", policy, "--format", "json")
    assert (done.exit_code, sources(done.stdout)) == (
        2,
        [(str(honest), 0, "accepted"), (str(forged), 0, "refused")],
    )


@pytest.mark.parametrize("octets", [b"", b"\n", b" \t\r\n\n  \n", b"\r\n"])
@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_no_row_at_all_is_2(policy: Path, tmp_path: Path, octets: bytes, form: str) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(octets)
    done = attest("verify", empty, "-p", policy, "--format", form)
    assert (done.exit_code, done.stderr) == (2, "attest: no response to verify\n")


def test_lines_of_white_space_are_no_rows(policy: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(b"\n \t\r\n" + HONEST + b"\r\n\n\n" + FORGED)
    done = attest("verify", many, "-p", policy, "--format", "json")
    assert sources(done.stdout) == [(str(many), 0, "accepted"), (str(many), 1, "refused")]


@pytest.mark.parametrize("octets", [b"no JSON", b"[]", b"7", b"{}"])
def test_a_line_that_is_no_response_is_a_refused_row(
    policy: Path, tmp_path: Path, octets: bytes
) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(octets + b"\n" + HONEST + b"\n")
    done = attest("verify", many, "-p", policy, "--format", "json")
    assert (done.exit_code, [row[2] for row in sources(done.stdout)]) == (
        1,
        ["refused", "accepted"],
    )


def test_standard_input_is_one_document(policy: Path) -> None:
    spread = json.dumps(json.loads(HONEST), indent=2).encode()
    done = attest("verify", "-", "-p", policy, "--format", "json", stdin=spread)
    assert (done.exit_code, sources(done.stdout)) == (0, [("-", 0, "accepted")])


def test_standard_input_of_two_lines_is_no_document(policy: Path) -> None:
    done = attest("verify", "-", "-p", policy, "--format", "json", stdin=LINES)
    assert (done.exit_code, sources(done.stdout)) == (1, [("-", 0, "refused")])


def test_empty_standard_input_is_a_refused_document(policy: Path) -> None:
    assert attest("verify", "-", "-p", policy).exit_code == 1


def test_standard_input_has_a_row_a_line_where_asked(policy: Path) -> None:
    done = attest("verify", "-", "--lines", "-p", policy, "--format", "json", stdin=LINES)
    assert sources(done.stdout) == [("-", 0, "accepted"), ("-", 1, "refused")]


def test_empty_standard_input_has_no_lines(policy: Path) -> None:
    assert attest("verify", "-", "--lines", "-p", policy).exit_code == 2


def test_any_file_has_a_row_a_line_where_asked(policy: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(LINES)
    done = attest("verify", many, "--lines", "-p", policy, "--format", "json")
    assert sources(done.stdout) == [(str(many), 0, "accepted"), (str(many), 1, "refused")]


@pytest.mark.parametrize("octets", [HONEST, HONEST + b"\n"])
def test_json_is_an_array_for_one_response(policy: Path, tmp_path: Path, octets: bytes) -> None:
    one = tmp_path / "one.json"
    one.write_bytes(octets)
    done = attest("verify", one, "-p", policy, "--format", "json")
    document = json.loads(done.stdout)
    assert (type(document), len(document)) == (list, 1)


def test_json_has_every_check_once_in_order(policy: Path, honest: Path, forged: Path) -> None:
    done = attest("verify", honest, forged, "-p", policy, "--format", "json")
    orders = [tuple(check["id"] for check in row["checks"]) for row in json.loads(done.stdout)]
    assert orders == [ORDER, ORDER]


def test_jsonl_has_a_result_a_line_in_the_order_of_the_input(
    policy: Path, tmp_path: Path, forged: Path
) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes((HONEST + b"\n" + FORGED + b"\n") * 5)
    done = attest("verify", forged, many, "-p", policy, "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["source"], row["row"], row["decision"]) for row in rows] == [
        (str(forged), 0, "refused"),
        *((str(many), n, "refused" if n % 2 else "accepted") for n in range(10)),
    ]


def test_jsonl_ends_every_line(policy: Path, honest: Path) -> None:
    done = attest("verify", honest, honest, "-p", policy, "--format", "jsonl")
    assert (done.stdout.count("\n"), done.stdout[-1]) == (2, "\n")


def test_rows_are_counted_for_each_file(policy: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(LINES)
    done = attest("verify", many, many, "-p", policy, "--format", "json")
    assert [row["row"] for row in json.loads(done.stdout)] == [0, 1, 0, 1]


def test_text_of_one_response_has_no_sum(policy: Path, honest: Path) -> None:
    assert attest("verify", honest, "-p", policy).stdout == (
        f"ACCEPTED  {honest}  policy golden, baseline release-a\n"
        "          self-consistent, not anchored: any software could have made it\n"
    )


def test_text_of_many_responses_ends_with_the_sum(policy: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_bytes(LINES + HONEST)
    assert attest("verify", many, "-p", policy).stdout == (
        f"ACCEPTED  {many} row 0  policy golden, baseline release-a\n"
        "          self-consistent, not anchored: any software could have made it\n"
        f"REFUSED   {many} row 1  policy golden\n"
        "          quote.magic      magic is 0x00000000, expected 0xff544347\n"
        f"ACCEPTED  {many} row 2  policy golden, baseline release-a\n"
        "          self-consistent, not anchored: any software could have made it\n"
        "2 accepted, 1 refused\n"
    )


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_nothing_goes_to_standard_error_where_nothing_is_amiss(
    policy: Path, honest: Path, form: str
) -> None:
    assert attest("verify", honest, "-p", policy, "--format", form).stderr == ""


def test_a_policy_set_is_a_directory(policy: Path, honest: Path, tmp_path: Path) -> None:
    done = attest("verify", honest, "-p", tmp_path, "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.exit_code, row["policy"]["name"]) == (0, "golden")


def test_duplicate_members_are_seen(policy: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.json"
    twice.write_bytes(HONEST.replace(b'"pcr_banks"', b'"pcr_banks": "", "pcr_banks"', 1))
    done = attest("verify", twice, "-p", policy)
    assert (done.exit_code, 'duplicate member "pcr_banks"' in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("name", "octets", "code"), [("a.json", HONEST, 0), ("a.json", FORGED, 1), ("b.json", b"", 2)]
)
def test_a_process_leaves_with_the_exit_code(
    policy: Path, name: str, octets: bytes, code: int
) -> None:
    (policy.parent / "a.json").write_bytes(octets)
    assert run("verify", policy.parent / name, "-p", policy).returncode == code


def test_a_process_reads_standard_input(policy: Path) -> None:
    done = run("verify", "-", "--lines", "-p", policy, "--format", "jsonl", stdin=LINES)
    decisions = [json.loads(line)["decision"] for line in done.stdout.splitlines()]
    assert (done.returncode, decisions) == (1, ["accepted", "refused"])
