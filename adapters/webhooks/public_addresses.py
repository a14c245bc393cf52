"""Resolution of hosts to public addresses: requests must not reach internal networks (SSRF; case 50).

A name is resolved once and its addresses are checked; the caller connects to exactly these, as resolving it
again may give others (DNS rebinding).
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Special (RFC 6890, 7526, 9637), but not in every supported Python; cloud metadata services are there.
_SPECIAL = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
# All that IANA has allocated for unicast so far (www.iana.org/assignments/ipv6-address-space).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# How IPv6-only networks reach IPv4 (RFC 6052): the last 32 bits are an IPv4 address.
_NAT64 = IPv6Network("64:ff9b::/96")


class NoPublicAddress(Exception):
    """The host is unknown or has a non-public address; the text says which."""


async def addresses_of(host: str, port: int, *, allow_private: bool = False) -> tuple[str, ...]:
    """The IP addresses of a host, in order of preference; connect to these and not to its name.

    Raises NoPublicAddress for an unknown host and, unless ``allow_private``, for one with any address that
    is not public.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError for an overlong label
        raise NoPublicAddress(f"There is no host {host}.") from None
    addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        if not (allow_private or is_public(ip_address(address))):
            raise NoPublicAddress(f"{host} leads to {address}, which is not a public address.")
    return addresses


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is public: not loopback, private, link-local, multicast or reserved.

    An IPv6 address that embeds an IPv4 one is as public as that; tunnels (6to4, Teredo) never are.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST or address.sixtofour or address.teredo:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
