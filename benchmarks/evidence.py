"""The evidence that is measured: responses with a key of their own each, made once and kept."""

import hashlib
import json
import os
import shutil
import uuid
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import build
from tests.aik import Aik, ecc_aik, rsa_aik
from tests.peers.pcrfile import pcr_file

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = ROOT / "build/bench"
KINDS: Final = ("rsa2048", "p256", "p384")
WARM_UP: Final = 1
"""Responses before the measured ones: each process judges them first."""
GENERATORS: Final = (
    *("benchmarks/evidence.py", "tests/build.py", "tests/aik.py", "tests/peers/pcrfile.py"),
)


def prepare(count: int) -> Path:
    """Return the folder with ``count`` measured responses of each kind, made where it is missing.

    Its name is a hash of what makes it, so that evidence of another generator is never measured.
    """
    generator = hashlib.sha256(b"".join((ROOT / path).read_bytes() for path in GENERATORS))
    folder = KEPT / f"evidence-{generator.hexdigest()[:12]}-{count}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        unfinished.mkdir(parents=True)
        _write_all(unfinished, count + WARM_UP)
        try:
            unfinished.rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(unfinished)
    return folder


def make(kind: str, number: int) -> dict[str, Any]:
    """Make one response, and the parts of it that other verifiers take in other forms."""
    key = _key(kind)
    seed = hashlib.sha256(f"{kind} {number}".encode()).digest()
    payload_id = str(uuid.UUID(bytes=seed[:16], version=4))
    nonce = build.nonce_of(payload_id)
    quote = build.quote(key, build.VALUES, extra_data=nonce)
    signature = key.sign(quote)
    response = build.response(key, payload_id=payload_id, quote=quote, signature=signature)
    values = [(bank, i, v) for bank, pcrs in build.VALUES.items() for i, v in pcrs.items()]
    octets = {
        "nonce": nonce,
        "quote": quote,
        "signature": signature,
        "public": key.public(),
        "pcrs": pcr_file(values),
    }
    public = key.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "response": response,
        "numbers": _numbers(key),
        "pem": pem.decode(),
        "hash": key.hash_alg,
        **{name: value.hex() for name, value in octets.items()},
    }


def _key(kind: str) -> Aik:
    if kind == "rsa2048":
        return rsa_aik(2048, fresh=True)
    if kind == "p256":
        return ecc_aik("nist-p256", fresh=True)
    return ecc_aik("nist-p384", "sha384", fresh=True)


def _numbers(key: Aik) -> list[str]:
    """The public numbers in hex: exponent and modulus, or x and y."""
    numbers = key.private.public_key().public_numbers()
    if isinstance(numbers, ec.EllipticCurvePublicNumbers):
        return [f"{numbers.x:x}", f"{numbers.y:x}"]
    return [f"{numbers.e:x}", f"{numbers.n:x}"]


def _write_all(folder: Path, count: int) -> None:
    (folder / "policy.yaml").write_text(build.policy_text(), encoding="utf-8")
    with ProcessPoolExecutor() as pool:
        for kind in KINDS:
            made = list(pool.map(partial(make, kind), range(count), chunksize=4))
            lines = "".join(json.dumps(one) + "\n" for one in made)
            (folder / f"{kind}.jsonl").write_text(lines, encoding="utf-8")
            responses = [json.dumps(one["response"]) + "\n" for one in made]
            (folder / f"{kind}-one.json").write_text(responses[0], encoding="utf-8")
            (folder / f"{kind}-responses.jsonl").write_text("".join(responses), encoding="utf-8")
            for number, one in enumerate(made):
                _write_files(folder / kind / str(number), one)


def _write_files(folder: Path, one: dict[str, Any]) -> None:
    """Write what tpm2_checkquote reads."""
    folder.mkdir(parents=True)
    for name in ("public", "quote", "signature", "pcrs"):
        (folder / name).write_bytes(bytes.fromhex(one[name]))
    (folder / "nonce").write_text(one["nonce"])
