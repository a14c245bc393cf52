"""Case 50: an address that somebody gave us never leads into our own network."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from adapters.webhooks.public_addresses import NoPublicAddress, addresses_of, is_public

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "3fff:fff:ffff::1",
    "2002:a00:1::1",
    "2002:808:808::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def resolved(*addresses: str) -> Any:
    """What stands for the resolver: these, whatever is asked."""

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    return getaddrinfo


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_outside_the_public_network_is_recognised(address: str) -> None:
    """Case 50: loopback, link-local, private, multicast, reserved; also embedded in IPv6."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_recognised(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "::1"]
)
async def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    """Case 50."""
    with pytest.raises(NoPublicAddress):
        await addresses_of(host, 443)


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 50: whichever of its addresses would be tried first."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolved("1.1.1.1", "10.0.0.5"))

    with pytest.raises(NoPublicAddress, match=r"hooks\.example leads to 10\.0\.0\.5, which is not"):
        await addresses_of("hooks.example", 443)
    assert await addresses_of("hooks.example", 443, allow_private=True) == ("1.1.1.1", "10.0.0.5")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".example"])
async def test_an_unknown_host_is_named_in_the_error(host: str) -> None:
    with pytest.raises(NoPublicAddress, match="There is no host"):
        await addresses_of(host, 443)
