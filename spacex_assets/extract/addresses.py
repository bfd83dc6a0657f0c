"""Which addresses may be connected to: none that names no host but this machine's own surroundings.

A source's URL is a setting, its host name is somebody else's answer: neither may lead to the link-local services that
clouds give credentials from. What does not belong here: what is sent once connected (``client.py``).
"""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from spacex_assets.extract.deadline import answer_awaited

METADATA = frozenset(
    map(
        ip_address,
        (
            *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
            *("fd00:42::42", "fd00:c1::a9fe:a9fe", "fd00:ec2::23", "fd00:ec2::254", "fd20:ce::254"),
        ),
    )
)
"""Where clouds have their metadata and identity services outside of the link-local ranges."""
BROADCAST = ip_address("255.255.255.255")
TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))
"""IPv6 addresses that end with the IPv4 address to which they lead: through NAT64, translated, or compatible."""


class AddressRefused(Exception):
    """A host that nothing is asked of; the text says which, and where it leads."""


def refuse(host: str, text: str) -> None:
    """Raises :class:`AddressRefused` if the address, to which the host led, is link-local or no host's."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or _translated(address) or address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in (*METADATA, BROADCAST):
        raise AddressRefused(f"{host} leads to {text}, a link-local, multicast or metadata address")


def _translated(address: IPv6Address) -> IPv4Address | None:
    inside = any(address in network for network in TRANSLATED) and not (address.is_loopback or address.is_unspecified)
    return IPv4Address(int(address) & 0xFFFFFFFF) if inside else None


class GuardedAdapter(HTTPAdapter):
    """Refuses to connect where :func:`refuse` says so, whatever the name resolves to at that moment.

    The deadline in force may cut its connections.
    """

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        """The pools of connections that look before they connect."""
        super().init_poolmanager(*arguments, **options)  # type: ignore[arg-type]
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class _Guarded(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        whole = self.timeout
        with suppress(OSError):  # connecting says it better
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            for *_, resolved in found:
                refuse(self.host, str(resolved[0]))
            # One address is tried after the other: a name with many must not take that many times as long.
            self.timeout = whole / len(found) if whole else whole
        try:
            connected = super()._new_conn()
        finally:
            self.timeout = whole
        connected.settimeout(whole)
        try:
            # The name may have been answered otherwise since; nothing has been sent yet.
            refuse(self.host, connected.getpeername()[0])
        except BaseException:
            connected.close()
            raise
        return connected

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        answer_awaited(self.sock)
        return super().getresponse()


class _GuardedTLS(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS
