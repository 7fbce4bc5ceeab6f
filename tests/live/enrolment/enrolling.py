"""The files of one enrolment, and the commands that make them."""

from pathlib import Path

from click.testing import Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from attest.enrolment.documents import Request, read
from tests.cli.calls import attest
from tests.swtpm import Swtpm


class Enrolment:
    """The files of one enrolment, and the commands that make them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.request, self.kept = folder / "request.json", folder / "kept.json"
        self.challenge, self.answer = folder / "challenge.json", folder / "answer.json"
        self.record, self.key = folder / "record.json", folder / "key.pem"
        self.public = folder / "key.pub.pem"
        private = ec.generate_private_key(ec.SECP256R1())
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key.write_bytes(private.private_bytes(*form))
        spki = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public.write_bytes(private.public_key().public_bytes(*spki))

    def ask(self, tpm: Swtpm, *options: object) -> Result:
        words = ("enroll", "request", "--tcti", tpm.tcti, "-o", self.request)
        return attest(*words, *options)

    def challenged(self, *options: object) -> Result:
        words = ("enroll", "challenge", self.request, "--pending", self.kept)
        return attest(*words, "-o", self.challenge, *options)

    def answered(self, tpm: Swtpm, *options: object) -> Result:
        words = ("enroll", "answer", self.challenge, "--tcti", tpm.tcti, "-o", self.answer)
        return attest(*words, *options)

    def finish(self, *options: object) -> Result:
        words = ("enroll", "finish", self.kept, self.answer, "--key", self.key)
        return attest(*words, "-o", self.record, *options)

    def verify(self, *options: object) -> Result:
        return attest("enroll", "verify", self.record, *options)

    def asked(self) -> Request:
        return read(Request, self.request.read_bytes(), "request.json")


def said(done: Result) -> tuple[int, str]:
    """Exit code, and what the command complained of."""
    return done.exit_code, done.stderr
