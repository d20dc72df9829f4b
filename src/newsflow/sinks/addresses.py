"""Which addresses a destination may have. A webhook's URL comes from a subscriber: it must not reach inside.

A name is resolved once, every address it has is checked, and the connection then goes to a checked address and
not to the name again, so that a name server that changes its mind between the two gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from newsflow.errors import SinkError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Iterable[str]]

# https://www.iana.org/assignments/iana-ipv4-special-registry: what is not for the open internet.
_INTERNAL_V4 = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only global unicast is open, without the parts of it that are tunnels, documentation or benchmarks.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INTERNAL_V6 = tuple(ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefusedError(SinkError):
    """A destination's address is internal, and was not allowed."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks from texts like `10.1.0.0/16` or `127.0.0.1`. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_internal(address: Address) -> bool:
    """Return whether an address is anything but one of the open internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _INTERNAL_V4)
    inner = _inner(address)
    if inner is not None:
        return is_internal(inner)
    return address not in _GLOBAL_V6 or any(address in network for network in _INTERNAL_V6)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


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
    except (OSError, UnicodeError) as error:
        raise SinkError(f"the host {host!r} cannot be resolved: {error}") from error
    if not texts:
        raise SinkError(f"the host {host!r} has no address")
    for text in texts:
        _check(host, text, allowed)
    return texts


def _check(host: str, text: str, allowed: Sequence[Network]) -> None:
    address = ipaddress.ip_address(text.partition("%")[0])
    seen = _inner(address) if isinstance(address, ipaddress.IPv6Address) else None
    if any((seen or address) in network for network in allowed):
        return
    if is_internal(address):
        named = text if text == host else f"{host!r} ({text})"
        raise AddressRefusedError(
            f"{named} is an internal address; accepted: addresses of the open internet, "
            "and networks that the destination's allow_networks lists"
        )
