"""The secret that signs tokens on this machine: made once, in a file that only its owner can read."""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from runtime.settings import Settings

FILE = Path("var/token.secret")


def token_secret(settings: Settings) -> SecretStr:
    """The secret of the settings, or this directory's own, which is made if missing."""
    if settings.token_secret:
        return settings.token_secret
    FILE.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return SecretStr(FILE.read_text().strip())
