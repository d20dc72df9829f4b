"""How requests are read and answered: parameters by their declared schema, problems as RFC 9457, ETags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from typing import Any

import jsonschema_rs
import orjson
from starlette.requests import Request
from starlette.responses import Response

from newsflow.web.library import Desk, Place
from newsflow.web.served import Json

JSON = "application/json"


class ProblemError(Exception):
    """What is wrong with a request: status, and a sentence for whoever sent it."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


_TITLES = {
    400: "Bad request", 401: "No token", 403: "Not for this token", 404: "Not found", 405: "Method not allowed",
    409: "Not as it is now",    429: "Too many requests", 500: "Internal error", 503: "Not available",
}  # fmt: skip


def title_of(status: int) -> str:
    return _TITLES.get(status, "Error")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    value = {"title": title_of(status), "status": status, "detail": detail}
    return Response(orjson.dumps(value), status, headers, "application/problem+json")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a path or query, by its JSON Schema."""

    name: str
    schema: Json
    description: str
    place: str = "query"


@dataclass(frozen=True)
class Endpoint:
    """One path of the API. `answer` is called in a thread, with connections of its own; `result` is the schema of what
    it returns. `everything`: only for readers who see everything."""

    path: str
    summary: str
    answer: Callable[[Desk, Any, Json], Any]
    result: Json
    parameters: tuple[Parameter, ...] = ()
    everything: bool = False

    @cached_property
    def _validators(self) -> dict[str, jsonschema_rs.Draft202012Validator]:
        return {
            each.name: jsonschema_rs.Draft202012Validator(each.schema, validate_formats=True)
            for each in self.parameters
        }

    def read(self, request: Request) -> Json:
        """The parameters of a request as values. Raises ProblemError for what is not declared or not valid."""
        given = [*request.query_params.multi_items(), *request.path_params.items()]
        known, values = {each.name: each for each in self.parameters}, Json()
        for name, text in given:
            if name not in known:
                raise ProblemError(400, f"there is no parameter {name!r}; accepted: {', '.join(known) or 'none'}")
            if name in values:
                raise ProblemError(400, f"{name} is given twice")
            whole = known[name].schema.get("type") == "integer" and text.isascii() and text.isdigit() and len(text) < 19
            values[name] = int(text) if whole else text
            if error := next(iter(self._validators[name].iter_errors(values[name])), None):
                raise ProblemError(400, f"{name}: {error.message}")
        return values


def answer(request: Request, body: bytes, media_type: str, modified: datetime | None = None) -> Response:
    """The body, or that it is the one that is known to who asks."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    # Only for whose token it was; and asked for again each time, so that what was withdrawn is gone.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    if _is_known(request, tag, modified):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def _is_known(request: Request, tag: str, modified: datetime | None) -> bool:
    if (known := request.headers.get("if-none-match")) is not None:
        return known.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in known.split(","))
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def cursor_of(place: Place) -> str:
    """A place in a list, as the parameter `cursor` takes it."""
    return f"{place[0]}-{place[1]}"


def place_in(values: Json) -> Place | None:
    """The place that `cursor` names, where it is given."""
    at, _, name = values.get("cursor", "").partition("-")
    return (int(at), name) if name else None
