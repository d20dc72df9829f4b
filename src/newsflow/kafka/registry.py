"""A schema registry, as Confluent's API has it: values in feeds are written behind the id of their schema.

Only feeds of topics and subscribers are: nothing of newsflow reads them, and what it reads has no frames.
"""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import quote

import urllib3

from newsflow.config.settings import SchemaRegistry
from newsflow.errors import KafkaError
from newsflow.model.framing import framed
from newsflow.model.names import ce_type, feed_of
from newsflow.model.schemas import SCHEMAS, load_schema
from newsflow.secrets import resolve

_TIMEOUT_S = 10.0
_ACCEPT = "application/vnd.schemaregistry.v1+json"
_NAMES = {ce_type(name).encode(): name for name in SCHEMAS}


class Frames:
    """Puts frames before the values of feeds. Any thread may use it; blocks on the registry once for each schema."""

    def __init__(self, settings: SchemaRegistry) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._ids: dict[str, int] = {}
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S)

    def __call__(self, topic: str, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> bytes | None:
        """The value as it is to be written. Raises `KafkaError` where the registry does not answer, or refuses."""
        name = _NAMES.get(dict(headers).get("ce_type", b""))
        if value is None or name is None or feed_of(topic) is None:
            return value
        return framed(self._id_of(name), value)

    def _id_of(self, name: str) -> int:
        with self._lock:
            if name not in self._ids:
                self._ids[name] = self._register(name)
            return self._ids[name]

    def _register(self, name: str) -> int:
        """The id of a schema; the same for the same schema, so that what is written twice has the same bytes."""
        subject = ce_type(name)
        url = f"{self._settings.url.rstrip('/')}/subjects/{quote(subject, safe='')}/versions"
        body = json.dumps({"schemaType": "JSON", "schema": json.dumps(load_schema(name), sort_keys=True)})
        try:
            answer = self._pool.request("POST", url, body=body, headers=self._headers(), redirect=False)
            found: Any = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise KafkaError(f"the schema registry {self._settings.url} does not answer: {error}") from error
        if answer.status != 200 or not isinstance(found, dict) or not isinstance(found.get("id"), int):
            said = str(found.get("message", "") if isinstance(found, dict) else found)[:300]
            raise KafkaError(f"the schema registry {self._settings.url} answers {answer.status} to {subject}: {said}")
        return int(found["id"])

    def _headers(self) -> dict[str, str]:
        made = {"Content-Type": _ACCEPT, "Accept": _ACCEPT}
        if self._settings.username and self._settings.password:
            made |= urllib3.make_headers(basic_auth=f"{self._settings.username}:{resolve(self._settings.password)}")
        return made
