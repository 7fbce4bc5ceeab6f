"""The client's own key: RSA-4096, made once, and kept in a directory that is never overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from client.errors import SecurityError

KEY_BITS = 4096
EXPONENT = 65537
PRIVATE_NAME = "private_key.pem"
PUBLIC_NAME = "public_key.pem"
MAX_FILE = 16 * 1024
"""Octets of a key's file; one of KEY_BITS takes less than 4 KiB."""
MAX_PASSWORD = 1023
"""Octets of a password that OpenSSL takes, in UTF-8."""

Place = str | os.PathLike[str]

_OWNER_ONLY = 0o600
_HAS_MODES = os.name == "posix"  # elsewhere the directory's own rules hold
_PEM = serialization.Encoding.PEM
_PLAIN, _ENCRYPTED = "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"  # RFC 7468, 10 and 11


def generate_key() -> rsa.RSAPrivateKey:
    """Make a key. It blocks, for seconds on a slow machine: call it off the event loop."""
    return rsa.generate_private_key(EXPONENT, KEY_BITS)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Write the public half in PEM, as SubjectPublicKeyInfo."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(_PEM, form).decode("ascii")


def save_key(key: rsa.RSAPrivateKey, directory: Place, password: str | None = None) -> None:
    """Save a key as two files, PRIVATE_NAME and PUBLIC_NAME, that only their owner may read.

    Args:
        key: The key.
        directory: Where to; made where it is missing, with access for its owner only.
        password: Encrypts the private file (PKCS #8); 1 to MAX_PASSWORD octets.

    Raises:
        SecurityError: Either file is there already, nothing can be written, the directory is a
            symbolic link, or the password cannot be used.
    """
    fault = _saved(key, Path(directory), password)
    del key, password  # an exception keeps the locals of its frames
    if fault is not None:
        raise SecurityError(fault)


def load_key(directory: Place, password: str | None = None) -> rsa.RSAPrivateKey:
    """Load the key that ``save_key`` left in a directory.

    Raises:
        SecurityError: As ``read_key``, or the directory is missing or a symbolic link.
    """
    loaded = _loaded(Path(directory), password)
    del password  # an exception keeps the locals of its frames
    return _key_or_refusal(loaded)


def read_key(
    private_path: Place, public_path: Place | None = None, password: str | None = None
) -> rsa.RSAPrivateKey:
    """Read a key from its file.

    Args:
        private_path: The private key: PEM of PKCS #8, and nothing beside it.
        public_path: Its public half in PEM, which must belong to it; None where there is none.
        password: What the private file was encrypted with; None where it was not.

    Raises:
        SecurityError: A file is missing, no regular file, a symbolic link, or (the private one, on
            POSIX) open to others than its owner; it holds no RSA-4096 key; the password is
            missing, wrong, or not needed; the halves do not belong together.
    """
    public = None if public_path is None else Path(public_path)
    loaded = _read(Path(private_path), public, password)
    del password
    return _key_or_refusal(loaded)


def obtain_key(directory: Place, password: str | None = None) -> rsa.RSAPrivateKey:
    """Load the key of a directory, or make it on first use: where neither of its files is there.

    Raises:
        SecurityError: What is there does not load, and is left as it is.
    """
    obtained = _obtained(Path(directory), password)
    del password
    return _key_or_refusal(obtained)


def _key_or_refusal(result: rsa.RSAPrivateKey | str) -> rsa.RSAPrivateKey:
    """Return the key, or raise what is there instead: a fault as text.

    Faults travel as text up to here, where no frame holds a password or a key any more.
    """
    if isinstance(result, str):
        raise SecurityError(result)
    return result


def _obtained(directory: Path, password: str | None) -> rsa.RSAPrivateKey | str:
    """Load or make the key of a directory, or return the fault as text."""
    private, public = directory / PRIVATE_NAME, directory / PUBLIC_NAME
    if _exists(private) or _exists(public):
        return _loaded(directory, password)
    key = generate_key()
    fault = _saved(key, directory, password)
    if fault is None:
        return key
    return _loaded(directory, password) if _exists(private) else fault  # another made it meanwhile


def _loaded(directory: Path, password: str | None) -> rsa.RSAPrivateKey | str:
    """Load the key of a directory, or return the fault as text."""
    fault = _directory_fault(directory)
    if fault is not None:
        return fault
    public = directory / PUBLIC_NAME
    return _read(directory / PRIVATE_NAME, public if _exists(public) else None, password)


def _saved(key: rsa.RSAPrivateKey, directory: Path, password: str | None) -> str | None:
    """Save a key; return the fault, if any, as text."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        secret = _octets_of(password)
        if not 0 < len(secret) <= MAX_PASSWORD:
            return f"password: {len(secret)} octets, expected 1 to {MAX_PASSWORD}"
        encryption = serialization.BestAvailableEncryption(secret)
    fault = _made(directory) or _directory_fault(directory)
    if fault is not None:
        return fault
    private, public = directory / PRIVATE_NAME, directory / PUBLIC_NAME
    for path in (private, public):
        if _exists(path):
            return f"{path}: is there already, and is never overwritten"
    octets = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)
    return _written(private, octets) or _written(public, public_pem(key).encode())


def _made(directory: Path) -> str | None:
    """Make a directory where it is missing."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"{directory}: cannot be made: {error.strerror}"
    return None


def _directory_fault(directory: Path) -> str | None:
    """Say why a path is no directory to keep a key in."""
    if directory.is_symlink():
        return f"{directory}: is a symbolic link"
    return None if directory.is_dir() else f"{directory}: is no directory"


def _exists(path: Path) -> bool:
    """Tell whether anything has this name, were it a link to nowhere."""
    return os.path.lexists(path)


def _written(path: Path, octets: bytes) -> str | None:
    """Write a file that must not be there yet; what cannot be written whole is taken back."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, _OWNER_ONLY)
    except OSError as error:
        return f"{path}: cannot be made: {error.strerror}"
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        return f"{path}: cannot be written: {error.strerror}"
    return None


def _read(private: Path, public: Path | None, password: str | None) -> rsa.RSAPrivateKey | str:
    """Read a key and what stands beside it, or return the fault as text."""
    octets = _content(private, owner_only=True)
    if isinstance(octets, str):
        return octets
    key = _parsed(octets, None if password is None else _octets_of(password))
    if isinstance(key, str):
        return f"{private}: {key}"
    if public is None:
        return key
    beside = _content(public, owner_only=False)
    if isinstance(beside, str):
        return beside
    if beside.split() != public_pem(key).encode().split():
        return f"{public}: is not the public half of {private.name}"
    return key


def _content(path: Path, *, owner_only: bool) -> bytes | str:
    """Read a small regular file that is no link, or return the fault as text."""
    if path.is_symlink():
        return f"{path}: is a symbolic link"
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # each where the system has it
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return f"{path}: is no regular file"
        mode = stat.S_IMODE(status.st_mode)
        if owner_only and _HAS_MODES and mode & ~_OWNER_ONLY:
            return f"{path}: mode {mode:04o} is wider than {_OWNER_ONLY:04o}"
        octets = os.read(descriptor, MAX_FILE + 1)
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    finally:
        os.close(descriptor)
    return octets if len(octets) <= MAX_FILE else f"{path}: exceeds {MAX_FILE} octets"


def _parsed(octets: bytes, password: bytes | None) -> rsa.RSAPrivateKey | str:
    """Parse a private key, or return the fault as text."""
    if _is_block(octets, _ENCRYPTED):
        if password is None:
            return "is encrypted, and there is no password"
    elif not _is_block(octets, _PLAIN):
        return "is no PEM of one PKCS #8 key"
    elif password is not None:
        return "is not encrypted, and yet there is a password"
    try:
        key = serialization.load_pem_private_key(octets, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "holds no key, or its password is another"
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != KEY_BITS:
        return f"holds no RSA key of {KEY_BITS} bits"
    return key


def _is_block(octets: bytes, label: str) -> bool:
    """Tell whether this is one PEM block of that label, and nothing beside it."""
    text = octets.strip()
    begin, end = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    return text.startswith(begin) and text.endswith(end) and text.count(b"-----") == 2 * 2


def _octets_of(password: str) -> bytes:
    """Return a password as it is used: UTF-8, whatever it is made of."""
    return password.encode("utf-8", "surrogatepass")
