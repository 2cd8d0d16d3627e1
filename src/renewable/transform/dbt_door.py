"""The door of dbt called by hand: a plugin of dbt-duckdb that looks at the warehouse before and after it is opened.

dbt-duckdb itself would make an empty database where there is none, or try for ages to open what another program holds;
then every model fails for want of a table. `renewable transform` and Dagster make sure of the warehouse themselves.
"""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from renewable.warehouse import NO_EXTENSIONS, busy_holder

_LOADED = "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'load_log'"
_NAMED = "RENEWABLE_WAREHOUSE names another one"


def fault_of(path: Path) -> str | None:
    """What keeps dbt from working on the warehouse at `path`, with the next step; None where nothing does."""
    if not path.exists():
        return f"there is no warehouse {path} yet: `renewable run` makes it, of all raw files; {_NAMED}"
    try:
        with duckdb.connect(str(path), read_only=True, config=NO_EXTENSIONS) as connection:
            is_loaded = connection.execute(_LOADED).fetchone() is not None
    except duckdb.Error as error:
        holder = busy_holder(str(error))
        if holder:
            return f"{path} is open in {holder}: close that program, or wait for it; {_NAMED}"
        return f"{path} cannot be opened: {' '.join(str(error).split())}; {_NAMED}"
    return None if is_loaded else f"nothing is loaded into {path} yet: run `renewable ingest` first; {_NAMED}"


class Plugin(BasePlugin):
    """Refuses by a sentence; found by its name, as dbt-duckdb's plugins are."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._is_by_hand = str(plugin_config.get("by_hand", True)).lower() == "true"

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Called before the database is opened. Raises DbtRuntimeError, which dbt prints in a line."""
        del config
        fault = fault_of(Path(creds.path).absolute()) if self._is_by_hand else None
        if fault is not None:
            raise DbtRuntimeError(fault)
