"""The last words of a command: what it prints when an error reaches its top. Known cases have errors of their own."""

import errno
import os
import re
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

_SHOWN = 200
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def report_unforeseen(error: BaseException, directory: Path | None, *, hidden: Sequence[str] = ()) -> str:
    """The one line to print for an error that nobody foresaw; its traceback goes to a file, as `keep_details` says.

    The texts in `hidden`, such as addresses with passwords, appear in neither.
    """
    kept = keep_details(error, directory, hidden)
    message = (
        f"unforeseen {type(error).__name__}: {_line(_masked(str(error), hidden)) or 'without a message'}"
    )
    if kept is None:
        return f"{message}. No file could be written for its details; please report it with the command that you gave"
    return f"{message}. The details are in {kept}; please report it with that file"


def keep_details(error: BaseException, directory: Path | None, hidden: Sequence[str] = ()) -> Path | None:
    """Write the traceback to `unforeseen-<utc>.log` under `directory`, which is made, for this user alone.

    Where it cannot be written or is not known, it goes under the directory of temporary files; where that cannot
    either, there is none.
    """
    text = _masked("".join(traceback.format_exception(error)), hidden)
    name = f"unforeseen-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.log"
    places = (directory, _temporary())
    return next((path for place in places if place and (path := _written(place / name, text))), None)


def os_fault(error: OSError, data_dir: Path | None = None) -> str:
    """What the operating system refused, about which file, and the next step, in one line.

    Where the error names no file, a full disk is that of `data_dir` or of temporary files.
    """
    named = _OS_ERROR.search(str(error))
    # Polars gives the number in the text alone.
    code = error.errno or (int(named[1]) if named else None)
    # Of a copy the second one is written.
    at_fault = error.filename if error.filename2 is None else error.filename2
    path = "" if at_fault is None else _line(str(at_fault))
    match code:
        case errno.ENOSPC | errno.EDQUOT:
            place = path or f"{data_dir or 'the data directory'} or of temporary files"
            return f"no space left on the disk of {place}. Free some and run it again; nothing half written counts"
        case errno.ENAMETOOLONG:
            return f"a name is too long for the file system: {path}. A part between two slashes may have 255 bytes"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{path}: {os.strerror(code)}. Give this user the right to it, or name another place"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{path}: a file lies where a folder is needed. Move it away, or name another place"
        case errno.EISDIR:
            return f"{path} is a folder, and a file is needed: name a file"
        case errno.ENOENT:
            return f"{path}: there is no such file or folder. Make it, or name another place"
    return f"{_line(str(error))}. Mend the cause and run the command again"


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _written(path: Path, text: str) -> Path | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return None
    return path


def _masked(text: str, hidden: Sequence[str]) -> str:
    for secret in filter(None, hidden):
        text = text.replace(secret, "***")
    return text


def _line(text: str) -> str:
    """`text` as one line that can be printed, cut to some length."""
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
