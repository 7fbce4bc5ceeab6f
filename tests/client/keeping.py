"""A key and the files that it is kept in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from client.keys import PRIVATE_NAME
from tests.client import wire

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
KEY = wire.client_key()
NONE = serialization.NoEncryption()


def same(one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey) -> bool:
    """Tell whether two keys are one."""
    return one.private_numbers() == other.private_numbers()


def names_in(directory: Path) -> list[str]:
    """Name what lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


def put(directory: Path, octets: bytes) -> Path:
    """Put octets where the private key stands, for its owner only."""
    directory.mkdir(exist_ok=True)
    path = directory / PRIVATE_NAME
    path.write_bytes(octets)
    path.chmod(0o600)
    return path


def private_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> bytes:
    """Write a private key as PEM."""
    return key.private_bytes(serialization.Encoding.PEM, form, NONE)
