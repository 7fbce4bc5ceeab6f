"""Certificates are always verified: nothing that the client is told turns that off."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client import APIConnectionError
from tests.client.gating import MESSAGES, MODEL, Face
from tests.client.serving import WireServer, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[WireServer]:
    """A server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(tls=context) as server:
        yield server


@pytest.mark.parametrize("allow_http", [False, True])
@pytest.mark.parametrize("scheme", ["https", "HTTPS", "hTTpS"])
def test_certificate_that_nobody_vouches_for_is_refused(
    face: Face, server: WireServer, scheme: str, allow_http: bool
) -> None:
    url = server.url.replace("https", scheme)
    chat = face.chat(url, allow_http=allow_http, max_retries=0, api_key="key")

    with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        face.ask(chat)

    assert (server.fetches, server.posts) == (0, [])


def test_callers_client_may_bring_its_own_authority(
    face: Face, server: WireServer, certificate: Path
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    if face.is_async:
        accepted = asyncio.run(asked(face, server, trusting))
    else:
        with httpx.Client(verify=trusting) as http:
            chat = face.chat(server, http_client=http)
            accepted = face.ask(chat, api_key="key").attestation.accepted

    assert accepted
    assert server.posts[0].headers["authorization"] == "Bearer key"


async def asked(face: Face, server: WireServer, trusting: ssl.SSLContext) -> bool:
    """Ask with a client that trusts another authority, and close it in its loop."""
    async with httpx.AsyncClient(verify=trusting) as http:
        chat = face.chat(server, http_client=http)
        response = await chat.create(MODEL, MESSAGES, api_key="key")
    return bool(response.attestation.accepted)
