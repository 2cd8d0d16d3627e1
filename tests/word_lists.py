"""Finds lists of words in Python and dbt files: three or more of them in one expression, or in a row in a text."""

import ast
import re
from collections.abc import Collection, Iterator

ENOUGH = 3
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What may stand between two words of a list: quotes, brackets, a comma or a conjunction, the alias of a relation.
_BETWEEN = re.compile(r"""['"\s)\]}]*(?:,|\bor\b|\band\b|/|\|)(?:\s*(?:or|and)\b)?['"\s(\[{]*(?:\w+\.)?""")
_COMMENTS = re.compile(r"\{#.*?#\}|--[^\n]*|(?<=\s)#[^\n]*", re.DOTALL)


def lists_in_python(text: str, words: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and words of each statement that names so many; docstrings tell, and count for nothing."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and not _is_text(node):
            found = sorted({word for name in _names(node) if (word := _word(name, words))})
            if len(found) >= ENOUGH:
                yield node.lineno, found


def lists_in_dbt(text: str, words: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and words of each enumeration in SQL or YAML, whether quoted or not; comments count for nothing."""
    text = _COMMENTS.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    named = [(found, word) for found in _NAME.finditer(text) if (word := _word(found[0], words))]
    row: list[str] = []
    for number, (found, word) in enumerate(named):
        row.append(word)
        following = named[number + 1][0].start() if number + 1 < len(named) else len(text)
        if _BETWEEN.fullmatch(text, found.end(), following) is None:
            if len(set(row)) >= ENOUGH:
                yield text.count("\n", 0, found.start()) + 1, sorted(set(row))
            row = []


def _word(name: str, words: Collection[str]) -> str | None:
    """The word that a name is, or that it is made of: downtime_kwh, ghi_wm2_flag."""
    return next((word for word in words if name == word or name.startswith(f"{word}_")), None)


def _names(statement: ast.stmt) -> Iterator[str]:
    """Names within texts and of keyword arguments, of the statement itself: not of those inside it."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _NAME.findall(node.value)
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        pending += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
        ]


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
