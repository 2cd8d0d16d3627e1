"""dataframely without SQLAlchemy, of which we use nothing: its import takes a quarter of a short command's time."""

import sys

_is_ours_to_hide = "sqlalchemy" not in sys.modules
if _is_ours_to_hide:
    sys.modules["sqlalchemy"] = None  # type: ignore[assignment]
try:
    import dataframely as dy
finally:
    if _is_ours_to_hide:
        del sys.modules["sqlalchemy"]

__all__ = ["dy"]
