"""As much of S3, over HTTP on loopback, as pyarrow's file system asks for; objects are in memory."""

from __future__ import annotations

import io
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class S3Double:
    """`objects` by `bucket/key`. While `away` every request is answered with 503."""

    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def __enter__(self) -> S3Double:
        double = self

        class Handler(_Handler):
            s3 = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, place: str) -> str:
        """A blob store's URL for `bucket/prefix`."""
        port = self._server.server_address[1]
        return f"s3://key:hidden@{place}?scheme=http&endpoint_override=127.0.0.1:{port}&region=eu-west-1"


class _Handler(BaseHTTPRequestHandler):
    s3: S3Double
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def handle_one(self) -> None:
        parts = urlsplit(self.path)
        name, query = unquote(parts.path).strip("/"), parse_qs(parts.query, keep_blank_values=True)
        body = self._body()
        self.s3.asked.append(f"{self.command} {self.path}")
        if self.s3.away:
            self._answer(503, b"<Error><Code>ServiceUnavailable</Code><Message>away</Message></Error>")
        elif self.command == "POST" and "uploads" in query:
            self.s3.parts[name] = {}
            self._answer(
                200,
                f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>".encode(),
            )
        elif self.command == "POST":
            self.s3.objects[name] = b"".join(part for _, part in sorted(self.s3.parts.pop(name).items()))
            self._answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
        elif self.command == "PUT" and "partNumber" in query:
            self.s3.parts[name][int(query["partNumber"][0])] = body
            self._answer(200, b"")
        elif self.command == "PUT":
            self.s3.objects[name] = body
            self._answer(200, b"")
        elif self.command == "DELETE":
            self.s3.objects.pop(name, None)
            self._answer(204, b"")
        elif "list-type" in query:
            self._answer(200, self._listed(name, query.get("prefix", [""])[0], query.get("delimiter", [""])[0]))
        elif name not in self.s3.objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        else:
            self._give(self.s3.objects[name])

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while length := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(chunks)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return _unsigned(body) if "aws-chunked" in (self.headers.get("Content-Encoding") or "") else body

    def _give(self, whole: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if asked is None:
            self._answer(200, whole)
            return
        first, last = int(asked[1]), min(int(asked[2]), len(whole) - 1)
        self._answer(206, whole[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(whole)}"})

    def _listed(self, bucket: str, prefix: str, delimiter: str) -> bytes:
        keys = sorted(name[len(bucket) + 1 :] for name in self.s3.objects if name.startswith(f"{bucket}/"))
        found = [key for key in keys if key.startswith(prefix)]
        folders = {
            prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter
            for key in found
            if delimiter and delimiter in key[len(prefix) :]
        }
        plain = [key for key in found if not (delimiter and delimiter in key[len(prefix) :])]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{now}</LastModified><Size>{len(self.s3.objects[f'{bucket}/{key}'])}</Size></Contents>"
            for key in plain
        )
        common = "".join(
            f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders)
        )
        count = len(plain) + len(folders)
        return (
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{count}</KeyCount>"
            f"<IsTruncated>false</IsTruncated>{contents}{common}</ListBucketResult>"
        ).encode()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)), "Content-Type": "application/xml", "ETag": '"x"',
            "Last-Modified": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"), **(headers or {}),
        }.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _unsigned(body: bytes) -> bytes:
    """What stands in S3's own chunks, within those of HTTP."""
    chunks, plain = io.BytesIO(body), []
    while length := int(chunks.readline().partition(b";")[0], 16):
        plain.append(chunks.read(length))
        chunks.readline()
    return b"".join(plain)
