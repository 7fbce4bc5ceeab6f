"""What the commands do on a terminal, and what they never do to one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import attest as package
from tests import build
from tests.aik import ecc_aik
from tests.cli.calls import HONEST, attest, environment, run
from tests.judging import octets_of
from tests.terminals import on_terminal

pytest.importorskip("pty", reason="no pseudo-terminals on this system")

ODD = "a\x1b[2J\u202e\u2066\r\n\x07.json"
SHOWN = r"a\x1b[2J\u202e\u2066\r\n\x07.json"
LONG = HONEST + b"\n"
HELP = [
    (),
    ("verify",),
    ("inspect",),
    ("policy",),
    ("policy", "lint"),
    ("policy", "schema"),
]


def long_at(folder: Path) -> Path:
    """Write rows of more than a mebibyte."""
    path = folder / "long.jsonl"
    path.write_bytes(LONG * (1024 * 1024 // len(LONG) + 1))
    return path


def test_colours_are_shown_on_a_terminal(policy: Path, honest: Path, forged: Path) -> None:
    status, screen = on_terminal(("verify", honest, forged, "-p", policy), "out")
    assert status == 1
    assert "\x1b[1;32mACCEPTED\x1b[0m" in screen
    assert "\x1b[1;31mREFUSED \x1b[0m" in screen


@pytest.mark.parametrize(("value", "coloured"), [("1", False), ("0", False), ("", True)])
def test_no_color_is_honoured_where_it_is_not_empty(
    policy: Path, honest: Path, value: str, coloured: bool
) -> None:
    _, screen = on_terminal(("verify", honest, "-p", policy), "out", NO_COLOR=value)
    assert ("\x1b" in screen) is coloured


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_never_coloured(policy: Path, honest: Path, form: str) -> None:
    _, screen = on_terminal(("verify", honest, "-p", policy, "--format", form), "out")
    assert "\x1b" not in screen


def test_nothing_is_coloured_off_a_terminal(policy: Path, forged: Path) -> None:
    assert b"\x1b" not in run("verify", forged, "-p", policy).stdout


def test_a_file_is_not_coloured(policy: Path, forged: Path, tmp_path: Path) -> None:
    file = tmp_path / "results"
    on_terminal(("verify", forged, "-p", policy, "--output", file), "out err")
    assert b"\x1b" not in file.read_bytes()


def test_progress_is_shown_of_long_work(policy: Path, tmp_path: Path) -> None:
    _, screen = on_terminal(("verify", long_at(tmp_path), "-p", policy), "err")
    assert re.search(r"verifying .*100%", screen)


def test_progress_of_standard_input_is_shown(policy: Path) -> None:
    words = ("verify", "-", "--lines", "-p", policy)
    assert "verifying" in on_terminal(words, "err", stdin=LONG)[1]


def test_progress_is_shown_where_results_go_to_a_file(policy: Path, tmp_path: Path) -> None:
    words = ("verify", long_at(tmp_path), "-p", policy, "--output", tmp_path / "results")
    assert "verifying" in on_terminal(words, "out err")[1]


def test_progress_does_not_disturb_results_on_the_same_terminal(
    policy: Path, tmp_path: Path
) -> None:
    screen = on_terminal(("verify", long_at(tmp_path), "-p", policy), "out err")[1]
    assert "verifying" not in screen


def test_progress_is_not_shown_of_short_work(policy: Path, honest: Path) -> None:
    assert on_terminal(("verify", honest, "-p", policy), "err") == (0, "")


def test_progress_is_not_shown_off_a_terminal(policy: Path, tmp_path: Path) -> None:
    assert run("verify", long_at(tmp_path), "-p", policy).stderr == b""


def test_hostile_file_names_are_escaped_in_results(policy: Path, tmp_path: Path) -> None:
    (tmp_path / ODD).write_bytes(HONEST)
    text = attest("verify", tmp_path / ODD, "-p", policy).stdout
    assert text.startswith(f"ACCEPTED  {tmp_path}/{SHOWN}  policy golden")


def test_hostile_file_names_are_escaped_in_errors(policy: Path, tmp_path: Path) -> None:
    error = attest("verify", tmp_path / ODD, "-p", policy).stderr
    assert error == f"attest: {tmp_path}/{SHOWN}: No such file or directory\n"


def test_hostile_policy_names_are_escaped_in_errors(honest: Path, tmp_path: Path) -> None:
    error = attest("verify", honest, "-p", tmp_path / ODD).stderr
    assert error.startswith(f"attest: {tmp_path}/{SHOWN}: ")
    assert error.count("\n") == 1


def test_hostile_file_names_survive_in_json(policy: Path, tmp_path: Path) -> None:
    (tmp_path / ODD).write_bytes(HONEST)
    text = attest("verify", tmp_path / ODD, "-p", policy, "--format", "json").stdout
    assert json.loads(text)[0]["source"] == str(tmp_path / ODD)
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_nothing_of_the_server_can_act_on_a_terminal(
    policy: Path, tmp_path: Path, form: str
) -> None:
    odd = "\x1b]0;x\x07\x9b2J\u202e\u2028\x00"
    values = {odd: {odd: odd}}
    response = build.response(ecc_aik(), payload_id=odd, tier=odd, pcr_values=values, pcr_banks=odd)
    path = tmp_path / "a.json"
    path.write_bytes(octets_of(response))
    words = ("verify", path, "-p", policy, "--tier", "maximum", "--format", form)
    assert attest(*words).stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_hostile_payload_ids_of_the_caller_are_escaped(
    policy: Path, honest: Path, form: str
) -> None:
    words = ("verify", honest, "-p", policy, "--payload-id", "\x1b[2J\u202e", "--format", form)
    assert attest(*words).stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize(("tier", "status"), [("maximum", 0), ("h\u00f6chste", 1)])
def test_an_ascii_terminal_gets_its_results(
    policy: Path, tmp_path: Path, tier: str, status: int
) -> None:
    path = tmp_path / "gr\u00fc\u00df.json"
    path.write_bytes(octets_of(build.response(ecc_aik(), tier=tier)))
    words = ("verify", path, "-p", policy, "--tier", "maximum")
    done = run(*words, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False)


@pytest.mark.parametrize("command", HELP, ids=" ".join)
def test_every_help_shows_examples(command: tuple[str, ...]) -> None:
    done = attest(*command, "--help")
    example = rf"Examples:\n  .*attest {' '.join(command)}"
    assert (done.exit_code, bool(re.search(example, done.stdout))) == (0, True)


def test_help_names_every_command() -> None:
    listed = attest("--help").stdout
    assert [word for word in ("verify", "inspect", "policy") if f"\n  {word} " in listed] == [
        "verify",
        "inspect",
        "policy",
    ]


def test_no_command_shows_the_help() -> None:
    assert "Examples:" in attest().output


def test_module_says_its_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.split()[-1]) == (0, package.__version__.encode())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "junit"])
def test_output_that_cannot_be_written_is_2_and_no_answer(
    policy: Path, honest: Path, forged: Path, form: str
) -> None:
    for response, unbuffered in ((honest, ""), (forged, ""), (honest, "1"), (forged, "1")):
        words = ["verify", str(response), "-p", str(policy), "--format", form]
        variables = environment(PYTHONUNBUFFERED=unbuffered)  # held until the end, or written
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "attest", *words],
                stdout=full, stderr=subprocess.PIPE, env=variables, timeout=60, check=False,
            )  # fmt: skip
        said = b"attest: output: No space left on device\n"
        assert (done.returncode, done.stderr) == (2, said)
