"""Which machine a chain is about: a root proves a TPM, and only this proves whose."""

from __future__ import annotations

from attest.certificates.model import Chain, GceInstance
from attest.text import shown


def is_leaf(chain: Chain, leaf_sha256: bytes) -> bool:
    """Tell whether the leaf is this certificate (``identity: {leaf_sha256}``)."""
    return chain.leaf_sha256 == leaf_sha256


def is_subject(chain: Chain, subject: str) -> bool:
    """Tell whether the leaf's subject is this text (``identity: {subject}``).

    The text is compared character for character with RFC 4514 as ``names.name_text`` writes it; an
    empty subject, whose leaf is named in subjectAltName, matches nothing.
    """
    return bool(subject) and chain.subject == subject


def is_gce(chain: Chain, project: str, instance: str) -> bool:
    """Tell whether the leaf is of this instance (``identity: {gce: {project, instance}}``).

    Args:
        chain: A validated chain.
        project: Project id, or the project's number in canonical decimals.
        instance: Instance id in canonical decimals, or the instance's name; neither kind of name
            begins with a digit. A name can be given to a later instance, an id never.

    Returns:
        False too where the leaf has no such extension, or production did not issue it.
    """
    gce = chain.gce
    return gce is not None and gce.production and _names(gce, project, instance)


def _names(gce: GceInstance, project: str, instance: str) -> bool:
    projects = (gce.project_id, str(gce.project_number))
    instances = (gce.instance_name, str(gce.instance_id))
    return project in projects and instance in instances


def told(chain: Chain) -> str:
    """Write whom a chain names, for the reason of a refusal."""
    names = [f"leaf {chain.leaf_sha256.hex()}"]
    if chain.subject:
        names.append(f"subject {shown(chain.subject)}")
    if chain.gce is not None:
        gce = chain.gce
        where = f"gce project {shown(gce.project_id)} ({gce.project_number})"
        names.append(f"{where}, instance {gce.instance_id} ({shown(gce.instance_name)})")
        if not gce.production:
            names.append("not issued by Google's production")
    return ", ".join(names)
