"""``aik.scheme``: the signature uses the key's own scheme and hash, and the policy allows them."""

from __future__ import annotations

from functools import lru_cache

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import HASH_SIZES, Alg, alg_name
from attest.tpm.public import EccKey, RsaKey

ID = "aik.scheme"
_SCHEMES = {RsaKey: (Alg.RSASSA, Alg.RSAPSS), EccKey: (Alg.ECDSA,)}
"""Schemes that attest verifies, by the type of the key."""


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare the signature's scheme and hash with the key's own, then with the allow-list."""
    signature, public = evidence.signature, evidence.public
    if signature is None or public is None:
        return skipped(ID, "the signature or the AIK could not be read")
    scheme, digest = signature.scheme, signature.hash
    if scheme != public.scheme or digest != public.scheme_hash:
        own = _named(public.scheme, public.scheme_hash)
        return failed(ID, f"signed with {_named(scheme, digest)}, the AIK's own scheme is {own}")
    if digest not in HASH_SIZES or scheme not in _SCHEMES[type(public.key)]:
        return failed(ID, f"{_named(scheme, digest)} is no scheme of this key that attest verifies")
    if (scheme, digest) not in context.policy.schemes:
        return failed(ID, f"{_named(scheme, digest)} is not among the schemes the policy allows")
    return _allowed(scheme, digest)


@lru_cache(maxsize=64)
def _allowed(scheme: int, digest: int | None) -> CheckResult:
    """Say which scheme was allowed."""
    return passed(ID, f"{_named(scheme, digest)}, the AIK's own scheme")


def _named(scheme: int, digest: int | None) -> str:
    """Name scheme and hash as policies do."""
    return alg_name(scheme) if digest is None else f"{alg_name(scheme)}-{alg_name(digest)}"
