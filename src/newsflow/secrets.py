"""Secrets are references in every file and flag: `env:NAME` or `file:PATH`. They are resolved where they are used."""

from __future__ import annotations

import os
import re
from pathlib import Path

from newsflow.errors import ConfigError, in_words

MASK = "******"
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):([^@/\s]*)@")


def is_reference(text: str) -> bool:
    """True for `env:NAME` and `file:PATH`."""
    return text.startswith(("env:", "file:"))


def resolve(text: str) -> str:
    """The value behind a reference; other text as it is. Raises `ConfigError` when the value is missing."""
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if name not in os.environ:
            raise ConfigError(f"{text}: the environment has no variable {name}")
        return os.environ[name]
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:"))
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text}: cannot be read: {in_words(error)}") from error
    return text


def masked(text: str) -> str:
    """`text` without the password of a URL; a reference is shown as it is, since it holds no secret."""
    return text if is_reference(text) else _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", text)
