"""Secrets are references in every file and flag: `env:NAME` or `file:PATH`. They are resolved where they are used,
and what is secret is masked wherever it is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from newsflow.errors import ConfigError, in_words
from newsflow.shown import MASK, keep_secret, without_secrets

_HARMLESS = re.compile(
    "application_name|connect_timeout|dbname|host|index|mechanism|options|port|region|schema|sslmode|sslrootcert|table|"
    "target_session_attrs|timezone|tls|user|verify_certs"
)
"""Options of URLs that hold no secret. Every other one may."""
_IN_KEYWORDS = re.compile(
    r"(?i)\b((?:[\w-]*(?:passw|pwd|secret|token|credential|signature)[\w-]*|(?:api|access|account|routing)?[_-]?key)\s*=\s*)"
    r"('(?:[^'\\]|\\.)*'|[^\s&;]+)"
)


def is_reference(text: str) -> bool:
    """True for `env:NAME` and `file:PATH`."""
    return text.startswith(("env:", "file:"))


def resolve(text: str) -> str:
    """The value behind a reference; other text as it is. Raises `ConfigError` when the value is missing.

    What is secret in the value is masked in all that is shown from then on.
    """
    value = _resolve(text)
    if "://" in value or "=" in value:
        keep_secret(*secrets_of(value))
    elif is_reference(text):
        keep_secret(value, *value.split())
    return value


def _resolve(text: str) -> str:
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
    """`text` without the password of a URL and the values of its options, known harmless ones apart; a reference is
    shown as it is, since it holds no secret."""
    if is_reference(text):
        return text
    head, mark, rest = text.partition("://")
    if not mark:
        return without_secrets(_IN_KEYWORDS.sub(rf"\1{MASK}", text))
    place, question, options = rest.partition("?")
    user, at, host = place.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        place = f"{name}{colon}{MASK if colon else ''}@{host}"
    shown = [_masked_option(option) for option in options.split("&")]
    return without_secrets(f"{head}://{place}{question}{'&'.join(shown)}")


def masked_destination(text: str, kind: str) -> str:
    """The URL of an alert destination, of which the path is a secret too; of a chat service, every part is."""
    if is_reference(text):
        return text
    head, mark, rest = text.partition("://")
    if not mark or kind not in ("mail", "kafka", "webhook", "pagerduty", "alertmanager"):
        return f"{head}://{MASK}" if mark else MASK
    if kind in ("mail", "kafka"):
        return masked(text)
    host, slash, path = re.split(r"([/?#])", rest, maxsplit=1) if re.search(r"[/?#]", rest) else (rest, "", "")
    return masked(f"{head}://{host}") + (slash + (MASK if path else ""))


def keep_destination_secret(url: str) -> None:
    """Mask the parts of a destination's URL, its host apart, in all that is shown from now on."""
    _, _, rest = url.partition("://")
    _, *parts = re.split(r"[/?&=#@;]", rest)
    keep_secret(url, *(part for part in parts if len(part) >= _LONG_PART), *secrets_of(url))


_LONG_PART = 8
"""Of a URL's path: shorter ones are words like `hook`."""


def _masked_option(option: str) -> str:
    name, equals, value = option.partition("=")
    if not equals or not value or _HARMLESS.fullmatch(name):
        return option
    return f"{name}={MASK}"


def secrets_of(text: str) -> list[str]:
    """The passwords and options of a URL, or of a list of keywords and values."""
    _, mark, rest = text.partition("://")
    if not mark:
        return [value.strip("'") for _, value in _IN_KEYWORDS.findall(text)]
    place, _, options = rest.partition("?")
    name, _, password = place.rpartition("@")[0].partition(":")
    found = [password] if password != name else []  # a password of the first day, and an ordinary word
    return found + [value for _, value in _IN_KEYWORDS.findall(options)]
