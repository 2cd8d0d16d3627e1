"""Addresses of databases hold passwords, which no message shows."""

import re
from urllib.parse import unquote


def pieces_of_password(url: str) -> set[str]:
    """Texts in which a message may show the password of `url`, or a part of it.

    A sign that is not written by its number cuts the password: libraries then take its end for the host.
    """
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    texts = [password, unquote(password), *re.findall(r"(?:password|token)=([^&]*)", url)]
    return {piece for text in texts for piece in re.split(r"[@:/?#]", text) if piece}


def without_password(said: str, url: str, instead: str) -> str:
    """`said` in one line, or `instead` where it shows a part of the password of `url`."""
    line = " ".join(said.split())
    return instead if any(piece in line for piece in pieces_of_password(url)) else line


def masked_password(said: str, url: str) -> str:
    """`said` in one line, with stars for each part of the password of `url` that is longer than two signs.

    Shorter ones stand in many words, and tell nothing.
    """
    line = " ".join(said.split())
    for piece in sorted(pieces_of_password(url), key=len, reverse=True):
        line = line.replace(piece, "***") if len(piece) > 2 else line
    return line
