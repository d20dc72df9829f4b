"""One guarded HTTP request: checked address, bounded time and size, redirects followed only where safe.

A webhook's URL comes from a subscriber, and must not reach inside. Its name is resolved once, every address it has is
checked, and the connection then goes to a checked address and not to the name again, so that a name server that
changes its mind between the two gains nothing.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote, urljoin

from urllib3.util import Url, parse_url

from newsflow.errors import SinkError, in_words
from newsflow.http.deadline import Deadline, Wrap

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Iterable[str]]


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return networks like `10.1.0.0/16` or `127.0.0.1`, with spaces between. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(each, strict=False) for each in text.split())


# https://www.iana.org/assignments/iana-ipv4-special-registry: what is not for the open internet.
_INTERNAL_V4 = parse_networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
# Of IPv6 only global unicast is open, without the parts of it that are tunnels, documentation or benchmarks.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INTERNAL_V6 = parse_networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PRIVATE = parse_networks("10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1/128 fc00::/7")
"""What `allow_private` opens: this machine and private networks; not link-local, where metadata services live."""
_PORTS = {"http": 80, "https": 443}
_MOST_HEAD_BYTES = 16_384
_SAME_METHOD = frozenset({307, 308})


class AddressRefusedError(SinkError):
    """A destination's address is internal, and was not allowed."""


def is_internal(address: Address) -> bool:
    """Return whether an address is anything but one of the open internet."""
    meant = _meant(address)
    if isinstance(meant, ipaddress.IPv4Address):
        return any(meant in network for network in _INTERNAL_V4)
    return meant not in _GLOBAL_V6 or any(meant in network for network in _INTERNAL_V6)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system; also reads the odd spellings of addresses (`127.1`, `0x7f000001`) that a browser would."""
    found: Sequence[tuple[Any, ...]] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def checked_addresses(
    host: str, port: int, allowed: Sequence[Network] = (), resolve: Resolver = system_resolver
) -> list[str]:
    """Return the addresses of a host, each of them open or in `allowed`; blocks while the name is resolved.

    Raises `AddressRefusedError` when one of them is internal, `SinkError` when the name has none.
    """
    try:
        texts = list(dict.fromkeys(resolve(host, port)))
    except OSError as error:
        raise SinkError(f"the host {host!r} cannot be resolved: {in_words(error)}") from error
    except ValueError as error:
        raise SinkError(f"the host {host!r} cannot be resolved: its name is not one") from error
    if not texts:
        raise SinkError(f"the host {host!r} has no address")
    for text in texts:
        _check(host, text, allowed)
    return texts


def _check(host: str, text: str, allowed: Sequence[Network]) -> None:
    address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    if is_internal(address) and not any(address in network for network in allowed):
        named = text if text == host else f"{host!r} ({text})"
        raise AddressRefusedError(
            f"{named} is an internal address; accepted: addresses of the open internet and, "
            "with allow_private: true, of this machine and of private networks"
        )


class UnreachableError(SinkError):
    """No answer: the connection failed, broke off, or took too long."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long (seconds) one request may take, and how much (bytes) of the response is read."""

    connect_s: float = 5.0
    """For one address of several; of a destination, as long as the whole."""
    total_s: float = 20.0
    """From the question after the name to the last byte read, redirects included, however slowly they drip."""
    response_bytes: int = 65_536
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back. `headers` by lower-case name; `body` is cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpClient:
    """Asks URLs that others chose. Safe to share between threads; each request has its own connection."""

    limits: HttpLimits = field(default_factory=HttpLimits)
    allowed: tuple[Network, ...] = ()
    resolve: Resolver = system_resolver
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    """`http://HOST:PORT`, with a user and a password or without: all requests go through it. It asks for names itself,
    so that they are not checked here."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """Post and return the response, redirects of the kinds that keep method and body (307, 308) followed.

        Raises `AddressRefusedError` for an internal address, here or where a redirect points, `UnreachableError` when
        no answer came, `SinkError` for a URL that cannot be used.
        """
        with Deadline(self.limits.total_s) as deadline:
            for _ in range(self.limits.redirects + 1):
                target = checked_url(url)
                response = self._once(target, body, headers, deadline)
                location = response.headers.get("location")
                if response.status not in _SAME_METHOD or not location:
                    return response
                url = _redirected(url, target, location)
        raise SinkError(f"more than {self.limits.redirects} redirects, the last to {url[:200]!r}")

    def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """One request; a redirect is an answer. Raises as `post`, and `UnreachableError` for a body that ends early."""
        with Deadline(self.limits.total_s) as deadline:
            response = self._once(checked_url(url), None, headers, deadline, "GET")
        told = response.headers.get("content-length", "")
        if told.isdecimal() and len(response.body) < min(int(told), self.limits.response_bytes):
            raise UnreachableError(f"the answer ended after {len(response.body):,} of {int(told):,} bytes")
        return response

    def _once(
        self, target: Url, body: bytes | None, headers: Mapping[str, str], deadline: Deadline, method: str = "POST"
    ) -> HttpResponse:
        host, port = _place(target)
        uri, sent = target.request_uri, {**headers, "Host": _host(target)}
        if self.proxy is not None and target.scheme == "http":
            uri, sent = target._replace(fragment=None).url, sent | _credentials(parse_url(self.proxy))
        try:
            sock = self._connect(target, deadline)
        except (OSError, ValueError) as error:
            raise UnreachableError(f"{host} port {port} cannot be reached: {error}") from error
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        try:
            # Not decoded: a body is read up to the limit, and a compressed one never unfolds.
            connection.request(method, uri, body, sent)
            with connection.getresponse() as response:
                content = response.read(self.limits.response_bytes)
            deadline.left_s()  # an answer that was cut short may look like a whole one
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(f"{target.host} did not answer: {deadline.why(error)}") from error
        finally:
            connection.close()
        return HttpResponse(response.status, {n.lower(): value for n, value in response.headers.items()}, content)

    def _connect(self, target: Url, deadline: Deadline) -> socket.socket:
        """A connection to a host, or to the proxy before it."""
        resolve, (host, port) = partial(deadline.resolved, self.resolve), _place(target)
        if self.proxy is None:
            addresses = checked_addresses(host, port, self.allowed, resolve)[:4]
            return deadline.connect(addresses, port, self._wrap(target, host), self.limits.connect_s)
        proxy = parse_url(self.proxy)
        wrap, (proxy_host, proxy_port) = self._wrap(target, host, _tunnel(proxy, target)), _place(proxy)
        return deadline.connect([*resolve(proxy_host, proxy_port)][:4], proxy_port, wrap, self.limits.connect_s)

    def _wrap(self, target: Url, host: str, tunnel: Wrap = lambda sock: sock) -> Wrap:
        if target.scheme == "http":
            return lambda sock: sock
        context = self.tls or ssl.create_default_context()
        return lambda sock: context.wrap_socket(tunnel(sock), server_hostname=host)


def _place(url: Url) -> tuple[str, int]:
    return (url.host or "").strip("[]"), url.port or _PORTS[url.scheme or "https"]


def _credentials(proxy: Url) -> dict[str, str]:
    """What a proxy is told of who asks."""
    if proxy.auth is None:
        return {}
    return {"Proxy-Authorization": f"Basic {base64.b64encode(unquote(proxy.auth).encode()).decode()}"}


def _tunnel(proxy: Url, target: Url) -> Wrap:
    """What has a proxy connect to a host, and gives that connection."""

    def connect(sock: socket.socket) -> socket.socket:
        host, port = _place(target)
        told = "".join(f"{name}: {value}\r\n" for name, value in _credentials(proxy).items())
        sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{told}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            if not (byte := sock.recv(1)) or len(answer) > _MOST_HEAD_BYTES:
                raise OSError("the proxy does not answer in HTTP")
            answer += byte
        status = answer.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise OSError(f"the proxy answers {b''.join(status)[:3].decode('ascii', 'replace')}")
        return sock

    return connect


def checked_url(url: str) -> Url:
    """Return a URL in its parts. Raises `SinkError` unless it is http or https, with a host and no password."""
    try:
        target = parse_url(url)
    except ValueError as error:
        raise SinkError(f"{url[:200]!r} is not a URL") from error
    if target.scheme not in _PORTS or not target.host:
        raise SinkError(f"{url[:200]!r} is not an http or https URL with a host")
    if target.auth is not None:
        raise SinkError(f"the URL of {target.host} holds a user name or password; put them into a header instead")
    return target


def _redirected(url: str, target: Url, location: str) -> str:
    try:
        there = urljoin(url, location)
    except ValueError as error:
        raise SinkError(f"{target.host} redirects to {location[:200]!r}, which is not a URL") from error
    if target.scheme == "https" and checked_url(there).scheme != "https":
        raise SinkError(f"{target.host} redirects from https to http, which would show the alert to anyone")
    return there


def _host(target: Url) -> str:
    host = target.host or ""
    return host if target.port in (None, _PORTS[target.scheme or "https"]) else f"{host}:{target.port}"
