"""Files and handles that ``attest enroll`` and ``attest collect`` take."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click
from asn1crypto import pem

from attest.cli.rows import STANDARD_INPUT
from attest.cli.terminal import give_up, unreadable
from attest.enrolment.documents import MAX_FILE

_HANDLE = re.compile(r"0x[0-9a-fA-F]{8}")


def persistent_handle(text: str, option: str) -> int:
    """Read a handle as tpm2-tools write it: ``0x81010002``."""
    if not _HANDLE.fullmatch(text):
        raise click.UsageError(f'{option}: expected 0x and eight hex digits, found "{text}"')
    return int(text, 16)


def file_octets(path: str) -> bytes:
    """Read a file, or standard input; of one that is too long only so much that this is seen."""
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read(MAX_FILE + 1)
        with Path(path).open("rb") as stream:
            return stream.read(MAX_FILE + 1)
    except OSError as error:
        give_up(unreadable(path, error))


def pem_certificates(path: str) -> tuple[bytes, ...]:
    """Read certificates of a PEM file, or the one of a DER file."""
    octets = file_octets(path)
    if len(octets) > MAX_FILE:
        give_up(f"{path}: more than {MAX_FILE} octets")
    if not pem.detect(octets):
        return (octets,)
    try:
        blocks = [(kind, der) for kind, _, der in pem.unarmor(octets, multiple=True)]
    except ValueError:
        give_up(f"{path}: is no PEM")
    if not blocks or any(kind != "CERTIFICATE" for kind, _ in blocks):
        give_up(f"{path}: expected certificates, and nothing else")
    return tuple(der for _, der in blocks)


def write_new(path: str, text: str) -> None:
    """Write a file that was not there, for its owner's eyes alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        give_up(unreadable(path, error))
