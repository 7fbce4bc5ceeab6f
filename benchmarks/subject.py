"""One measured process: prints seconds a quote.

``python -m benchmarks.subject NAME FOLDER KIND``
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

Judge = Callable[[Any], bool]
Prepared = tuple[list[Any], Judge]
"""What is judged, one item a quote, and the judge."""


class Measured(NamedTuple):
    """What a process is to measure.

    Attributes:
        made: The responses and their parts, as ``evidence.make`` returns them.
        folder: Where they lie, with their policy.
        kind: The kind of their keys.
    """

    made: list[dict[str, Any]]
    folder: Path
    kind: str


PKCS1: Final = padding.PKCS1v15()
SHA256: Final = hashes.SHA256()
CURVES: Final[dict[str, ec.EllipticCurve]] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "p256": SHA256,
    "p384": hashes.SHA384(),
}


def measured(items: list[Any], judge: Judge) -> float:
    """Judge each item once, the first one to warm up; return seconds an item.

    Raises:
        SystemExit: An item that is not accepted: then nothing comparable was measured.
    """
    first, *others = items
    accepted = judge(first)
    start = time.perf_counter()
    for item in others:
        accepted &= judge(item)
    seconds = time.perf_counter() - start
    if not accepted:
        sys.exit("a quote was refused")
    return seconds / len(others)


def bare(case: Measured) -> Prepared:
    """Build the key from its numbers and verify: what no verifier can do without."""
    items = [
        ([int(number, 16) for number in one["numbers"]], *map(bytes.fromhex, _signed(one)))
        for one in case.made
    ]
    return items, (_bare_rsa if case.kind == "rsa2048" else _bare_ecc(case.kind))


def _signed(one: dict[str, Any]) -> tuple[str, str]:
    """The bare signature and what it signs, in hex."""
    octets = bytes.fromhex(one["signature"])
    size = int.from_bytes(octets[4:6], "big")
    first, rest = octets[6 : 6 + size], octets[6 + size + 2 :]
    if not rest:
        return first.hex(), one["quote"]
    der = utils.encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(rest, "big"))
    return der.hex(), one["quote"]


def _bare_rsa(item: Any) -> bool:
    (exponent, modulus), signature, quote = item
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    key.verify(signature, quote, PKCS1, SHA256)
    return True


def _bare_ecc(kind: str) -> Judge:
    curve, scheme = CURVES[kind], ec.ECDSA(HASHES[kind])

    def judge(item: Any) -> bool:
        (x, y), signature, quote = item
        ec.EllipticCurvePublicNumbers(x, y, curve).public_key().verify(signature, quote, scheme)
        return True

    return judge


def attest_octets(case: Measured) -> Prepared:
    """The whole verification of a saved response."""
    return [json.dumps(one["response"]).encode() for one in case.made], _attest(case)


def attest_dict(case: Measured) -> Prepared:
    """The whole verification of a response that is decoded already."""
    return [one["response"] for one in case.made], _attest(case)


def _attest(case: Measured) -> Judge:
    import attest  # noqa: PLC0415 - only where it is measured

    policy = attest.load_policy(case.folder / "policy.yaml")
    return lambda item: attest.verify(item, policy).accepted


def pytss(case: Measured) -> Prepared:
    """The recipe of the NOMYO security guide, on a decoded response."""
    from benchmarks import recipe  # noqa: PLC0415 - only where it is measured

    judge = recipe.judge_rsa if case.kind == "rsa2048" else recipe.judge_ecc(case.kind)
    return [one["response"]["_metadata"] for one in case.made], judge


SUBJECTS: Final[dict[str, Callable[[Measured], Prepared]]] = {
    "bare": bare,
    "attest-octets": attest_octets,
    "attest-dict": attest_dict,
    "pytss": pytss,
}


def main(name: str, place: str, kind: str) -> None:
    """Measure, and print the figure."""
    folder = Path(place)
    lines = (folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    items, judge = SUBJECTS[name](Measured(list(map(json.loads, lines)), folder, kind))
    print(measured(items, judge))


if __name__ == "__main__":
    main(*sys.argv[1:])
