"""The guard before Dagster's web server: what a page of another site can send does not arrive."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.web_guard import LOOPBACK, WebGuard
from renewable.settings import Settings

pytestmark = pytest.mark.unit
HERE = "127.0.0.1:3000"
JSON = {"content-type": "application/json"}
HOSTS = Settings(ui_hosts=" Wind.Example , ").further_ui_hosts
NAMES = st.sampled_from(
    [
        "evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1.nip.io",
        "192.168.0.7",
        "null",
        "",
    ]
)
WEBSOCKET = "WEBSOCKET"


def answered(
    method: str, path: str = "/graphql", *headers: tuple[str, str], query: bytes = b"", **named: str
) -> tuple[int, list[dict[str, Any]]]:
    """Status of the answer, 101 for an accepted WebSocket, and what arrived behind the guard."""
    arrived: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        arrived.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect" if method == WEBSOCKET else "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    given_headers = [*headers, *((name.replace("_", "-"), value) for name, value in named.items())]
    scope = {
        "type": "websocket" if method == WEBSOCKET else "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given_headers],
    }
    asyncio.run(WebGuard(inner, HOSTS)(scope, receive, send))
    first = sent[0]
    status = {"websocket.accept": 101, "websocket.close": 403}.get(first["type"]) or first["status"]
    return status, arrived


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", WEBSOCKET]),
    st.sampled_from(["/", "/graphql", "/server_info", "/logs/a", "/report_asset_materialization/a"]),
    NAMES,
    st.sampled_from(["", ":3000", ":80"]),
    st.sampled_from(["http://", "https://", "ws://", ""]),
)
def test_a_host_or_an_origin_of_another_name_reaches_nothing(
    method: str, path: str, name: str, port: str, scheme: str
) -> None:
    for headers in (
        {"host": f"{name}{port}"},
        {"host": f"{name}{port}", "origin": f"http://{HERE}"},
        {"host": HERE, "origin": f"{scheme}{name}{port}"},
    ):
        status, arrived = answered(
            method, path, accept="text/html", content_type="application/json", **headers
        )
        assert status >= 400 and not arrived


@pytest.mark.parametrize("host", [*sorted(LOOPBACK - {"::1"}), "[::1]", "wind.example", "WIND.example"])
@pytest.mark.parametrize("port", ["", ":3000", ":443"])
def test_known_names_come_through_with_any_port_with_and_without_an_origin(host: str, port: str) -> None:
    for origin in ({}, {"origin": f"https://{host}{port}"}, {"origin": "http://localhost:4000"}):
        for method, expected in (("POST", 200), (WEBSOCKET, 101)):
            assert (
                answered(method, host=f"{host}{port}", **origin, content_type="application/json")[0]
                == expected
            )
        assert answered("GET", "/", host=f"{host}{port}", **origin)[0] == 200


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql", "/GraphQL"])
def test_graphql_takes_posts_alone_and_shows_its_page_without_the_query(path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for accept in ("*/*", "image/png", "application/json"):
            status, arrived = answered(
                method,
                path,
                host=HERE,
                accept=accept,
                content_type="application/json",
                query=b"query=mutation{x}",
            )
            assert status == 405 and not arrived
    status, (page,) = answered("GET", path, host=HERE, accept="text/html", query=b"query=mutation{x}")
    assert status == 200 and page["query_string"] == b""
    assert answered("HEAD", path, host=HERE, accept="text/html")[0] == 405


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",
        "application/jsonp",
        "",
    ],
)
@pytest.mark.parametrize(
    "path", ["/graphql", "/report_asset_materialization/a", "/report_asset_check/a", "/x"]
)
def test_what_a_form_can_send_changes_nothing_on_any_route(content_type: str, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        headers = {"content-type": content_type} if content_type else {}
        status, arrived = answered(method, path, *headers.items(), host=HERE)
        assert status in (405, 415) and not arrived
    assert answered("POST", path, host=HERE, content_type="Application/JSON; charset=utf-8")[0] == 200


@pytest.mark.parametrize("name", ["host", "origin", "content-type"])
def test_a_header_that_decides_is_there_once(name: str) -> None:
    values = {"host": HERE, "origin": f"http://{HERE}"} | JSON
    status, arrived = answered("POST", "/graphql", (name, values[name]), *values.items())
    assert status == 400 and not arrived


def test_a_request_without_a_host_is_refused() -> None:
    assert answered("POST", "/graphql", *JSON.items()) == (403, [])
    assert answered("POST", "/graphql", host="user@127.0.0.1", content_type="application/json")[0] == 403
    assert answered("POST", "/graphql", host="127.0.0.1/evil", content_type="application/json")[0] == 403


def test_no_page_may_show_the_ui_inside_itself() -> None:
    sent: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    asyncio.run(WebGuard(inner)(scope, None, send))  # type: ignore[arg-type]
    assert (b"x-frame-options", b"DENY") in sent[0]["headers"]
