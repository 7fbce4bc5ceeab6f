"""The table: what was measured as ratios, side by side."""

from collections.abc import Mapping
from typing import Any, Final

KINDS: Final = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384"}
SUBJECTS: Final = {
    "bare": "the bare check: key from its numbers, signature verified (cryptography)",
    "attest-octets": "`attest.verify`, octets of a response: all checks, a policy",
    "attest-dict": "`attest.verify`, a decoded response",
    "keylime": "keylime `tpm_util.checkquote`, decoded octets and a PEM key",
    "pytss": "tpm2-pytss and cryptography, the recipe of the NOMYO guide",
    "tpm2_checkquote": "`tpm2_checkquote`, a process a quote",
}
CHATS: Final = {
    "nomyo": "NOMYO's client, which verifies nothing",
    "gate-archive": "the gated client, each decision archived and on the disk",
    "gate": "the gated client without an archive",
}
METHOD: Final = """\
Time for a quote, in multiples of the bare check with the same kind of key: {responses} responses,
each with a key of its own, each seen once in a process after one to warm up; the fastest of
{rounds} processes against the fastest of the bare check's, all in turn.
"""
REST: Final = """\
Start-up is the ratio of the medians of {starts} runs in turn; memory is the peak of the process.
"""
CLIENTS: Final = """\
Time for a request by a client, in multiples of NOMYO's: `create` against one cheap server on the
same machine, {chats} requests one after the other and then as many at once, in each of
{chat_rounds} processes, all in turn. For those at once, the fastest process counts. The last column
is what the gate itself takes of a request, the median, without waiting for the disk.
"""


def written(results: Mapping[str, Any]) -> str:
    """Write the results in Markdown."""
    effort = results["effort"]
    parts = [f"# {results['machine']['processor']}, {results['date']}\n"]
    if "seconds_a_quote" in results:
        parts += [
            METHOD.format(**effort),
            _quotes(results["seconds_a_quote"]),
            REST.format(**effort),
            _rest(results["start_up_seconds"], results["memory_kib"]),
        ]
    parts += [
        CLIENTS.format(**effort),
        _chats(results["seconds_a_request"]),
        _versions(results["machine"]),
    ]
    return "\n".join(parts)


def _quotes(seconds: Mapping[str, Mapping[str, float]]) -> str:
    bare = seconds["bare"]
    rows = [["", *KINDS.values()], ["---", *["---:"] * len(KINDS)]]
    for subject, said in SUBJECTS.items():
        taken = seconds[subject]
        ratios = [f"{taken[kind] / bare[kind]:.2f}" if kind in taken else "-" for kind in KINDS]
        rows.append([said, *ratios])
    return _table(rows)


def _rest(start_up: Mapping[str, float], memory: Mapping[str, int]) -> str:
    few, many = memory
    start = start_up["attest verify"] / start_up["imports"]
    peak = f"{memory[many] / memory[few]:.2f} ({memory[many] / 1024:.0f} MiB)"
    rows = [
        ["", "ratio"],
        ["---", "---:"],
        ["start-up: `attest verify` of one response, to the imports alone", f"{start:.2f}"],
        [f"memory: `attest verify` of {int(many):,} rows, to {int(few):,} rows", peak],
    ]
    return _table(rows)


def _chats(seconds: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["", "median", "fastest", "at once", "the gate"], ["---", *["---:"] * 4]]
    nomyo = seconds["nomyo"]
    for client, said in CHATS.items():
        taken = seconds[client]
        ratios = [f"{taken[name] / nomyo[name]:.2f}" for name in ("median", "fastest", "at_once")]
        decision = taken.get("decision")
        share = "-" if decision is None else _share(decision, taken["median"])
        rows.append([said, *ratios, share])
    return _table(rows)


def _share(decision: float, request: float) -> str:
    return f"{decision / request:.0%} ({decision * 1000:.2f} ms)"


def _versions(machine: Mapping[str, str]) -> str:
    told = [f"{name} {said}" for name, said in machine.items() if name != "processor"]
    return "; ".join(told) + ".\n"


def _table(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
