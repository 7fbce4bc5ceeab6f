"""Signatures verified by OpenSSL's own command, from the numbers that libtss2 read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from asn1crypto import algos, keys, pem

from attest.crosscheck.reading import ECC, ECDSA, RSA, RSA_SCHEMES, Fields
from attest.text import shown

COMMAND = "openssl"
MOST_SECONDS = 60

_RSAPSS = RSA_SCHEMES[1]
_HASHES = {
    0x0004: "sha1",
    0x000B: "sha256",
    0x000C: "sha384",
    0x000D: "sha512",
    0x0027: "sha3-256",
    0x0028: "sha3-384",
    0x0029: "sha3-512",
}
_CURVES = {0x0003: ("secp256r1", 32), 0x0004: ("secp384r1", 48), 0x0005: ("secp521r1", 66)}
_VERIFIED = "Verified OK"


def found() -> str | None:
    """Return where the command lies, or None where there is none."""
    return shutil.which(COMMAND)


def fault(public: Fields, signature: Fields, signed: bytes) -> str | None:
    """Verify a signature over octets.

    Args:
        public: Fields of the key.
        signature: Fields of the signature.
        signed: What it should be over.

    Returns:
        None where it verifies, else what OpenSSL says, or why it cannot be asked.
    """
    digest = _HASHES.get(signature.get("hash", 0))
    key = _public_key(public)
    octets = _signature(public, signature)
    if digest is None or key is None or octets is None:
        return "no scheme, hash or key that it is asked about"
    options = []
    if signature["sigAlg"] == _RSAPSS:
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"]
    with TemporaryDirectory(prefix="attest-") as folder:
        names = {name: str(Path(folder, name)) for name in ("key", "signature", "signed")}
        for name, content in zip(names, (key, octets, signed), strict=True):
            Path(names[name]).write_bytes(content)
        asked = ["-verify", names["key"], "-signature", names["signature"], names["signed"]]
        done = subprocess.run(  # noqa: S603 - a fixed command; what is untrusted lies in files
            [found() or COMMAND, "dgst", f"-{digest}", *options, *asked],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=MOST_SECONDS,
        )
    if done.returncode == 0 and done.stdout.strip() == _VERIFIED:
        return None
    told = (done.stdout.strip() or done.stderr.strip()).splitlines() or ["nothing"]
    return shown(told[0])


def _public_key(public: Fields) -> bytes | None:
    """Write SubjectPublicKeyInfo in PEM; None for a key that OpenSSL is not asked about."""
    makers = {RSA: _rsa_key, ECC: _ecc_key}
    make = makers.get(public["type"])
    info = None if make is None else make(public)
    if info is None:
        return None
    armored: bytes = pem.armor("PUBLIC KEY", info.dump())
    return armored


def _rsa_key(public: Fields) -> keys.PublicKeyInfo:
    numbers = {"modulus": public["modulus"], "public_exponent": public["exponent"]}
    algorithm = {"algorithm": "rsa"}
    return keys.PublicKeyInfo({"algorithm": algorithm, "public_key": keys.RSAPublicKey(numbers)})


def _ecc_key(public: Fields) -> keys.PublicKeyInfo | None:
    curve, size = _CURVES.get(public["curveID"], ("", 0))
    if not curve or max(len(public["x"]), len(public["y"])) > size:
        return None
    point = b"\x04" + public["x"].rjust(size, b"\0") + public["y"].rjust(size, b"\0")
    named = keys.ECDomainParameters(name="named", value=curve)
    algorithm = {"algorithm": "ec", "parameters": named}
    return keys.PublicKeyInfo({"algorithm": algorithm, "public_key": keys.ECPointBitString(point)})


def _signature(public: Fields, signature: Fields) -> bytes | None:
    """Return the signature as OpenSSL wants it; None where it is not of the key's kind."""
    scheme = signature["sigAlg"]
    if scheme in RSA_SCHEMES and public["type"] != ECC:
        octets: bytes = signature["sig"]
        return octets
    if scheme != ECDSA or public["type"] != ECC:
        return None
    r, s = (int.from_bytes(signature[part], "big") for part in ("signatureR", "signatureS"))
    der: bytes = algos.DSASignature({"r": r, "s": s}).dump()
    return der
