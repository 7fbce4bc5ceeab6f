"""``attest-chat serve`` as a user calls it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from client.demo import POLICY
from client.demo.command import NEEDS_TPM, announcement, command
from client.demo.misbehaviour import MISBEHAVIOURS
from tests.cli.calls import environment
from tests.demo.talking import failing, options, verdict

QUICK = ("--key-bits", "2048")


def called(*words: str) -> Result:
    return CliRunner().invoke(command, [*QUICK, *words], prog_name="attest-chat serve")


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process of its own, and the line that it prints first."""
    call = "from client.demo.command import command; command()"
    process = subprocess.Popen(
        [sys.executable, "-c", call, *QUICK, "--listen", "127.0.0.1:0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED="1"),
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process says until it ends, all lines after those that were read."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.wait(60)
    return process.stdout.read(), process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_answers_and_ends_with_0_on_a_signal(
    number: signal.Signals,
) -> None:
    with started() as (process, line):
        said, _, source = line.partition(" (")
        url = said.removeprefix("listening on ")
        result = verdict(url)
        process.send_signal(number)
        output, errors = rest_of(process)

    assert result.accepted
    assert source == "evidence by a software signer, simulated: no TPM)\n"
    assert (process.returncode, output, errors) == (0, f"policy for it: {POLICY}\n", "")


def test_misbehaviour_is_announced_and_done_and_nothing_is_logged() -> None:
    with started("--misbehave", "wrong-pcr", "--misbehave", "cut-off@2") as (process, line):
        result = verdict(line.split()[2])
        process.send_signal(signal.SIGTERM)
        output, errors = rest_of(process)

    assert failing(result) == ["pcr.baseline"]
    assert output.splitlines()[1:] == ["misbehaves: wrong-pcr", "misbehaves: cut-off@2"]
    assert errors == ""


@pytest.mark.parametrize(
    ("tpm", "source"),
    [
        ("simulated", "evidence by a software signer, simulated: no TPM"),
        ("swtpm", "evidence by swtpm, a TPM in software"),
        ("none", "no TPM"),
    ],
)
def test_the_first_line_says_what_makes_the_evidence(tpm: str, source: str) -> None:
    said = announcement(options("junk@2", "not-pem", tpm=tpm), "http://127.0.0.1:8000")

    assert said == [
        f"listening on http://127.0.0.1:8000 ({source})",
        f"policy for it: {POLICY}",
        "misbehaves: junk@2",
        "misbehaves: not-pem",
    ]


def test_help_names_every_misbehaviour_and_shows_examples() -> None:
    result = called("--help")

    assert result.exit_code == 0
    assert "attest-chat serve --listen 127.0.0.1:8000 --tpm simulated" in result.output
    for name, act in MISBEHAVIOURS.items():
        assert name in result.output
        assert act.says in result.output


def test_an_address_that_is_not_loopback_is_one_line_and_2() -> None:
    result = called("--listen", "0.0.0.0:0")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "attest-chat: '0.0.0.0:0' is no loopback address: that needs --allow-remote\n"
    )


def test_a_port_that_is_taken_is_one_line_and_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = called("--listen", address, "--misbehave", "junk@2")

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "in use" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--misbehave", "nothing"), "'nothing' is no misbehaviour"),
        (("--tpm", "real"), "'real' is not one of"),
        (("--key-bits", "1024"), "'1024' is not one of"),
    ],
)
def test_a_wrong_call_is_2(words: tuple[str, ...], said: str) -> None:
    result = called(*words)

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("missing", ["uvicorn", "starlette.types"])
def test_without_the_extra_it_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ours in ("client.demo.running", "client.serving"):
        monkeypatch.delitem(sys.modules, ours, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)

    result = called()

    assert (result.exit_code, result.stderr) == (
        2,
        "attest-chat: attest-chat serve needs: pip install 'tpm-attest[serve]'\n",
    )


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "client.demo.running", raising=False)
    monkeypatch.setitem(sys.modules, "client.demo.app", None)

    result = called()

    assert isinstance(result.exception, ModuleNotFoundError)


def test_swtpm_without_what_talks_to_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "attest.collect", None)

    result = called("--listen", "127.0.0.1:0", "--tpm", "swtpm")

    assert (result.exit_code, result.stderr) == (2, f"attest-chat: {NEEDS_TPM}\n")


def test_a_swtpm_that_is_not_there_is_one_line_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect = ModuleType("attest.collect")
    collect.Collector = object  # type: ignore[attr-defined]  # never called: swtpm comes first
    monkeypatch.setitem(sys.modules, "attest.collect", collect)
    monkeypatch.setenv("PATH", str(tmp_path))

    result = called("--listen", "127.0.0.1:0", "--tpm", "swtpm")

    assert (result.exit_code, result.stderr) == (2, "attest-chat: swtpm is not on PATH\n")


def test_the_package_imports_no_server_before_it_is_asked_for() -> None:
    call = (
        "import sys, client.demo.command\n"
        "print(sorted({'starlette', 'uvicorn', 'tpm2_pytss'} & sys.modules.keys()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", call], capture_output=True, text=True, env=environment(), check=True
    )

    assert done.stdout == "[]\n"
