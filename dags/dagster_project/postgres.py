"""The address of Dagster's PostgreSQL database: its form for Dagster, and whether somebody answers there."""

import re
from importlib.util import find_spec

from renewable.database_address import without_password
from renewable.errors import SettingsError

_CONNECT_S = 10
_FORM = (
    "It has the form postgresql://user:password@host:port/database, signs like @ in the password written %40."
    " Leave it empty for SQLite under the data directory"
)


def dagster_url(url: str) -> str:
    """`url` with the driver that dagster-postgres brings. Raises SettingsError where that package is not installed."""
    if find_spec("dagster_postgres") is None:
        raise SettingsError(
            "RENEWABLE_POSTGRES_URL is set, and dagster-postgres is not installed: it comes with the extra `postgres`"
        )
    # SQLAlchemy takes a URL without a driver for psycopg 3.
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url)


def check_database(url: str) -> None:
    """Connect once. Raises SettingsError, which shows no password, when `url` cannot be parsed or nobody answers.

    Dagster would try for a while and log each failure with a traceback.
    """
    import psycopg2
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(dagster_url(url))
        if parsed.drivername != "postgresql+psycopg2":
            raise ArgumentError("another kind of database")
        parts = parsed.translate_connect_args(username="user", database="dbname")
        psycopg2.connect(**{"connect_timeout": _CONNECT_S, **parts, **parsed.query}).close()
    # The causes hold the address: they are not chained. A port that is no number is a ValueError.
    except (ArgumentError, ValueError, TypeError, psycopg2.ProgrammingError):
        raise SettingsError(f"RENEWABLE_POSTGRES_URL is not the address of a database. {_FORM}") from None
    except psycopg2.Error as error:
        said = without_password(str(error) or type(error).__name__, url, "its address is not well formed")
        raise SettingsError(
            f"RENEWABLE_POSTGRES_URL: the database cannot be reached: {said} Start it or mend the address. {_FORM}"
        ) from None
