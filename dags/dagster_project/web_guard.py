"""What may reach Dagster's web server, which has no login and runs mutations sent by GET, from any page and host.

An ASGI middleware before it lets through what its own pages and tools on this machine send, and nothing that another
page in the same browser can: the names in Host and Origin have to be known, and what is no mere look is JSON, which a
browser does not send to another site without asking it first.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOOKS = ("GET", "HEAD")
_ONCE = ("host", "origin", "content-type")
_POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let through; `status` is that of HTTP."""

    status: int
    reason: str


class WebGuard:
    """Passes to `app` what `refusal` has nothing against; `hosts` are known beside the loopback names."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.strip().lower().strip("[]") for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = refusal(
            scope["type"], scope.get("method", ""), scope["path"], Headers(scope=scope), self._hosts
        )
        if refused is None:
            await self._app(_without_query_to_graphql(scope), receive, _unframed(send))
        elif scope["type"] == "http":
            await PlainTextResponse(f"{refused.reason}\n", refused.status)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refused.reason})


def refusal(kind: str, method: str, path: str, headers: Headers, hosts: frozenset[str]) -> Refusal | None:
    """What is against a request; None when nothing is.

    `kind` is `http` or `websocket`. Every request names one known host; an origin, where there is one, is known too.
    """
    if doubled := [name for name in _ONCE if len(headers.getlist(name)) > 1]:
        return Refusal(400, f"the header {doubled[0]} is there twice")
    if _host_name(headers.get("host", "")) not in hosts:
        return Refusal(403, "this host name is not known here: RENEWABLE_UI_HOSTS lists further ones")
    origin = headers.get("origin")
    if origin is not None and _host_of_origin(origin) not in hosts:
        return Refusal(
            403, "pages of other sites may not come here: RENEWABLE_UI_HOSTS lists further host names"
        )
    if kind == "websocket":
        return None
    if kind != "http":
        return Refusal(400, f"nothing here speaks {kind}")
    if _is_graphql(path):
        if method == "GET" and "text/html" in headers.get("accept", ""):
            return None
        if method != "POST":
            return Refusal(405, "queries and mutations come by POST, with content type application/json")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in _LOOKS and media_type != "application/json":
        return Refusal(415, "the content type has to be application/json")
    return None


def _host_name(authority: str) -> str:
    """Of `name`, `name:port`, `[::1]:port`; empty when it is none of them."""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port
    except ValueError:
        return ""
    # A user before the host, or a path behind it, is no part of such a header.
    return (parts.hostname or "") if parts.netloc == authority and "@" not in authority else ""


def _host_of_origin(origin: str) -> str:
    scheme, found, authority = origin.partition("://")
    return _host_name(authority) if found and scheme.lower() in ("http", "https") else ""


def _is_graphql(path: str) -> bool:
    return path.rstrip("/").rpartition("/")[2].lower() == "graphql"


def _without_query_to_graphql(scope: Scope) -> Scope:
    """The page for queries by hand reads the address in the browser; the server shall not."""
    if scope["type"] == "http" and scope["method"] == "GET" and _is_graphql(scope["path"]):
        return {**scope, "query_string": b""}
    return scope


def _unframed(send: Send) -> Send:
    """No page may show this one inside itself, under something else to click on."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"x-frame-options", b"DENY")]}
        await send(message)

    return sent
