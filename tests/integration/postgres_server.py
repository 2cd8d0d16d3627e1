"""A PostgreSQL server of its own for tests, where the machine has one installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.services import free_port

USER, PASSWORD = "renewable", "s3cr@t/pass"
DATABASE = "fleet"


def server_program(name: str) -> Path | None:
    """A program of PostgreSQL's server, which distributions keep off the path; None where there is none."""
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found).resolve() if found else versions[-1] if versions else None


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """The address of an empty database, without user and password; the server ends with the block."""
    initdb, postgres = server_program("initdb"), server_program("postgres")
    assert initdb is not None and postgres is not None
    # The server refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    home = directory / "postgres"
    home.mkdir(parents=True)
    if user:
        shutil.chown(home, user)
        for parent in home.parents:
            if parent.owner() == "root" and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    password = directory / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    run = {"user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [initdb, "-D", home / "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", password, "--no-sync"]
    subprocess.run([*map(str, made)], check=True, cwd=home, **run)
    port = free_port()
    started = [
        postgres,
        "-D",
        home / "data",
        "-p",
        str(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-F",
        "-k",
        home,
    ]
    server = subprocess.Popen([*map(str, started)], cwd=home, **run)
    try:
        _create_database(port)
        yield f"127.0.0.1:{port}/{DATABASE}"
    finally:
        server.terminate()
        server.wait(30)


def connect(place: str):
    """A connection of the tests to the database at `place`."""
    import psycopg2

    host, _, database = place.partition("/")
    name, _, port = host.partition(":")
    connection = psycopg2.connect(host=name, port=port, dbname=database, user=USER, password=PASSWORD)
    connection.autocommit = True
    return connection


def _create_database(port: int) -> None:
    import time

    import psycopg2

    deadline = time.monotonic() + 60
    while True:
        try:
            connection = connect(f"127.0.0.1:{port}/postgres")
            break
        except psycopg2.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.1)
    with connection.cursor() as cursor:
        cursor.execute(f"create database {DATABASE}")
    connection.close()
