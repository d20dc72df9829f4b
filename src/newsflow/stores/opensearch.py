"""Articles in OpenSearch, by its client's bulk API (an extra): an index of the current state, one of all versions.

The current state is written under external versions: OpenSearch itself then never lets an older one win. A
withdrawn article stays as a document without text, since a deleted one would forget its version after a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import OpenSearchException, TransportError

from newsflow.errors import SinkError
from newsflow.model.codec import published_text
from newsflow.stores.contract import (
    Refused,
    Store,
    StoreRow,
    first_line,
    newest,
    published_instant,
    separate_refused,
    unique,
)

SCHEMA = 1
"""Of the index names. A change of the mapping is a new number: a new index, filled from the versions."""
MAX_BULK_BYTES = 8 * 1024 * 1024
_ANALYSED = {
    "ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fa": "persian", "fr": "french", "it": "italian",
    "pt": "portuguese", "ru": "russian", "tr": "turkish",
}  # fmt: skip
_COPIED = ("version", "source", "url", "title", "body", "language", "first_seen", "agency", "word_count", "story")
_KEYWORD, _DATE = {"type": "keyword"}, {"type": "date"}
_CURRENT = {
    "dynamic": False,
    "properties": {
        "version": {"type": "long"},
        "withdrawn": {"type": "boolean"},
        "source": _KEYWORD,
        "url": {"type": "keyword", "ignore_above": 8000},
        "title": {"type": "text"},
        "body": {"type": "text"},
        "text": {"properties": {tag: {"type": "text", "analyzer": name} for tag, name in _ANALYSED.items()}},
        "language": _KEYWORD,
        "published_at": _DATE,
        "first_seen": _DATE,
        "agency": _KEYWORD,
        "word_count": {"type": "long"},
        "story": _KEYWORD,
        "topics": {"properties": {"id": _KEYWORD, "code": _KEYWORD, "score": {"type": "float"}}},
    },
}
_VERSION = {
    "dynamic": False,
    "properties": {"id": _KEYWORD, "version": {"type": "long"}, "article": {"type": "object", "enabled": False}},
}
_PRESENT = 409
_REFUSALS = frozenset({400, 413})


class OpenSearchStore(Store):
    """Articles of the cluster at `url`, in indices named after `index`, which are made when they are missing."""

    name = "opensearch"

    def __init__(self, url: str, index: str = "news-article", timeout_s: float = 30.0, **client: Any) -> None:
        """`client` goes to `opensearchpy.OpenSearch`: `http_auth`, `ca_certs` and the like."""
        self.current, self.versions = f"{index}-{SCHEMA}", f"{index}-version-{SCHEMA}"
        self._options = {"hosts": [url], "timeout": timeout_s, "max_retries": 0, **client}
        self._client: OpenSearch | None = None

    @classmethod
    def from_url(cls, url: str) -> OpenSearchStore:
        scheme, _, rest = url.removeprefix("opensearch+").partition("://")
        host, _, index = rest.partition("/")
        return cls(f"{scheme}://{host}", index or "news-article")

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: bulk requests of up to `MAX_BULK_BYTES`."""
        good, refused = separate_refused(unique(rows), _problem)
        actions = [*self._version_actions(good), *self._current_actions(good)]
        try:
            client = self._opened()
            problems: dict[tuple[str, int], str] = {}
            for chunk in _chunks(actions):
                problems |= _send(client, chunk)
        except OpenSearchException as error:
            self.close()
            raise SinkError(f"the OpenSearch store cannot be written: {first_line(error)}") from error
        return refused + [Refused(row, problems[row.key]) for row in good if row.key in problems]

    def forget(self, article_id: str, before: int) -> int:
        meant = [{"term": {"id": article_id}}, {"range": {"version": {"lt": before}}}]
        # So that the version after these may be written at once, and a later one stays.
        last = {"version": str(before - 1), "version_type": "external_gte"}
        try:
            client = self._opened()
            client.indices.refresh(index=self.versions)
            done = client.delete_by_query(
                index=self.versions, body={"query": {"bool": {"filter": meant}}}, params={"refresh": "true"}
            )
            client.delete(index=self.current, id=article_id, params=last, ignore=[404, _PRESENT])
        except OpenSearchException as error:
            self.close()
            raise SinkError(f"the OpenSearch store cannot be written: {first_line(error)}") from error
        return int(done["deleted"])

    def check(self) -> str:
        try:
            with OpenSearch(**self._options) as client:
                there = all(client.indices.exists(index=name) for name in (self.current, self.versions))
                status = client.cluster.health()["status"]
        except OpenSearchException as error:
            raise SinkError(f"the OpenSearch store cannot be reached: {first_line(error)}") from error
        if status == "red":
            raise SinkError("the OpenSearch cluster is red: some of its data cannot be reached")
        return f"cluster {status}" + ("" if there else ", not made yet")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _opened(self) -> OpenSearch:
        if self._client is None:
            client = OpenSearch(**self._options)
            for name, mapping in ((self.current, _CURRENT), (self.versions, _VERSION)):
                client.indices.create(index=name, body={"mappings": mapping}, ignore=400)
            self._client = client
        return self._client

    def _version_actions(self, rows: Sequence[StoreRow]) -> Iterator[_Action]:
        for row in rows:
            name, version = row.key
            head = {"create": {"_index": self.versions, "_id": f"{name}/{version}"}}
            members = orjson.dumps({"id": name, "version": version})
            yield _Action(row, orjson.dumps(head), members[:-1] + b',"article":' + row.value + b"}")

    def _current_actions(self, rows: Sequence[StoreRow]) -> Iterator[_Action]:
        for row in newest(rows):
            name, version = row.key
            head = {"index": {"_index": self.current, "_id": name, "version": version, "version_type": "external"}}
            yield _Action(row, orjson.dumps(head), orjson.dumps(document(row)))


class _Action:
    """One action of a bulk request, and the row it is for."""

    def __init__(self, row: StoreRow, head: bytes, body: bytes) -> None:
        self.row, self.text = row, head + b"\n" + body + b"\n"


def document(row: StoreRow) -> dict[str, Any]:
    article = row.shown
    language = article.language.partition("-")[0].lower()
    text = "" if row.withdrawn else f"{article.title}\n{article.body}"
    return {name: getattr(article, name) for name in _COPIED} | {
        "withdrawn": row.withdrawn,
        "text": {language: text} if language in _ANALYSED else {},
        "published_at": published_instant(article),
        "published_text": published_text(article.published),
        "topics": [{"id": each.id, "code": each.code, "score": each.score} for each in article.topics],
    }


def _problem(row: StoreRow) -> str:
    return "" if 0 <= row.article.version < 2**63 else f"version {row.article.version} does not fit"


def _chunks(actions: Sequence[_Action]) -> Iterator[list[_Action]]:
    chunk: list[_Action] = []
    size = 0
    for action in actions:
        if chunk and size + len(action.text) > MAX_BULK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(action)
        size += len(action.text)
    if chunk:
        yield chunk


def _send(client: OpenSearch, chunk: Sequence[_Action]) -> dict[tuple[str, int], str]:
    """Send one bulk request; return what it refused, by key. Raises `OpenSearchException` when the cluster failed."""
    answer = client.bulk(body=b"".join(action.text for action in chunk))
    problems: dict[tuple[str, int], str] = {}
    if not answer["errors"]:
        return problems
    for action, item in zip(chunk, answer["items"], strict=True):
        (result,) = item.values()
        status = result["status"]
        if status < 300 or status == _PRESENT:
            continue
        reason = result.get("error", {}).get("reason", "no reason given")
        if status not in _REFUSALS:
            raise TransportError(status, reason, result)
        problems[action.row.key] = f"OpenSearch {status}: {reason[:300]}"
    return problems
