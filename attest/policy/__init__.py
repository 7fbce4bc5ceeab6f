"""Appraisal policies: strict YAML to frozen values, lint and schema."""

from __future__ import annotations

from attest.policy.initial import is_extended, is_initial
from attest.policy.lint import Finding, lint
from attest.policy.loader import load_policy, parse_policy
from attest.policy.model import Policy, PolicySet
from attest.policy.schema import schema

__all__ = [
    "Finding",
    "Policy",
    "PolicySet",
    "is_extended",
    "is_initial",
    "lint",
    "load_policy",
    "parse_policy",
    "schema",
]
