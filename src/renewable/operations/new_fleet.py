"""The folder of a fleet: profile, registry and mapping, as somebody begins with them."""

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from renewable.contract import Technology
from renewable.errors import SettingsError
from renewable.fleet import OPTIONAL_COLUMNS, SOLAR_COLUMNS, WIND_COLUMNS
from renewable.places import DBT_PROJECT

PROFILE_FILE = "profile.env"
_ASSETS, _CURVES = "assets.csv", "power_curves.csv"
_OF = {"wind": WIND_COLUMNS, "solar": SOLAR_COLUMNS}


def fleet_folder(technologies: Collection[Technology], mapping: str | None) -> dict[str, str]:
    """Names of files and their texts. `mapping` is a drafted one; without it raw files come from outside.

    The registry has the columns of these technologies and one example row of each, commented out; of wind also the
    power curve of that example.
    """
    files = {
        PROFILE_FILE: profile_text("files" if mapping is None else "mapping"),
        _ASSETS: _assets(technologies),
    }
    if "wind" in technologies:
        files[_CURVES] = _curves()
    if mapping is not None:
        files["mapping.yaml"] = mapping
    return files


def profile_text(source: str) -> str:
    """The settings of a fleet whose files lie beside them."""
    mapping = "RENEWABLE_MAPPING=mapping.yaml\n" if source == "mapping" else ""
    return (
        "# The settings of one fleet: `renewable --profile THIS_FILE …`. Paths count from this folder.\n"
        "# All settings and their defaults: .env.example of the project.\n"
        "RENEWABLE_DATA_DIR=data\n"
        "RENEWABLE_FLEET_DIR=.\n"
        "# Who writes the raw files: simulator, mapping (own exports) or files (somebody else).\n"
        f"RENEWABLE_INPUT={source}\n{mapping}"
    )


def write_folder(files: Mapping[str, str], directory: Path) -> list[Path]:
    """Write what is not there yet; nothing is overwritten.

    Raises SettingsError where the folder is a fleet's already.
    """
    if (directory / PROFILE_FILE).exists():
        raise SettingsError(f"{directory / PROFILE_FILE} exists: that folder is a fleet's already")
    directory.mkdir(parents=True, exist_ok=True)
    new = [directory / name for name in files if not (directory / name).exists()]
    for path in new:
        path.write_text(files[path.name], encoding="utf-8")
    return new


def _assets(technologies: Collection[Technology]) -> str:
    rows = _rows(_ASSETS)
    left_out = {name for technology, names in _OF.items() if technology not in technologies for name in names}
    header = [name for name in rows[0] if name not in left_out | {*OPTIONAL_COLUMNS}]
    examples = [next(row for row in rows if row["technology"] == each) for each in technologies]
    lines = [header, *([row[name] for name in header] for row in examples)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    first, *others = text.getvalue().splitlines()
    # A line that begins with # is no row.
    return "\n".join([first, *(f"# {line}" for line in others), ""])


def _curves() -> str:
    rows = _rows(_CURVES)
    turbine = next(row["turbine_model"] for row in _rows(_ASSETS) if row["technology"] == "wind")
    lines = [",".join(row.values()) for row in rows if row["turbine_model"] == turbine]
    return "\n".join([",".join(rows[0]), *lines, ""])


def _rows(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT / "seeds" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
