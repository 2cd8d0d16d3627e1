"""Where the project's own files lie: in a checkout, or beside the installed package."""

from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[1]
# The repository's root; None where the package was installed from a wheel.
CHECKOUT: Path | None = (
    _PACKAGES.parent if (_PACKAGES.parent / "dbt" / "renewable_dbt" / "dbt_project.yml").is_file() else None
)
DBT_PROJECT: Path = _PACKAGES / "renewable_dbt" if CHECKOUT is None else CHECKOUT / "dbt" / "renewable_dbt"


def paths_start() -> Path:
    """From where a relative path counts that no file names: the checkout's root, else the working directory."""
    return CHECKOUT or Path.cwd()
