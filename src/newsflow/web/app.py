"""The application: who asks is known and counted first, then paths of the API, feeds and pages are answered."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from newsflow.errors import NewsflowError
from newsflow.model import asyncapi
from newsflow.shown import one_line
from newsflow.web import api
from newsflow.web.access import Access, Reader, is_loopback
from newsflow.web.answers import JSON, Endpoint, ProblemError, answer, problem, title_of
from newsflow.web.api import Asked, check_topic, wanted_of
from newsflow.web.feeds import ENTRIES, FORMATS, Feed
from newsflow.web.library import Library
from newsflow.web.pages import PAGES, Page, render
from newsflow.web.served import Json
from newsflow.web.streams import Followed, Streams

if TYPE_CHECKING:
    from newsflow.web.replaying import Replays

log = logging.getLogger(__name__)
MAX_ADDRESS_BYTES = 8_192
MAX_FORM_BYTES = 8_192
REPLAY = "/dead-letters/{id}/replay"
_REPLAY = re.compile("/dead-letters/[^/]+/replay")
"""The one path on which something is changed."""
SEEN, SEEN_S = "newsflow-seen", 60 * 60 * 24 * 30
"""The cookie that says up to which change somebody has looked."""
STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ANSWERED = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Served:
    """What an application serves, and to whom."""

    library: Library
    access: Access
    streams: Streams
    full_text: bool
    replays: Replays | None = None

    def asked(self, request: Request) -> Asked:
        reader: Reader = request.state.reader
        seen = request.cookies.get(SEEN, "")
        return Asked(reader, self.full_text, int(seen) if re.fullmatch("[0-9]{1,18}", seen) else 0)


def make_app(
    library: Library,
    access: Access,
    *,
    full_text: bool = False,
    streams: int = 1000,
    replays: Replays | None = None,
) -> ASGIApp:
    """The application over a library; who calls it closes that. With `replays`, readers with leave may send dead
    letters again."""
    served = Served(library, access, Streams(library, most=streams, full_text=full_text), full_text, replays)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await served.streams.close()

    routes = [
        Route("/openapi.json", _document(api.description(needs_token=not access.is_open))),
        Route("/asyncapi.json", _document(asyncapi.document())),
        Route(api.PREFIX + api.STREAM.path, _stream(served)),
        *(Route(api.PREFIX + each.path, _endpoint(served, each)) for each in api.ENDPOINTS),
        *(Route(f"/topics/{{id}}.{ending}", _topic_feed(served, ending)) for ending in FORMATS),
        *(Route(f"/search.{ending}", _search_feed(served, ending)) for ending in FORMATS),
        *(Route(f"/static/{name}", _static(name, media_type)) for name, media_type in STATIC.items()),
        *(Route(each.endpoint.path, _page(served, each)) for each in PAGES),
        Route(REPLAY, _replay(served), methods=["POST"]),
    ]
    handlers = {ProblemError: _refused, NewsflowError: _unavailable, HTTPException: _http, Exception: _failed}
    return Door(Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan), access)  # type: ignore[arg-type]


class Door:
    """Lets in who may read; counts requests; adds what makes pages harmless."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: object) -> None:
            if message["type"] == "http.response.start":  # type: ignore[index]
                present = {name.lower() for name, _ in message["headers"]}  # type: ignore[index]
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] += [each for each in added if each[0] not in present]  # type: ignore[index]
            await send(message)  # type: ignore[arg-type]

        refused = await self._refuse(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    async def _refuse(self, scope: Scope) -> Response | None:
        request = Request(scope)
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > MAX_ADDRESS_BYTES:
            return problem(400, f"the address is longer than {MAX_ADDRESS_BYTES} bytes")
        changing = scope["method"] == "POST" and _REPLAY.fullmatch(scope["path"])
        if scope["method"] not in ("GET", "HEAD") and not changing:
            return problem(405, "nothing is changed here; accepted: GET, HEAD", {"Allow": "GET, HEAD"})
        # Else a page of somebody else's, whose name leads to this machine, could read everything.
        if self._access.is_open and not is_loopback(_host_of(request)):
            return problem(400, "without readers, only the names of this machine are answered to, as 127.0.0.1")
        try:
            reader = await self._reader(request.headers.get("authorization", ""))
        except NewsflowError as error:
            log.warning("%s", error)
            return problem(503, "who issues tokens does not answer; try again", {"Retry-After": "5"})
        client = request.client.host if request.client else ""
        wait_s = self._access.wait_s(f"reader {reader.name}" if reader else f"stranger {client}")
        if wait_s:
            return problem(429, "more requests than this reader may make", {"Retry-After": str(math.ceil(wait_s))})
        if reader is None:
            asked = {"WWW-Authenticate": 'Basic realm="newsflow", charset="UTF-8"'}
            return problem(401, "a token is needed: as Bearer, or as the password of Basic", asked)
        scope.setdefault("state", {})["reader"] = reader
        return None

    async def _reader(self, authorization: str) -> Reader | None:
        if self._access.must_ask(authorization):
            return await asyncio.to_thread(self._access.reader, authorization)
        return self._access.reader(authorization)


def _host_of(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:  # not a host at all
        return ""


async def _refused(request: Request, error: ProblemError) -> Response:
    if _is_page(request):
        return _problem_page(request, error.status, error.detail)
    return problem(error.status, error.detail, error.headers)


def _is_page(request: Request) -> bool:
    """Whether a person asks."""
    ask = request.headers.get("accept", "")
    return "text/html" in ask and not request.url.path.startswith((api.PREFIX, "/static"))


def _problem_page(request: Request, status: int, detail: str) -> Response:
    values = {"title": title_of(status), "detail": detail}
    body = render("problem.html", Asked(request.state.reader, full_text=False), request.url.path, values)
    return Response(body, status, media_type="text/html")


async def _unavailable(_: Request, error: NewsflowError) -> Response:
    log.warning("%s", error)
    return problem(503, "ledger or store do not answer; try again", {"Retry-After": "5"})


async def _http(request: Request, error: HTTPException) -> Response:
    if _is_page(request):
        return _problem_page(request, error.status_code, error.detail)
    return problem(error.status_code, error.detail, error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return problem(500, "a mistake of ours; the log says more")


def _document(document: Json) -> _ANSWERED:
    text = orjson.dumps(document)

    async def get(request: Request) -> Response:
        return answer(request, text, JSON)

    return get


def _endpoint(served: Served, endpoint: Endpoint) -> _ANSWERED:
    async def get(request: Request) -> Response:
        asked = served.asked(request)
        if endpoint.everything and asked.reader.scope is not None:
            raise ProblemError(403, "this is for readers who see all topics")
        values = endpoint.read(request)

        def ask() -> bytes:
            with served.library.desk() as desk:
                return orjson.dumps(endpoint.answer(desk, asked, values))

        return answer(request, await asyncio.to_thread(ask), JSON)

    return get


def _page(served: Served, page: Page) -> _ANSWERED:
    endpoint = page.endpoint

    async def get(request: Request) -> Response:
        asked = served.asked(request)
        if endpoint.everything and asked.reader.scope is not None:
            raise ProblemError(403, "this is for readers who see all topics")
        values = {name: value for name, value in endpoint.read(request).items() if value != ""}

        def ask() -> Response:
            if endpoint.path == "/dead-letters" and served.replays is not None and asked.reader.replay:
                served.replays.read_on()
            with served.library.desk() as desk:
                last = desk.articles.last_number()
                made = endpoint.answer(desk, asked, values)
            response = answer(request, render(page.template, asked, request.url.path, made), "text/html")
            if endpoint.path == "/":
                response.set_cookie(SEEN, str(last), max_age=SEEN_S, httponly=True, samesite="strict")
            return response

        return await asyncio.to_thread(ask)

    return get


def _replay(served: Served) -> _ANSWERED:
    async def post(request: Request) -> Response:
        reader, authorization = served.asked(request).reader, request.headers.get("authorization", "")
        if served.replays is None or not reader.replay:
            raise ProblemError(403, "this token may not send dead letters again (serve.readers.….replay)")
        # A page of somebody else's could send a form here, and the browser would add the token.
        if Access.is_ambient(authorization) and request.headers.get("sec-fetch-site") != "same-origin":
            raise ProblemError(
                403, "only from the page of dead letters, over TLS or on this machine, or with a Bearer token"
            )
        form = parse_qs(await _body(request), max_num_fields=10)
        why = one_line(form.get("why", [""])[0], 500)
        by = f"{reader.name}, by the page"
        await asyncio.to_thread(served.replays.replay, request.path_params["id"], by, why)
        return Response(status_code=303, headers={"Location": "/dead-letters"})

    return post


async def _body(request: Request) -> str:
    """The body of a form. Raises ProblemError for one that is too long."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise ProblemError(400, f"the form is longer than {MAX_FORM_BYTES} bytes")
    return body.decode("utf-8", "replace")


def _static(name: str, media_type: str) -> _ANSWERED:
    body = resources.files("newsflow.web").joinpath("static", name).read_bytes()

    async def get(request: Request) -> Response:
        return answer(request, body, media_type)

    return get


def _stream(served: Served) -> _ANSWERED:
    async def get(request: Request) -> Response:
        asked, values = served.asked(request), api.STREAM.read(request)
        check_topic(asked, values.get("topic"))
        if served.streams.is_full:
            raise ProblemError(503, "as many streams are open as may be", {"Retry-After": "10"})
        number = await asyncio.to_thread(_begin, served.library, request.headers.get("last-event-id"), values)
        events = served.streams.follow(Followed(asked.reader, values.get("topic")), number)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    return get


def _begin(library: Library, last_event: str | None, values: dict[str, int]) -> int:
    """The number behind which a stream begins. Raises ProblemError for one that is not known yet."""
    with library.desk() as desk:
        last = desk.articles.last_number()
    if last_event is None:
        number = values.get("after", last)
    elif last_event.isascii() and last_event.isdigit() and len(last_event) < 19:
        number = int(last_event)
    else:
        raise ProblemError(400, f"Last-Event-ID: {last_event!r} is not a number")
    if number > last:
        raise ProblemError(400, f"there is no change {number} yet; the last one is {last}")
    return number


def _topic_feed(served: Served, ending: str) -> _ANSWERED:
    async def get(request: Request) -> Response:
        return await _feed(served, ending, request, request.path_params["id"], {})

    return get


_SEARCH = Endpoint("/search", "", lambda *_: None, {}, api.FILTERS)


def _search_feed(served: Served, ending: str) -> _ANSWERED:
    async def get(request: Request) -> Response:
        return await _feed(served, ending, request, None, _SEARCH.read(request))

    return get


async def _feed(served: Served, ending: str, request: Request, topic: str | None, values: dict[str, str]) -> Response:
    asked, (media_type, write) = served.asked(request), FORMATS[ending]
    check_topic(asked, topic or values.get("topic"))
    own, base = str(request.url), str(request.base_url).rstrip("/")
    if topic is not None:
        name, title, home = f"urn:newsflow:topic:{topic}", f"newsflow: {topic}", f"{base}/topics/{topic}"
        values = {"topic": topic}
    else:
        name, home = f"urn:newsflow:search:{request.url.query}", f"{base}/search?{request.url.query}"
        title = " ".join(["newsflow:", *(f"{key} {value}" for key, value in sorted(values.items()))])
    feed = Feed(name, title, home, own, asked.reader, served.full_text)

    def ask() -> Response:
        with served.library.desk() as desk:
            changes = desk.articles.newest(wanted_of(asked, values), ENTRIES)
            # Of a topic alone is known when the last article left it: a search has no time of its own.
            modified = desk.articles.changed_at(topic) if topic is not None else None
        if topic is not None and modified is None:
            raise ProblemError(404, f"there is no topic {topic!r}")
        return answer(request, write(feed, changes), media_type, modified)

    return await asyncio.to_thread(ask)
