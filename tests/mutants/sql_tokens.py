"""SQL as tokens with their places, and what of its structure a change has to know: brackets, cases, frames."""

import re
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><>|<=|>=|!=|\|\||::|=>|->|:=|.)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A word (in lower case), number, string, quoted name or sign, at [start, end) of the text."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(sql: str) -> list[Token]:
    """Tokens without blanks and comments."""
    return [
        Token(
            str(found.lastgroup), found[0].lower() if found.lastgroup == "word" else found[0], *found.span()
        )
        for found in _TOKEN.finditer(sql)
        if found.lastgroup != "blank"
    ]


@dataclass
class Case:
    """A case expression: index of `case` and of `end`, and of each `when` and `else` of its own."""

    start: int
    end: int = 0
    branches: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Structure:
    """Closing bracket by opening one, the cases, and each `and` that belongs to a `between`."""

    closing: dict[int, int]
    cases: list[Case]
    between_ands: set[int]


def structure_of(tokens: Sequence[Token]) -> Structure:
    """Brackets, cases and `between … and` of a statement."""
    found = Structure({}, [], set())
    # Open brackets and cases, each with the betweens whose `and` is still to come.
    open_ones: list[tuple[int, Case | None]] = [(-1, None)]
    pending = [0]
    for at, token in enumerate(tokens):
        case = open_ones[-1][1]
        if token.text == "(" or token.text == "case":
            inner = Case(at) if token.text == "case" else None
            found.cases.extend([inner] if inner else [])
            open_ones.append((at, inner))
            pending.append(0)
        elif token.text == ")" or (token.text == "end" and case):
            start, _ = open_ones.pop()
            pending.pop()
            if case:
                case.end = at
            else:
                found.closing[start] = at
        elif token.text in ("when", "else") and case:
            case.branches.append(at)
        elif token.text == "between":
            pending[-1] += 1
        elif token.text == "and" and pending[-1]:
            pending[-1] -= 1
            found.between_ands.add(at)
    return found


def items(tokens: Sequence[Token], structure: Structure, first: int, stops: Sequence[str]) -> list[range]:
    """Items of a list from index `first` on, each as a range of indices, up to one of the stops on its own level."""
    found = []
    at = begin = first
    while at < len(tokens) and tokens[at].text not in stops:
        if tokens[at].text == ",":
            found.append(range(begin, at))
            begin = at + 1
        at = structure.closing.get(at, at) + 1
    return [*found, range(begin, at)]


def body_of_unit_test(sql: str) -> tuple[int, int]:
    """Where in the statement of a dbt unit test the model's own text lies: [start, end), after the inputs.

    Raises ValueError where the statement is not built as dbt builds it.
    """
    tokens = tokens_of(sql)
    structure = structure_of(tokens)
    opening = {closing: at for at, closing in structure.closing.items()}
    last = next((at for at, token in enumerate(tokens) if token.text == "_dbt_internal_unit_test_actual"), 0)
    if last - 1 not in opening:
        raise ValueError(f"no model's text in the statement of a unit test: {sql[:200]}")
    at = opening[last - 1] + 1
    if tokens[at].text == "with" and tokens[at + 1].text.startswith("__dbt__cte__"):
        at += 1
        while tokens[at].text.startswith("__dbt__cte__"):
            at = structure.closing[at + 2] + 1
            at += tokens[at].text == ","
    return tokens[at].start, tokens[last - 1].start


def with_seed_as_table(sql: str, seed: str, relation: str) -> tuple[str, str]:
    """The statement of a unit test that reads a seed from a table, and the query that gave the seed's rows before.

    Raises ValueError where the statement has no such input.
    """
    tokens = tokens_of(sql)
    for at, token in enumerate(tokens):
        if token.text == f"__dbt__cte__{seed}" and [tokens[at + 1].text, tokens[at + 2].text] == ["as", "("]:
            start, end = tokens[at + 2].end, tokens[structure_of(tokens).closing[at + 2]].start
            return f"{sql[:start]}select * from {relation}{sql[end:]}", sql[start:end]
    raise ValueError(f"the unit test does not read the seed {seed}")


def places(base: str, variant: str) -> list[Hashable]:
    """For each token of a variant of a text the place in the base that it has, one of its own where it has none."""
    base_tokens, variant_tokens = tokens_of(base), tokens_of(variant)
    base_lines, variant_lines = _by_line(base, base_tokens), _by_line(variant, variant_tokens)
    found: list[Hashable] = [None] * len(variant_tokens)
    last, since = -1, 0
    for _, from_a, to_a, from_b, to_b in _differences(
        [_texts(base_tokens, line) for line in base_lines],
        [_texts(variant_tokens, line) for line in variant_lines],
    ):
        mine = [at for line in base_lines[from_a:to_a] for at in line]
        theirs = [at for line in variant_lines[from_b:to_b] for at in line]
        for tag, a, _, b, after_b in _differences(_texts(base_tokens, mine), _texts(variant_tokens, theirs)):
            for offset in range(after_b - b):
                if tag == "equal":
                    last, since = mine[a + offset], 0
                    found[theirs[b + offset]] = last
                else:
                    since += 1
                    found[theirs[b + offset]] = (last, since)
    return found


def _differences(a: Sequence[object], b: Sequence[object]) -> list[tuple[str, int, int, int, int]]:
    if a == b:
        return [("equal", 0, len(a), 0, len(b))]
    return list(SequenceMatcher(None, a, b, autojunk=False).get_opcodes())


def _texts(tokens: Sequence[Token], line: Sequence[int]) -> tuple[str, ...]:
    return tuple(tokens[at].text for at in line)


def _by_line(sql: str, tokens: Sequence[Token]) -> list[list[int]]:
    starts = [0, *(found.end() for found in re.finditer("\n", sql))]
    lines: list[list[int]] = [[] for _ in starts]
    for at, token in enumerate(tokens):
        lines[bisect_right(starts, token.start) - 1].append(at)
    return [line for line in lines if line]
