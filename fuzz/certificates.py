"""Certificates as a target: read whole or refused, and no forged one chains to a pinned root."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache

from asn1crypto import pem

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.chains import ChainValidator
from attest.certificates.model import ChainError, Purpose
from attest.certificates.roots import load_roots
from fuzz.properties import require, require_one_line
from fuzz.seeds import FIXTURES

_VECTORS = FIXTURES / "vectors"
_ROOTS = (
    "gce-ca-tpm_ek_root_1",
    "gce-ca-tpm_ek_intermediate_2",
    "gce-ca-gcp_ek_ak_ca_root",
    "gce-ca-gcp_ek_ak_ca_intermediate_v3",
    "openpcc-azure_tpm_root_2023",
    "openpcc-azure_tpm_intermediate_03",
)
_AT = datetime(2026, 6, 1, tzinfo=UTC)
_PADDINGS = (b"", b"\x00" * 64, b"\xff" * 64)


def judge_certificate(data: bytes) -> None:
    """Read a certificate, or say why not; as a leaf, it chains to a root only if it is genuine."""
    _judge_chain(data)
    try:
        seen = parse_certificate(data, "p")
    except ChainError as error:
        require_one_line(str(error))
        return
    rest = data[len(seen.der) :]
    require(data.startswith(seen.der), "the certificate is not the input")
    require(not rest.strip(b"\x00") or not rest.strip(b"\xff"), "what follows is no padding")
    again = parse_certificate(seen.der + b"\xff", "p")
    require(_said(again) == _said(seen), "padding changes what a certificate says")


def certificates() -> list[bytes]:
    """Return the certificates of the vectors, bare and padded, and halves of them."""
    found = {path.read_bytes() for path in (_VECTORS / "certs").glob("*.der")}
    for path in (_VECTORS / "certify").glob("*.json"):
        found.update(map(base64.b64decode, json.loads(path.read_text("utf-8"))["x5c_b64"]))
    halves = {one[: len(one) // 2] for one in found}
    return sorted({one + padding for one in found for padding in _PADDINGS} | halves)


def _said(certificate: Certificate) -> tuple[bytes, str, str, int]:
    return certificate.sha256, certificate.subject, certificate.issuer, certificate.serial


def _judge_chain(data: bytes) -> None:
    for purpose in Purpose:
        try:
            chain = _validator().validate([data], purpose, _AT, "c")
        except ChainError as error:
            require_one_line(str(error))
        else:
            require(chain.leaf_sha256 in _genuine(), "a forged certificate chains to a root")


@cache
def _validator() -> ChainValidator:
    files = (_VECTORS / "certs" / f"{name}.der" for name in _ROOTS)
    bundle = b"".join(pem.armor("CERTIFICATE", file.read_bytes()) for file in files)
    return ChainValidator(load_roots(bundle, "roots.pem"))


@cache
def _genuine() -> frozenset[bytes]:
    """Return the fingerprints of the vectors."""
    files = (_VECTORS / "certs").glob("*.der")
    return frozenset(parse_certificate(file.read_bytes(), "p").sha256 for file in files)
