"""URIs of EventStoreDB: what is one, and how it is shown."""

from __future__ import annotations

from urllib.parse import urlsplit

_SCHEMES = ("esdb", "esdb+discover")


def checked_uri(uri: str) -> str:
    """The URI, if it is one that can be dialled.

    Raises:
        ValueError: it is not. The text of the error holds nothing of the URI, which may have a
            password; one with `@` or `/` in it is among what is refused, as hosts would be read
            out of it.
    """
    parts = urlsplit(uri)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if parts.scheme not in _SCHEMES or not all(hosts):
        raise ValueError("it is a URI such as esdb://127.0.0.1:2113?Tls=false")
    if parts.netloc.count("@") > 1 or "@" in parts.path:
        raise ValueError("user and password of the URI need percent-encoding (@ is %40, / is %2F)")
    for host in hosts:
        port = host.rpartition("]")[2].rpartition(":")[2] if ":" in host else "2113"
        if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
            raise ValueError("a port of the URI is not a number from 1 to 65535")
    return uri


def shown_uri(uri: str) -> str:
    """The URI without its password."""
    before, at, hosts = uri.rpartition("@")
    return f"{before.rpartition(':')[0]}:***@{hosts}" if at else uri
