"""The extra ``serve``: which modules it brings, and what to say where they are missing."""

from __future__ import annotations

_MODULES = frozenset({"anyio", "h11", "starlette", "uvicorn"})


def needs_serve(command: str, error: ModuleNotFoundError) -> str:
    """Say what a command needs installed.

    Raises:
        ModuleNotFoundError: The missing module is none of the extra's: a bug, which stays one.
    """
    if (error.name or "").partition(".")[0] not in _MODULES:
        raise error
    return f"{command} needs: pip install 'tpm-attest[serve]'"
