"""The one room that imports tpm2-pytss: a TPM, and the few commands that a quote takes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from msgspec import Struct

from attest import crypto
from attest.collect.errors import CollectError, UnreachableError
from attest.collect.wanted import KEYS, Selection, Wanted, WantedKey, spelled
from attest.errors import MalformedError
from attest.tpm.attestation import TpmsCertifyInfo, TpmsQuoteInfo, parse_attest
from attest.tpm.pcr import read_selection
from attest.tpm.public import parse_public
from attest.tpm.reader import Reader

ENVIRONMENT = "TPM2TOOLS_TCTI"
"""Names the TPM where the caller does not, as for tpm2-tools."""

MOST_DIGESTS = 8
"""Digests that TPM2_PCR_Read returns at most: TPML_DIGEST (TPM 2.0 Library Part 2, 10.9.4)."""

Values = dict[str, dict[int, bytes]]
"""PCR values by bank and index."""


class LoadedKey(Struct, frozen=True):
    """A key while it is loaded.

    Attributes:
        handle: What the TCG stack knows it by.
        public: TPM2B_PUBLIC.
    """

    handle: Any
    public: bytes


class Quoted(Struct, frozen=True):
    """A quote.

    Attributes:
        attest: TPMS_ATTEST.
        signature: TPMT_SIGNATURE.
        pcr_digest: Digest over the PCRs that it was made over.
    """

    attest: bytes
    signature: bytes
    pcr_digest: bytes


class Certified(Struct, frozen=True):
    """What one key of a TPM says of another.

    Attributes:
        attest: TPMS_ATTEST of type CERTIFY.
        signature: TPMT_SIGNATURE.
    """

    attest: bytes
    signature: bytes


class Tpm:
    """A connection to a TPM."""

    def __init__(self, tcti: object) -> None:
        """Connect; ``tcti`` is what ``Collector`` takes."""
        self._stack = load_stack()
        if tcti is None:
            tcti = os.environ.get(ENVIRONMENT) or None
        elif not isinstance(tcti, (str, self._stack.TCTI)):
            found = type(tcti).__name__
            raise TypeError(f"tcti: expected a str, a tpm2_pytss.TCTI or None, found {found}")
        elif tcti == "":
            raise ValueError("tcti: is empty")
        named = tcti if isinstance(tcti, str) else "the TPM"
        try:
            self._esys = self._stack.ESAPI(tcti)
        except self._stack.TSS2_Exception as error:
            raise UnreachableError(f"connecting to {named}", str(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._esys.close()

    @contextmanager
    def fresh_aik(self, wanted: WantedKey) -> Iterator[LoadedKey]:
        """Make an attestation key that never was before, and leave no trace of it."""
        template = self._template(wanted)
        hierarchy = getattr(self._stack.ESYS_TR, wanted.handle.name)
        described = f"{wanted.key} {wanted.scheme} key under {wanted.hierarchy}"
        with self._doing(f"TPM2_CreatePrimary of a {described}"):
            handle, public, *_ = self._esys.create_primary(None, template, hierarchy)
        with self._flushing(handle, "the AIK"):
            yield LoadedKey(handle, bytes(public.marshal()))

    @contextmanager
    def _flushing(self, handle: Any, what: str) -> Iterator[None]:
        """Take a key or a session out of the TPM in the end."""
        try:
            yield
        except BaseException:
            with suppress(CollectError):  # what failed first is what the caller must know
                self._flush(handle, what)
            raise
        self._flush(handle, what)

    def _flush(self, handle: Any, what: str) -> None:
        """Take a key or a session out of the TPM."""
        with self._doing(f"TPM2_FlushContext of {what}"):
            self._esys.flush_context(handle)

    @contextmanager
    def persistent(self, handle: int) -> Iterator[LoadedKey]:
        """Find a key that stays in the TPM, and leave it there."""
        with self._doing(f"TPM2_ReadPublic of 0x{handle:08x}"):
            found = self._esys.tr_from_tpmpublic(handle)
            public, *_ = self._esys.read_public(found)
        try:
            yield LoadedKey(found, bytes(public.marshal()))
        finally:
            self._esys.tr_close(found)

    def certify(self, aik: LoadedKey, by: LoadedKey, nonce: bytes) -> Certified:
        """Have one key that is loaded certified by another.

        Raises:
            CollectError: The TPM refuses, or says something else than asked.
        """
        unnamed = self._stack.TPMT_SIG_SCHEME(scheme=self._stack.TPM2_ALG.NULL)
        with self._doing("TPM2_Certify of the AIK"):
            attest, signature = self._esys.certify(aik.handle, by.handle, nonce, unnamed)
            octets = bytes(attest)
            info = parse_attest(octets).attested
            if not isinstance(info, TpmsCertifyInfo):
                raise MalformedError("TPMS_ATTEST.type", "is not that of a certification")
            if info.name != crypto.compute_name(parse_public(aik.public)):
                raise MalformedError("TPMS_ATTEST.attested.name", "is not that of the AIK")
        return Certified(octets, bytes(signature.marshal()))

    def quote(self, aik: LoadedKey, wanted: Wanted) -> Quoted:
        """Quote by a key that is loaded."""
        with self._doing(f"TPM2_Quote of {wanted.banks}"):
            attest, signature = self._esys.quote(aik.handle, wanted.banks, wanted.nonce)
            octets = bytes(attest)
            info = parse_attest(octets).attested
            if not isinstance(info, TpmsQuoteInfo):
                raise MalformedError("TPMS_ATTEST.type", "is not that of a quote")
        return Quoted(octets, bytes(signature.marshal()), info.pcr_digest)

    def read_pcrs(self, selection: Selection) -> Values:
        """Read PCRs, as many at a time as the TPM gives."""
        return {bank: self._read_bank(bank, indices) for bank, indices in selection.items()}

    def _read_bank(self, bank: str, indices: tuple[int, ...]) -> dict[int, bytes]:
        """Read PCRs of one bank.

        Raises:
            CollectError: The TPM refuses, or has not all of them.
        """
        values: dict[int, bytes] = {}
        while missing := [index for index in indices if index not in values]:
            asked = spelled(bank, missing[:MOST_DIGESTS])
            with self._doing(f"TPM2_PCR_Read of {asked}"):
                _, selected, digests = self._esys.pcr_read(asked)
                read = _read_indices(bytes(selected.marshal()))
                if missing[0] not in read:
                    raise MalformedError(spelled(bank, missing[:1]), "the TPM has no such PCR")
                if len(read) != len(digests):
                    fault = f"{len(digests)} digests of {len(read)} PCRs"
                    raise MalformedError("TPML_DIGEST.count", fault)
            values |= zip(read, map(bytes, digests), strict=True)
        return values

    def _template(self, wanted: WantedKey) -> Any:
        """Return the TPM2B_PUBLIC of a restricted signing key that only this call can make.

        A primary key comes from the seed of its hierarchy and all bits of the template (TPM 2.0
        Library Part 3, 24.1), so ``unique`` is random, and as long as the key's own will be.
        """
        stack = self._stack
        kind = stack.TPMA_OBJECT
        attributes = kind.RESTRICTED | kind.SIGN_ENCRYPT | kind.FIXEDTPM | kind.FIXEDPARENT
        attributes |= kind.SENSITIVEDATAORIGIN | kind.USERWITHAUTH
        attributes |= kind.NODA  # no password to guess: a lockout need not stop it
        spelling = f"{wanted.key.replace('-', '_')}:{wanted.scheme}:null"
        area = stack.TPMT_PUBLIC.parse(spelling, objectAttributes=attributes)
        octets = KEYS[wanted.key].octets
        unique = area.unique
        fresh = (unique.rsa,) if wanted.key.startswith("rsa") else (unique.ecc.x, unique.ecc.y)
        for buffer in fresh:
            buffer.buffer = secrets.token_bytes(octets)
        return stack.TPM2B_PUBLIC(publicArea=area)

    @contextmanager
    def _doing(self, action: str) -> Iterator[None]:
        """Map what the TCG stack raises, here alone, and what it reads that no TPM should say."""
        try:
            yield
        except (self._stack.TSS2_Exception, MalformedError) as error:
            raise CollectError(action, str(error)) from error


def load_stack() -> ModuleType:
    """Import tpm2-pytss.

    Raises:
        CollectError: It is not installed, or cannot load the system's libtss2.
    """
    try:
        import tpm2_pytss.utils  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        fault = "pip install 'tpm-attest[tpm]'"
        if not isinstance(error, ModuleNotFoundError):
            fault = f"{fault} ({error})"
        raise UnreachableError("attest.collect needs", fault) from error
    stack: ModuleType = tpm2_pytss
    return stack


def _read_indices(selection: bytes) -> tuple[int, ...]:
    """Return the PCRs of a TPML_PCR_SELECTION over one bank."""
    reader = Reader("TPML_PCR_SELECTION", selection)
    selections = read_selection(reader)
    reader.finish()
    return tuple(index for one in selections for index in one.indices)
