"""The recipe for nginx, tried with nginx on this machine: web server and report behind TLS and a password."""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from websockets.sync.client import connect

from renewable.places import CHECKOUT as REPO
from renewable.settings import Settings
from tests.integration.services import free_port, services

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx or openssl is not installed"
    ),
]
HOST = "fleet.example.org"
ORIGIN = f"https://{HOST}"
QUERY = json.dumps({"query": "{ version }"})
PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"reader:correct horse").decode()}
JSON = {"Content-Type": "application/json"}


def test_behind_the_proxy_a_password_opens_ui_and_report_and_nothing_else_does(
    settings: Settings, tmp_path: Path
) -> None:
    known = settings.model_copy(update={"ui_hosts": HOST})
    known.report_page.parent.mkdir(parents=True)
    known.report_page.write_text("<h1>the report</h1>", encoding="utf-8")
    behind, port = free_port(), free_port()
    with services(known) as dagster:
        dagster.start("webserver", "-p", str(behind), "--empty-workspace")
        dagster.until(120, "the web server", lambda: _listens(behind))
        with nginx(tmp_path / "nginx", port, behind, known.report_page.parent) as trust:
            _check_pages(port, trust)
            _check_websocket(port, trust)


def _check_pages(port: int, trust: ssl.SSLContext) -> None:
    wrong = {"Authorization": "Basic " + base64.b64encode(b"reader:wrong").decode()}
    foreign = PASSWORD | JSON | {"Origin": "https://evil.example"}
    for expected, method, path, headers, body, says in (
        (401, "GET", "/", {}, None, ""),
        (401, "GET", "/", wrong, None, ""),
        (401, "GET", "/report/", {}, None, ""),
        (401, "POST", "/graphql", JSON, QUERY, ""),
        (200, "GET", "/", PASSWORD, None, "Dagster"),
        (200, "GET", "/report/", PASSWORD, None, "the report"),
        (200, "POST", "/graphql", PASSWORD | JSON | {"Origin": ORIGIN}, QUERY, "version"),
        # The password that a browser remembers does not let another page in.
        (403, "POST", "/graphql", foreign, QUERY, "RENEWABLE_UI_HOSTS"),
        # A way out of the report's folder is a page of the UI.
        (200, "GET", "/report/../warehouse/renewable.duckdb", PASSWORD, None, "Dagster"),
    ):
        with closing(_connection(port, trust)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = answer.read().decode()
        assert answer.status == expected, (method, path, answer.status, told)
        assert says in told


def _check_websocket(port: int, trust: ssl.SSLContext) -> None:
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    with connect(
        f"wss://{HOST}/graphql",
        sock=plain,
        ssl=trust,
        origin=ORIGIN,  # type: ignore[arg-type]
        subprotocols=["graphql-ws"],  # type: ignore[list-item]
        additional_headers=PASSWORD,
    ) as live:
        live.send(json.dumps({"type": "connection_init"}))
        assert json.loads(live.recv(timeout=30))["type"] == "connection_ack"


@contextmanager
def nginx(folder: Path, port: int, behind: int, report: Path) -> Iterator[ssl.SSLContext]:
    """The recipe on `port` with its places put elsewhere; yields what trusts its certificate."""
    folder.mkdir()
    certificate, key, passwords = folder / "fleet.pem", folder / "fleet.key", folder / "passwords"
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    digest = subprocess.run(
        ["openssl", "passwd", "-apr1", "correct horse"], check=True, capture_output=True, text=True
    ).stdout.strip()
    passwords.write_text(f"reader:{digest}\n")
    recipe = (REPO / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/fleet.example.org.pem", str(certificate)),
        ("/etc/ssl/private/fleet.example.org.key", str(key)),
        ("/etc/nginx/renewable.htpasswd", str(passwords)),
        ("/var/lib/renewable/demo/report/", f"{report}/"),
        ("http://127.0.0.1:3000;", f"http://127.0.0.1:{behind};"),
    ):
        assert there in recipe, there
        recipe = recipe.replace(there, here)
    (folder / "recipe.conf").write_text(recipe, encoding="utf-8")
    # Its workers are otherwise another user's, who may not look into a test's directories.
    user = "user root;" if os.getuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} include {folder}/recipe.conf; }}\n"
    )
    process = subprocess.Popen(
        ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    )
    try:
        for _ in range(300):
            if _listens(port):
                break
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.1)
        yield ssl.create_default_context(cafile=str(certificate))
    finally:
        process.terminate()
        process.wait(30)


def _connection(port: int, trust: ssl.SSLContext) -> HTTPSConnection:
    """To the proxy on this machine, under its public name."""
    connection = HTTPSConnection(HOST, port, timeout=60, context=trust)
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sock = trust.wrap_socket(plain, server_hostname=HOST)
    return connection


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
