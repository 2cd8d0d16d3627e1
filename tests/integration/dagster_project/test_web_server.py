"""The web server as the units and `make ui` start it, on a port of this machine."""

import json
import socket
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from renewable.settings import Settings
from tests.integration.services import free_port, services

pytestmark = pytest.mark.integration


def test_other_pages_and_hosts_reach_nothing_and_what_the_ui_sends_does(settings: Settings) -> None:
    port = free_port()
    with services(settings) as dagster:
        dagster.start("webserver", "-p", str(port), "--empty-workspace")
        dagster.until(120, "the web server", lambda: _listens(port))
        _check(port)


def _check(port: int) -> None:
    here, evil = f"127.0.0.1:{port}", "http://evil.example"
    mutation = urlencode({"query": 'mutation { deleteRun(runId: "x") { __typename } }'})
    query, json_type = json.dumps({"query": "{ version }"}), {"Content-Type": "application/json"}
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "graphql-ws",
    }
    for expected, method, path, headers, body in (
        (405, "GET", f"/graphql?{mutation}", {}, None),
        (415, "POST", f"/graphql?{mutation}", {}, None),
        (403, "POST", "/graphql", json_type | {"Origin": evil}, query),
        (403, "POST", "/graphql", json_type | {"Host": "evil.example"}, query),
        (415, "POST", "/report_asset_materialization/raw/weather", {}, None),
        (403, "GET", "/graphql", upgrade | {"Origin": evil}, None),
        (403, "GET", "/graphql", upgrade | {"Host": "evil.example"}, None),
        (101, "GET", "/graphql", upgrade | {"Origin": f"http://{here}"}, None),
        (200, "POST", "/graphql", json_type | {"Origin": f"http://{here}"}, query),
        (200, "POST", "/graphql", json_type, query),
        (200, "GET", "/", {}, None),
    ):
        with closing(HTTPConnection(here, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            assert connection.getresponse().status == expected, (method, path, headers)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
