"""Which pages may use this server: what the Origin header of their requests says."""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from api.transport.hosts import is_loopback, split_host

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)", re.IGNORECASE | re.ASCII)
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]
"""Scheme, name, and port, which is the scheme's own where none is written."""


def parse_origin(text: str) -> Origin | None:
    """Return an origin in its parts; None for `null` and whatever else is none."""
    found = _ORIGIN.fullmatch(text)
    parts = split_host(found[2]) if found else None
    if found is None or parts is None:
        return None
    scheme, (name, port) = found[1].lower(), parts
    return scheme, name, port if port is not None else _PORTS.get(scheme)


class Origins:
    """The pages that are let in: this server's own, those of this machine, and those allowed.

    People build front ends on localhost, on whatever port their tool likes.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(filter(None, map(parse_origin, allowed)))

    def of(self, scope: Scope) -> str | None:
        """Return the origin that a request says it has; None where it says nothing."""
        return ", ".join(Headers(scope=scope).getlist("origin")) or None

    def let_in(self, scope: Scope) -> bool:
        """Say whether a request may be answered.

        Programs that are no browsers send neither of the headers that are looked at. Browsers
        leave out Origin where a page only shows, links to or embeds something; then
        Sec-Fetch-Site tells whose page that is.
        """
        said = self.of(scope)
        if said is not None:
            origin = parse_origin(said)
            return origin is not None and self._is_allowed(origin, Headers(scope=scope))
        site = Headers(scope=scope).get("sec-fetch-site", "none")
        return site in ("none", "same-origin") or _only_opens_a_page(scope)

    def _is_allowed(self, origin: Origin, headers: Headers) -> bool:
        scheme, name, port = origin
        if origin in self._allowed:
            return True
        if scheme not in _PORTS:
            return False
        if is_loopback(name):
            return True
        host = split_host(headers.get("host", ""))
        # Not the scheme: a proxy in front of us may be the one that speaks TLS.
        return host is not None and (name, port) == (host[0], host[1] or _PORTS.get(scheme))


def _only_opens_a_page(scope: Scope) -> bool:
    """Say whether somebody follows a link from elsewhere to a page, that nothing is asked with."""
    headers = Headers(scope=scope)
    opens = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )
    return opens and scope["method"] == "GET" and "query" not in QueryParams(scope["query_string"])
