"""What a machine does to have an attestation key of its TPM enrolled: it asks, and it answers.

``make_credential`` is the enroller's part, and stands here because the library for it does: it
needs no TPM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final, get_args

from msgspec import Struct

from attest.collect.certifier import read_handle
from attest.collect.errors import CollectError
from attest.collect.stack import LoadedKey, Tpm, load_stack
from attest.collect.wanted import WantedKey, read_wanted_key
from attest.enrolment.certificate import unpadded
from attest.enrolment.documents import Answer, Challenge, EkKind, Request
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.keys import read_ak
from attest.enrolment.steps import answer_of, judge_request
from attest.errors import MalformedError
from attest.tpm.constants import Attributes
from attest.tpm.storage import parse_storage_public

AK_HANDLE: Final = 0x81010002
"""Where the attestation key stays, unless the caller says otherwise."""
EK_KINDS: Final[tuple[EkKind, ...]] = get_args(EkKind)

_TEMPLATES: Final[dict[EkKind, tuple[str, int]]] = {
    "rsa2048": ("EK-RSA2048", 0x01C00002),
    "rsa3072": ("EK-HIGH-RSA3072", 0x01C0001C),
    "ecc-nist-p256": ("EK-ECC256", 0x01C0000A),
    "ecc-nist-p384": ("EK-HIGH-ECC384", 0x01C00016),
    "ecc-nist-p521": ("EK-HIGH-ECC521", 0x01C00018),
}
"""The library's name for the template, and the NV index of the certificate (TCG EK Credential
Profile for TPM Family 2.0, 2.2.1.4 and 2.2.1.5)."""


class Endorsement(Struct, frozen=True):
    """An endorsement key while it is loaded.

    Attributes:
        key: The key.
        certificate: What stands in NV memory for it, padding included; None where nothing does.
    """

    key: LoadedKey
    certificate: bytes | None


class EnrollingTpm(Tpm):
    """A connection to a TPM, with the commands that an enrolment takes."""

    def keep_ak(self, handle: int, wanted: WantedKey) -> bytes:
        """Return the TPM2B_PUBLIC of the key that stays there; make one where none does."""
        if not self._has(handle):
            owner = self._stack.ESYS_TR.OWNER
            with (
                self.fresh_aik(wanted) as made,
                self._doing(f"TPM2_EvictControl of 0x{handle:08x}"),
            ):
                self._esys.tr_close(self._esys.evict_control(owner, made.handle, handle))
        with self.persistent(handle) as kept:
            return kept.public

    @contextmanager
    def endorsement(self, kind: EkKind) -> Iterator[Endorsement]:
        """Make an endorsement key anew, which is the same each time, and read its certificate."""
        name, index = _TEMPLATES[kind]
        found: dict[int, bytes] = {}
        with self._doing(f"reading NV memory for the {kind} endorsement key"):
            template = self._stack.utils.create_ek_template(name, self._reader(index, found))[1]
        hierarchy = self._stack.ESYS_TR.ENDORSEMENT
        with self._doing(f"TPM2_CreatePrimary of the {kind} endorsement key"):
            handle, public, *_ = self._esys.create_primary(None, template, hierarchy)
        with self._flushing(handle, "the endorsement key"):
            yield Endorsement(LoadedKey(handle, bytes(public.marshal())), found.get(index))

    def activate(self, ak: LoadedKey, ek: LoadedKey, credential: bytes, secret: bytes) -> bytes:
        """Read the secret of a challenge: TPM2_ActivateCredential.

        Raises:
            CollectError: The challenge is for other keys, or the TPM refuses.
        """
        stack = self._stack
        sealed = _unmarshalled(stack.TPM2B_ID_OBJECT, credential, "credential_b64")
        seed = _unmarshalled(stack.TPM2B_ENCRYPTED_SECRET, secret, "encrypted_secret_b64")
        with (
            self._user_of(ek) as session,
            self._doing("TPM2_ActivateCredential"),
        ):
            return bytes(
                self._esys.activate_credential(ak.handle, ek.handle, sealed, seed, session2=session)
            )

    @contextmanager
    def _user_of(self, ek: LoadedKey) -> Iterator[Any]:
        """Authorise the use of an endorsement key: by its policy, or its empty password.

        The policy of the older templates is TPM2_PolicySecret of the endorsement hierarchy; the
        later ones set userWithAuth (TCG EK Credential Profile, annex B).
        """
        stack = self._stack
        public = parse_storage_public(ek.public)
        if public.attributes & Attributes.USER_WITH_AUTH:
            yield stack.ESYS_TR.PASSWORD
            return
        none, policy = stack.ESYS_TR.NONE, stack.TPM2_SE.POLICY
        plain = stack.TPMT_SYM_DEF(algorithm=stack.TPM2_ALG.NULL)
        with self._doing("TPM2_StartAuthSession"):
            session = self._esys.start_auth_session(none, none, policy, plain, public.name_alg)
        with self._flushing(session, "the session"):
            with self._doing("TPM2_PolicySecret of the endorsement hierarchy"):
                keep = stack.TPMA_SESSION.CONTINUESESSION
                self._esys.trsess_set_attributes(session, keep)
                self._esys.policy_secret(stack.ESYS_TR.ENDORSEMENT, session, expiration=0)
            yield session

    def _has(self, handle: int) -> bool:
        """Tell whether a key stays, or NV memory is defined, at a handle."""
        with self._doing("TPM2_GetCapability of handles"):
            _, data = self._esys.get_capability(self._stack.TPM2_CAP.HANDLES, handle, 1)
            return handle in map(int, data.data.handles)

    def _reader(self, certificate: int, found: dict[int, bytes]) -> Callable[[int], bytes]:
        """Return what reads NV memory for the library, and keeps what it read.

        A certificate need not be there: it may come from the maker in another way.
        """
        utils = self._stack.utils
        read = utils.NVReadEK(self._esys)

        def reading(index: int) -> bytes:
            if self._has(index):
                octets: bytes = read(index)
                found[int(index)] = octets
                return octets
            if index != certificate:
                raise utils.NoSuchIndex(index)
            return b""

        return reading


def request_enrolment(
    *,
    tcti: object = None,
    ak_handle: int = AK_HANDLE,
    ek: EkKind = "rsa2048",
    ek_chain: Sequence[bytes] = (),
    ak: WantedKey | None = None,
) -> Request:
    """Ask to have the attestation key at a handle enrolled; make one there where there is none.

    Args:
        tcti: How to reach the TPM; see ``attest.collect.Collector``.
        ak_handle: Where the key stays.
        ek: Which endorsement key vouches for the TPM.
        ek_chain: Its certificates in DER, leaf first; by default the one in NV memory.
        ak: What a new key is to be; by default ``rsa2048``, ``rsassa-sha256`` under endorsement.

    Raises:
        CollectError: The TPM cannot be reached or refuses, or has no certificate.
        EnrolmentError: A key there may not be enrolled, or the certificate is another key's.
        MalformedError: A key or the certificate cannot be read.
        TypeError: A handle that is no number.
        ValueError: A handle where no key stays.
    """
    handle = read_handle(ak_handle, "ak_handle")
    wanted = ak or read_wanted_key("endorsement", "rsa2048", "rsassa-sha256")
    with closing(EnrollingTpm(tcti)) as tpm:
        with tpm.endorsement(ek) as made:
            pass
        public = tpm.keep_ak(handle, wanted)
    if not ek_chain and not made.certificate:
        fault = f"NV index 0x{_TEMPLATES[ek][1]:08x} holds none, and none was given"
        raise CollectError(f"reading the certificate of the {ek} endorsement key", fault)
    own = (unpadded(made.certificate, "NV memory"),) if made.certificate else ()
    request = Request(1, ek, made.key.public, tuple(ek_chain) or own, public)
    judge_request(request)
    return request


def answer_challenge(
    challenge: Challenge, *, tcti: object = None, ak_handle: int = AK_HANDLE
) -> Answer:
    """Answer a challenge by the TPM that it is for: no other can.

    Args:
        challenge: The challenge.
        tcti: How to reach the TPM; see ``attest.collect.Collector``.
        ak_handle: Where the attestation key stays.

    Raises:
        CollectError: The TPM cannot be reached or refuses.
        EnrolmentError: The challenge is for another attestation key.
        MalformedError: The key cannot be read.
        TypeError: A handle that is no number.
        ValueError: A handle where no key stays.
    """
    handle = read_handle(ak_handle, "ak_handle")
    with closing(EnrollingTpm(tcti)) as tpm, tpm.persistent(handle) as ak:
        name = read_ak(ak.public, f"0x{handle:08x}").name.hex()
        if name != challenge.ak_name:
            fault = f"is {challenge.ak_name}, the key at 0x{handle:08x} is {name}"
            raise EnrolmentError("ak_name", fault)
        with tpm.endorsement(challenge.ek) as ek:
            credential, secret = challenge.credential_b64, challenge.encrypted_secret_b64
            return answer_of(challenge, tpm.activate(ak, ek.key, credential, secret))


def make_credential(ek_public: bytes, name: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Encrypt a secret for one TPM and one key in it: TPM2_MakeCredential, in software.

    Args:
        ek_public: TPM2B_PUBLIC of the endorsement key.
        name: Name of the key that must be loaded beside it.
        secret: At most as many octets as a digest of the endorsement key's nameAlg.

    Returns:
        TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET (TPM 2.0 Library Part 1, 24).

    Raises:
        CollectError: The key is none to encrypt for, or the extra ``tpm`` is missing.
    """
    stack = load_stack()
    try:
        public = _unmarshalled(stack.TPM2B_PUBLIC, ek_public, "ek_pubkey_b64")
        sealed, seed = stack.utils.make_credential(public, secret, stack.TPM2B_NAME(name))
    except (ValueError, stack.TSS2_Exception) as error:
        raise CollectError("TPM2_MakeCredential", str(error)) from error
    return bytes(sealed.marshal()), bytes(seed.marshal())


def _unmarshalled(kind: Any, octets: bytes, place: str) -> Any:
    """Read a structure by the library, to the last octet.

    Raises:
        MalformedError: It cannot be read, or octets are left over.
    """
    try:
        found, consumed = kind.unmarshal(octets)
    except load_stack().TSS2_Exception as error:
        raise MalformedError(place, str(error)) from error
    if consumed != len(octets):
        raise MalformedError(place, f"{len(octets) - consumed} trailing octets")
    return found
