"""Opens the vault that the settings name."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from heapsleuth.errors import VaultError
from heapsleuth.store.vault.objects import ObjectVault

__all__ = ["open_vault"]

_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "file", "memory")


def open_vault(where: str) -> ObjectVault:
    """
    Return the vault in a folder, made when it is missing, or at a URL (`s3://bucket/prefix`, `gs://…`, `az://…`).

    Credentials come from the environment, as the storage's own tools take them (`AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL`, …); http is used for an endpoint whose URL says so.

    Raises:
        VaultError: The folder cannot be made or written to, or the URL is of no kind that is known.
    """
    if "://" not in where:
        return _folder(Path(where))
    url = urlsplit(where)
    if url.scheme not in _SCHEMES:
        raise VaultError(
            f"expected a folder or a URL that begins with s3://, gs:// or az://, got {url.scheme}://…"
        )
    if url.scheme == "file":
        return _folder(Path(url.path))
    if url.username or url.password:
        raise VaultError("credentials in a vault's URL end up in logs; set them in the environment instead")
    insecure = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    try:
        objects = from_url(where, client_options={"allow_http": insecure})
    except (BaseError, ValueError) as error:
        raise VaultError(f"cannot use {where}: {str(error).splitlines()[0][:300]}") from error
    return ObjectVault(objects, where)


def _folder(path: Path) -> ObjectVault:
    try:
        # Snapshots hold secrets: for nobody else to read.
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise VaultError(f"cannot make the folder {path} for snapshots: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise VaultError(
            f"cannot write to {path}; snapshots are kept there. Choose another folder or change its mode"
        )
    return ObjectVault(LocalStore(path), str(path))
