"""Who vouches for a folder: an Ed25519 signature over the bytes of its manifest, which lists every other file.

`openssl pkeyutl -verify -pubin -inkey KEY -rawin -in manifest.json -sigfile SIGNATURE` checks the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from edgedigits.build_folder import MANIFEST
from edgedigits.data.writing import replacing
from edgedigits.errors import CheckFailedError, DataError, ToolMissingError
from edgedigits.extras import install_command, is_installed
from edgedigits.files.listing import REPORT, SCHEMA, TOOL, ListedFile, not_own, read_listing, seal
from edgedigits.files.regular import read_text
from edgedigits.files.typed import make, read_json
from edgedigits.files.writing import write_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE = "signature.json"
_MAKE_KEY = "openssl genpkey -algorithm ed25519 -out key.pem"
_SHOWN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSignature:
    """What the file says; the values in front are those of any list of this program's.

    Attributes:
        public_key: 32 bytes in hexadecimal.
        signature: 64 bytes in hexadecimal, over the manifest's.
    """

    schema: int = SCHEMA
    kind: str = REPORT
    tool: str = TOOL
    signs: str = MANIFEST
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
    files: dict[str, ListedFile]


def require_cryptography() -> None:
    """Raise ToolMissingError where the library that signs is not installed."""
    if not is_installed("sign"):
        raise ToolMissingError(
            "The package cryptography, which signs, is not installed.", hint=f"Install it: {install_command('sign')}"
        )


def require_unsigned(folder: Path, *, force: bool) -> None:
    """Check, before work begins, that a folder can be signed.

    Raises:
        ToolMissingError: the library that signs is not installed.
        DataError: there is a signature and `force` is not set, or a file of that name that is none.
    """
    require_cryptography()
    path = folder / SIGNATURE
    if path.exists() and not_own(folder, [SIGNATURE], SIGNATURE):
        raise DataError(f"{path} is no signature of this tool.", hint="Move it away.")
    if path.exists() and not force:
        raise DataError(f"{path} exists already.", hint="Sign it anew with --force.")


def sign(folder: Path, key: Path) -> str:
    """Sign a folder's manifest and return who did, in words.

    Args:
        folder: of a build or an engine.
        key: a file with an Ed25519 private key, PEM without a password.

    Raises:
        ToolMissingError: the library that signs is not installed.
        DataError: the key or the folder cannot be read, or the folder not written.
    """
    require_cryptography()
    private = _private_key(key)
    public = private.public_key().public_bytes_raw().hex()
    signature = private.sign((folder / MANIFEST).read_bytes()).hex()
    with replacing(folder / SIGNATURE, force=True) as temporary:
        write_json(temporary, seal(FolderSignature(public_key=public, signature=signature, files={})))
    return f"signed by {public[:_SHOWN]}…"


def check_signature(folder: Path, key: Path | None = None) -> str | None:
    """Hold a folder's signature against its manifest and return who signed, in words; None where nobody did.

    Args:
        folder: of a build or an engine.
        key: a file with the Ed25519 public key that must have signed, PEM; by default any.

    Raises:
        CheckFailedError: the signature is not this manifest's or not this key's, or `key` is given and there is none.
        NotOursError: the file is damaged.
        ToolMissingError: the library that signs is not installed.
        DataError: the key cannot be read.
    """
    path = folder / SIGNATURE
    if not path.exists():
        if key is not None:
            raise CheckFailedError(f"{folder} is not signed.")
        return None
    require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    read_listing(path, (REPORT,))
    said = make(read_json(path, "Sign it anew."), FolderSignature, f"{path} is damaged", "Sign it anew with --force.")
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(said.public_key))
    try:
        signer.verify(bytes.fromhex(said.signature), (folder / MANIFEST).read_bytes())
    except InvalidSignature:
        raise CheckFailedError(f"{path} is the signature of another {MANIFEST}.") from None
    if key is not None and _public_key(key).public_bytes_raw().hex() != said.public_key:
        raise CheckFailedError(f"{folder} was signed by {said.public_key[:_SHOWN]}…, not with the key of {key}.")
    whose = f"as {key} says" if key is not None else "whoever that is: hold it against a public key with --key FILE"
    return f"of {MANIFEST} by {said.public_key[:_SHOWN]}…, {whose}"


def _private_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return _key(path, "private", lambda content: load_pem_private_key(content, None), Ed25519PrivateKey)


def _public_key(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _key(path, "public", load_pem_public_key, Ed25519PublicKey)


def _key(path: Path, kind: str, load: Any, wanted: type[Any]) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    hint = f"Make one: {_MAKE_KEY}" + (" && openssl pkey -in key.pem -pubout -out key.pub" if kind == "public" else "")
    try:
        key = load(read_text(path).encode())
    except TypeError:
        raise DataError(f"{path} is locked with a password, which nobody can be asked for.", hint=hint) from None
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "it is no PEM file with such a key"
        )
        raise DataError(f"{path} gives no {kind} key: {reason}.", hint=hint) from None
    if not isinstance(key, wanted):
        raise DataError(f"{path} holds another kind of key than Ed25519.", hint=hint)
    return key
