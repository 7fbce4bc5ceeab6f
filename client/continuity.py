"""Whether an answer comes from the state that a probe had shown before it."""

from __future__ import annotations

from attest.result import AttestationResult
from attest.tpm.attestation import TpmsAttest

_COMPARABLE = frozenset({"endorsement", "platform"})
"""Hierarchies that show counters as they are (TPM 2.0 Library Part 2, 10.12.8)."""


def broken(before: AttestationResult, after: AttestationResult) -> str | None:
    """Say what an answer's evidence does not continue of a probe's; None where it continues.

    Selection and values of the PCRs must be equal, and the clock must not run backwards. Counters
    and firmware version are compared only where both keys lie in a hierarchy that shows them as
    they are. It cannot tell two machines in the same state apart.
    """
    old, new = before.attest, after.attest
    if old is None or new is None:
        return None if old is new else "only one of probe and answer carries evidence"
    if before.pcrs != after.pcrs:
        return "the quoted PCRs are not those of the probe"
    if new.clock_info.clock < old.clock_info.clock:
        return f"clock ran back from {old.clock_info.clock} to {new.clock_info.clock}"
    if {before.aik_hierarchy, after.aik_hierarchy} <= _COMPARABLE:
        return _counters(old, new)
    return None


def _counters(old: TpmsAttest, new: TpmsAttest) -> str | None:
    """Say which counter ran back, or that the firmware is another."""
    resets = old.clock_info.reset_count, new.clock_info.reset_count
    restarts = old.clock_info.restart_count, new.clock_info.restart_count
    if resets[1] < resets[0]:
        return f"resetCount ran back from {resets[0]} to {resets[1]}"
    if resets[1] == resets[0] and restarts[1] < restarts[0]:
        return f"restartCount ran back from {restarts[0]} to {restarts[1]}"
    if new.firmware_version != old.firmware_version:
        return f"firmwareVersion was {old.firmware_version}, and is {new.firmware_version}"
    return None
