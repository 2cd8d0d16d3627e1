"""The changes themselves: pure functions from the text of a statement to its mutations."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.mutants.sql_tokens import Structure, Token, items, structure_of, tokens_of

_ROUND = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "=", "!=": "="}
_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_LOGIC = {"and": "or", "or": "and"}
_PAIRS = [("min", "max"), ("least", "greatest"), ("bool_or", "bool_and"), ("lag", "lead"), ("floor", "ceil")]
_FUNCTIONS = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}
_SIZED_TYPES = ("decimal", "numeric", "varchar", "char")
_FRAMES = ("rows", "range", "groups")


@dataclass(frozen=True)
class Mutation:
    """A change of [start, end) of a text; `first` is the index of its first token."""

    operator: str
    first: int
    start: int
    end: int
    replacement: str

    def applied_to(self, sql: str) -> str:
        return sql[: self.start] + self.replacement + sql[self.end :]


@dataclass(frozen=True)
class _Statement:
    sql: str
    tokens: Sequence[Token]
    structure: Structure

    def word(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def text(self, first: int, last: int) -> str:
        return self.sql[self.tokens[first].start : self.tokens[last].end]

    def change(self, operator: str, first: int, last: int, replacement: str) -> Mutation:
        """Replace the tokens from index `first` to `last`, both included."""
        return Mutation(operator, first, self.tokens[first].start, self.tokens[last].end, replacement)


def mutations(sql: str) -> list[Mutation]:
    """All changes of a statement, or of a part of one that closes what it opens, in the order of their places."""
    tokens = tokens_of(sql)
    statement = _Statement(sql, tokens, structure_of(tokens))
    found = [change for operator in _OPERATORS for change in operator(statement)]
    return sorted(found, key=lambda change: (change.start, change.end, change.operator))


def scaled(number: str) -> list[tuple[str, str]]:
    """A number's changes by operator: doubled and halved; 0 becomes 1."""
    if float(number) == 0.0:
        return [("number from 0 to 1", "1.0" if "." in number else "1")]
    if number.isdigit():
        return [("number * 2", str(int(number) * 2)), ("number / 2", str(int(number) // 2))]
    return [("number * 2", repr(float(number) * 2.0)), ("number / 2", repr(float(number) / 2.0))]


def _numbers(statement: _Statement) -> Iterator[Mutation]:
    sizes = {
        inner
        for opening, closing in statement.structure.closing.items()
        if statement.word(opening - 1) in _SIZED_TYPES
        for inner in range(opening, closing)
    }
    for at, token in enumerate(statement.tokens):
        if token.kind == "number" and at not in sizes:
            for operator, after in scaled(token.text):
                yield statement.change(operator, at, at, after)
        elif token.kind == "string" and statement.word(at - 1) == "interval":
            for number in re.finditer(r"\d+(\.\d+)?", token.text):
                start, end = (token.start + edge for edge in number.span())
                for operator, after in scaled(number[0]):
                    yield Mutation(operator, at, start, end, after)


def _comparisons(statement: _Statement) -> Iterator[Mutation]:
    for at, token in enumerate(statement.tokens):
        before, after = statement.word(at - 1), statement.word(at + 1)
        if token.text in _ROUND:
            yield statement.change("comparison turned round", at, at, _ROUND[token.text])
        if token.text in _BOUNDARY:
            yield statement.change("boundary moved", at, at, _BOUNDARY[token.text])
        if token.text == "is" and after == "not":
            yield statement.change("comparison turned round", at, at + 1, "is")
        elif token.text == "is" and after in ("null", "distinct", "true", "false"):
            yield statement.change("comparison turned round", at, at, "is not")
        elif ((token.text == "in" and after == "(") or token.text == "between") and before not in (
            "not",
            *_FRAMES,
        ):
            yield statement.change("comparison turned round", at, at, f"not {token.text}")


def _logic(statement: _Statement) -> Iterator[Mutation]:
    for at, token in enumerate(statement.tokens):
        if token.text in _LOGIC and at not in statement.structure.between_ands:
            yield statement.change("and <-> or", at, at, _LOGIC[token.text])
        elif (
            token.text == "not"
            and statement.word(at - 1) != "is"
            and statement.word(at + 1) != "materialized"
        ):
            yield statement.change("not dropped", at, at, "")


def _cases(statement: _Statement) -> Iterator[Mutation]:
    for case in statement.structure.cases:
        edges = [*case.branches, case.end]
        whens = sum(statement.word(at) == "when" for at in case.branches)
        otherwise = next((at for at in case.branches if statement.word(at) == "else"), None)
        for at, following in pairwise(edges):
            if at == otherwise:
                if statement.text(at + 1, following - 1) != "null":
                    yield statement.change("branch dropped", at, following - 1, "")
            elif whens > 1:
                yield statement.change("branch dropped", at, following - 1, "")
            else:
                left = f"({statement.text(otherwise + 1, case.end - 1)})" if otherwise else "null"
                yield statement.change("branch dropped", case.start, case.end, left)


def _windows(statement: _Statement) -> Iterator[Mutation]:
    for at, token in enumerate(statement.tokens):
        if token.text == "partition" and statement.word(at + 1) == "by":
            columns = items(statement.tokens, statement.structure, at + 2, ("order", *_FRAMES, ")"))
            for column in columns:
                if len(columns) == 1:
                    yield statement.change("partition dropped", at, column[-1], "")
                elif column is columns[-1]:
                    yield statement.change("partition dropped", column[0] - 1, column[-1], "")
                else:
                    yield statement.change("partition dropped", column[0], column[-1] + 1, "")
        elif token.text in ("preceding", "following") or (
            token.text == "row" and statement.word(at - 1) == "current"
        ):
            yield from _bounds(statement, at)


def _bounds(statement: _Statement, at: int) -> Iterator[Mutation]:
    """The bound of a frame that ends at a token, moved to the nearest that gives a frame."""
    first = next(
        back
        for back in range(at, 0, -1)
        if statement.word(back - 1) in (*_FRAMES, "between", "and", "exclude")
    )
    frame = next(statement.word(back) for back in range(first, 0, -1) if statement.word(back) in _FRAMES)
    if statement.word(first - 1) == "exclude":
        yield statement.change("frame bound changed", first - 1, at, "")
        return
    step = "unbounded" if frame == "range" else "1"
    if statement.word(first) == "current":
        side = "following" if statement.word(first - 1) == "and" else "preceding"
        after = f"{step} {side}"
    elif statement.word(first) == "unbounded" and frame != "range":
        after = f"1 {statement.word(at)}"
    else:
        after = "current row"
    yield statement.change("frame bound changed", first, at, after)


def _functions(statement: _Statement) -> Iterator[Mutation]:
    for at, token in enumerate(statement.tokens):
        if token.kind != "word" or statement.word(at + 1) != "(":
            continue
        if token.text in _FUNCTIONS:
            other = _FUNCTIONS[token.text]
            yield statement.change(f"{' <-> '.join(sorted((token.text, other)))}", at, at, other)
        elif token.text == "coalesce":
            first = items(statement.tokens, statement.structure, at + 2, (")",))[0]
            kept = f"({statement.text(first[0], first[-1])})"
            yield statement.change("coalesce dropped", at, statement.structure.closing[at + 1], kept)


def _relations(statement: _Statement) -> Iterator[Mutation]:
    unions: dict[int, Mutation] = {}
    levels = [-1]
    for at, token in enumerate(statement.tokens):
        if token.text == "(":
            levels.append(at)
        elif token.text == ")":
            levels.pop()
        after = statement.word(at + 1)
        if token.text in ("inner", "left") and after == "join":
            yield statement.change(
                "inner <-> left join", at, at, {"inner": "left", "left": "inner"}[token.text]
            )
        elif token.text == "union" and after == "all":
            unions[levels[-1]] = statement.change("union <-> union all", at, at + 1, "union")
        elif token.text == "union" and after != "by":
            unions[levels[-1]] = statement.change("union <-> union all", at, at, "union all")
    # Of a chain the last one decides about all rows before it.
    yield from unions.values()


_OPERATORS: tuple[Callable[[_Statement], Iterator[Mutation]], ...] = (
    _numbers,
    _comparisons,
    _logic,
    _cases,
    _windows,
    _functions,
    _relations,
)
