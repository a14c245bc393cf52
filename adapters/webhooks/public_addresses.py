"""Where an address that somebody gave us leads: never into our own network unless told so (case 50).

A name is resolved once, what it resolves to is checked, and the caller connects to exactly that: whoever
resolves it again to connect may be led elsewhere (DNS rebinding).
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Special (RFC 6890, RFC 7526), though not every Python that we run on knows it; clouds answer there.
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# All that IANA has given out for unicast so far (www.iana.org/assignments/ipv6-address-space).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# How networks without IPv4 of their own reach it (RFC 6052): its last 32 bits are an IPv4 address.
_NAT64 = IPv6Network("64:ff9b::/96")


class NoPublicAddress(Exception):
    """A host that cannot be found, or that must not be reached; the text says which and why."""


async def addresses_of(host: str, port: int, *, allow_private: bool = False) -> tuple[str, ...]:
    """The IP addresses of a host, the best first; connect to these and not to its name.

    Raises NoPublicAddress for an unknown host and, unless ``allow_private``, for one of which any address
    is not public.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label that is too long is no OSError
        raise NoPublicAddress(f"There is no host {host}.") from None
    addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        if not (allow_private or is_public(ip_address(address))):
            raise NoPublicAddress(f"{host} leads to {address}, which is not a public address.")
    return addresses


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one of the internet's: not loopback, private, link-local, multicast or reserved.

    An IPv6 address that stands for an IPv4 one is as public as that; tunnels (6to4, Teredo) never are.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST or address.sixtofour or address.teredo:
            return False
    elif any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
