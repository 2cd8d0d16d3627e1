"""Lines of a drafted mapping: settings that are known, and questions whose choices need only be uncommented."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
# Words that YAML reads as something else.
_NO_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"}


@dataclass(frozen=True)
class Todo:
    """What the file does not tell. Each choice is one line of YAML, perhaps with a comment behind it."""

    question: str
    choices: tuple[str, ...]
    or_none: bool = False


Line = str | Todo


def yaml_lines(lines: Iterable[Line], indent: str = "") -> Iterator[str]:
    """The lines as text; choices of a question are commented out."""
    for line in lines:
        if isinstance(line, str):
            yield f"{indent}{line}"
            continue
        yield f"{indent}# TODO: {line.question} Uncomment one line{', or none' if line.or_none else ''}:"
        yield from (f"{indent}# {choice}" for choice in line.choices)


def asked(question: str, choices: Sequence[str]) -> Line:
    """A question, or its only answer."""
    different = tuple(dict.fromkeys(choices))
    return different[0] if len(different) == 1 else Todo(question, different)


def quoted(text: str) -> str:
    """A text as YAML, in quotes where it is more than a plain word."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NO_WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def listed(texts: Iterable[str]) -> str:
    """Texts as a list in YAML."""
    return f"[{', '.join(map(quoted, texts))}]"


def paired(pairs: dict[str, str]) -> str:
    """Texts and what they stand for, in YAML."""
    return "{" + ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in pairs.items()) + "}"
