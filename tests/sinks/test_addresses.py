"""No destination reaches inside, however its address is written."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.errors import SinkError
from newsflow.sinks.addresses import AddressRefusedError, checked_addresses, is_internal, parse_networks
from newsflow.sinks.http import HttpClient, checked_url

INTERNAL_URLS = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://100.64.0.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
]


@pytest.fixture
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.usefixtures("_no_connection")
@pytest.mark.parametrize("url", INTERNAL_URLS)
def test_internal_addresses_are_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(SinkError, match=r"is an internal address|cannot be resolved|is not a"):
        HttpClient().post(url, b"", {})


NAMES = {
    "inside.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "six.example": ["2606:2800:220:1:248:1893:25c8:1946", "fd00::1"],
    "mapped.example": ["::ffff:192.168.0.1"],
    "scoped.example": ["fe80::1%eth0"],
}


@pytest.mark.usefixtures("_no_connection")
@pytest.mark.parametrize("host", NAMES)
def test_names_that_lead_inside_are_refused(host: str) -> None:
    client = HttpClient(resolve=lambda name, _: NAMES[name])
    with pytest.raises(AddressRefusedError, match=host) as caught:
        client.post(f"https://{host}/", b"", {})
    assert "allow_networks" in str(caught.value)


def test_open_addresses_pass() -> None:
    open_ones = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"]
    assert checked_addresses("x", 443, resolve=lambda *_: open_ones) == open_ones


def test_allowed_networks_pass_and_nothing_beside_them() -> None:
    allowed = parse_networks(["127.0.0.1", "fd00::/8"])
    for address in ("127.0.0.1", "fd12::1", "::ffff:127.0.0.1"):
        assert checked_addresses("x", 80, allowed, lambda *_, a=address: [a]) == [address]
    with pytest.raises(AddressRefusedError):
        checked_addresses("x", 80, allowed, lambda *_: ["127.0.0.2"])


def test_a_name_without_an_address_says_so() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(SinkError, match=r"'x' cannot be resolved: .*not known"):
        checked_addresses("x", 80, (), fail)
    with pytest.raises(SinkError, match="no address"):
        checked_addresses("x", 80, (), lambda *_: [])


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(SinkError) as caught:
        checked_url("https://user:hush@example.org/")
    assert "hush" not in str(caught.value)


@pytest.mark.property
@given(st.ip_addresses())
def test_nothing_the_library_calls_private_is_open(address: object) -> None:
    import ipaddress

    assert isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address)
    if not is_internal(address) and not (address.version == 6 and address in ipaddress.IPv6Network("64:ff9b::/96")):
        assert address.is_global
        assert not address.is_multicast
