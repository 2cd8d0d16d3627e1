"""Which encoding a text has, where the mapping does not state it."""

import codecs
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK, _SAMPLE = 1 << 20, 1 << 16
# What Western exports write beside ASCII. A text with another sign, or with long runs of these, is not one of them.
_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿ°º²³µ·±½¼€–—‘’“”«»´§ª\u00a0")
_LONGEST_RUN = 3


def recognised(path: Path, names: Sequence[str] = (), stated: str | None = None) -> str:
    """The encoding of a text file: by its byte order mark, as stated, UTF-8 where all of it is, else by its signs.

    `names` are column names that should stand in the text: an encoding in which they do is preferred.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
        marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
        if marked is not None or stated is not None:
            return marked or stated or ""
        if b"\0" in head:
            odd, even = head[1::2].count(0), head[::2].count(0)
            return "utf-16-le" if odd > even else "utf-16-be"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        while chunk := file.read(_CHUNK):
            try:
                if decoder.getstate()[0] or not chunk.isascii():
                    decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return _without_mark(head + chunk[error.start :][:_SAMPLE], names)
    return "utf-8"


def has_old_line_ends(path: Path) -> bool:
    """Whether the lines of a text end with a carriage return alone, as programs of old Macs write them."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    return b"\r" in head and b"\n" not in head


def transcode(raw: IO[bytes], encoding: str, plain: Path, *, new_line_ends: bool = False) -> None:
    """Write a text again as UTF-8, with its own line ends or with usual ones."""
    with (
        io.TextIOWrapper(raw, encoding=encoding, newline=None if new_line_ends else "") as text,
        plain.open("w", encoding="utf-8", newline="") as out,
    ):
        shutil.copyfileobj(text, out, _CHUNK)


def _without_mark(sample: bytes, names: Sequence[str]) -> str:
    from charset_normalizer import from_bytes

    words = [word for name in names for word in name.split() if not word.isascii()]
    western = _looks_western(sample)
    if western and not words:
        return "cp1252"
    guesses = [match.encoding for match in from_bytes(sample)]
    # Guesses from few signs are often wrong between encodings of the West, so cp1252 comes first where it fits.
    guesses = ["cp1252", *guesses] if western or not guesses else [*guesses, "cp1252"]
    return max(guesses, key=lambda encoding: sum(_stands_in(word, sample, encoding) for word in words))


def _looks_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    run = longest = 0
    for sign in text:
        run = 0 if sign.isascii() else run + 1
        longest = max(longest, run)
    return longest <= _LONGEST_RUN and all(sign.isascii() or sign in _WESTERN for sign in text)


def _stands_in(word: str, sample: bytes, encoding: str) -> bool:
    try:
        return word.encode(encoding) in sample
    except UnicodeEncodeError:
        return False
