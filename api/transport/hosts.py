"""Whether a request is meant for this server: what its Host header says.

A page can make its own name lead to 127.0.0.1 (DNS rebinding). Its requests then come from the
browser of whoever opened it and count as the page's own, but their Host is still the page's name.
"""

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.refusal import refuse

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{0,5}))?", re.IGNORECASE | re.ASCII)
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
_HEALTH = "/health/"


def split_host(host: str) -> tuple[str, int | None] | None:
    """Return a `name[:port]` as its name, in one spelling, and its port; None for anything else."""
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    return canonical(found[1]), int(found[2]) if found[2] else None


def canonical(name: str) -> str:
    """Return the one spelling of a name or an IP address that others are compared in."""
    name = name.lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name


def is_loopback(name: str) -> bool:
    """Say whether a name, in its one spelling, leads to the machine it is used on."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class HostCheck:
    """Answer 421 to requests for another host, WebSockets too; health is told to everybody.

    This server's names are those of loopback, the host it listens on unless that stands for all,
    and those it is given. Probes of containers ask for an address that nobody could list.
    """

    def __init__(self, app: ASGIApp, *, listens_on: str, allowed: Iterable[str]) -> None:
        self._app = app
        names = {canonical(name) for name in (listens_on, *allowed)}
        self._names = frozenset(names.difference(_WILDCARDS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_meant(scope):
            await self._app(scope, receive, send)
            return
        text = "This server has no such host. ORDER_ENGINE_ALLOWED_HOSTS names those it has."
        await refuse(scope, receive, send, HTTPStatus.MISDIRECTED_REQUEST, text)

    def _is_meant(self, scope: Scope) -> bool:
        if scope["type"] == "http" and scope["path"].startswith(_HEALTH):
            return True
        hosts = Headers(scope=scope).getlist("host")
        parts = split_host(hosts[0]) if len(hosts) == 1 else None
        return parts is not None and (is_loopback(parts[0]) or parts[0] in self._names)
