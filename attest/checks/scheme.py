"""``aik.scheme``: the signature uses the key's own scheme and hash, and the policy allows them."""

from __future__ import annotations

from functools import lru_cache

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import HASH_SIZES, Alg, alg_name
from attest.tpm.public import RsaKey, TpmtPublic

ID = "aik.scheme"
_RSA_SCHEMES = (Alg.RSASSA, Alg.RSAPSS)


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare the signature's scheme and hash with the key's own, then with the allow-list."""
    if evidence.signature is None or evidence.public is None:
        return skipped(ID, "the signature or the AIK could not be read")
    seen = (evidence.signature.scheme, evidence.signature.hash)
    own = (evidence.public.scheme, evidence.public.scheme_hash)
    if seen != own:
        return failed(ID, f"signed with {_named(*seen)}, the AIK's own scheme is {_named(*own)}")
    scheme, digest = seen
    if digest is None or digest not in HASH_SIZES or not _fits(evidence.public, scheme):
        return failed(ID, f"{_named(*seen)} is no scheme of this key that attest verifies")
    if (scheme, digest) not in context.policy.schemes:
        return failed(ID, f"{_named(*seen)} is not among the schemes that the policy allows")
    return _allowed(scheme, digest)


def _fits(public: TpmtPublic, scheme: int) -> bool:
    """Tell whether a scheme belongs to the type of the key."""
    if isinstance(public.key, RsaKey):
        return scheme in _RSA_SCHEMES
    return scheme == Alg.ECDSA


@lru_cache(maxsize=64)
def _allowed(scheme: int, digest: int) -> CheckResult:
    """Say which scheme was allowed."""
    return passed(ID, f"{_named(scheme, digest)}, the AIK's own scheme")


def _named(scheme: int, digest: int | None) -> str:
    """Name scheme and hash as policies do."""
    return alg_name(scheme) if digest is None else f"{alg_name(scheme)}-{alg_name(digest)}"
