"""Which files of the repository are pages of the site, and where a link between them leads there. Pure functions."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

# A page of the site -> the file of the repository that it shows. All other pages lie in docs/ under their own name.
FROM_ELSEWHERE = {
    "index.md": "README.md",
    "how-to/deploy.md": "deploy/README.md",
    "reference/mapping.md": "examples/MAPPING.md",
    "explanation/architecture.md": "ARCHITECTURE.md",
    "explanation/decisions.md": "DECISIONS.md",
    "examples/la_haute_borne.md": "examples/la_haute_borne/README.md",
    "examples/nrel_rsf_ii.md": "examples/nrel_rsf_ii/README.md",
    "examples/wide_format.md": "examples/wide_format/README.md",
    "about/changes.md": "CHANGELOG.md",
    "about/contributing.md": "CONTRIBUTING.md",
}
DOCS = "docs"
READERS = "readers"

_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE = re.compile(r"(`[^`]*`)")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
_ARROWS = re.compile(r"^ +([\w &]+) --> (\w+)$", re.MULTILINE)
_ELSEWHERE = ("http://", "https://", "mailto:", "#")


def source_of(page: str) -> str:
    """The file of the repository that a page of the site shows."""
    return FROM_ELSEWHERE.get(page, f"{DOCS}/{page}")


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines outside of fenced code, with their number from 1."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if fence is None and mark is None:
            yield number, line
        elif mark is not None:
            fence = mark[1] if fence is None else None if mark[1] == fence else fence


def links(text: str) -> Iterator[tuple[int, str]]:
    """Line and target of each link and picture that leads into the repository."""
    for number, line in prose_lines(text):
        for part in _CODE.split(line)[::2]:
            for _, _, target in _LINK.findall(part):
                if not target.startswith(_ELSEWHERE):
                    yield number, target


def repository_path(target: str, source: str) -> str:
    """The path in the repository that a link in the file `source` names, without its anchor."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target.partition("#")[0]))


def relinked(text: str, page: str, pages: Iterable[str]) -> str:
    """`text` with its links leading to pages of the site. What is no page there becomes the name of the file."""
    shown = {source_of(each): each for each in pages}
    source = source_of(page)

    def link(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        if target.startswith(_ELSEWHERE):
            return found[0]
        path = repository_path(target, source)
        place = next(
            (shown[each] for each in (path, f"{path}/README.md", f"{path}/index.md") if each in shown), None
        )
        if place is None and path.startswith(f"{DOCS}/") and posixpath.splitext(path)[1]:
            place = path.removeprefix(f"{DOCS}/")
        if place is None:
            return f"`{path}`" if words.strip("`") in (path, target.rstrip("/")) else f"{words} (`{path}`)"
        _, hash_mark, anchor = target.partition("#")
        return (
            f"{mark}[{words}]({posixpath.relpath(place, posixpath.dirname(page) or '.')}{hash_mark}{anchor})"
        )

    prose = {number for number, _ in prose_lines(text)}
    lines = [
        "".join(part if i % 2 else _LINK.sub(link, part) for i, part in enumerate(_split_code(line)))
        if number in prose
        else line
        for number, line in enumerate(text.splitlines(), 1)
    ]
    return "\n".join(lines) + "\n"


def without_drawings(text: str) -> str:
    """Flow charts as tables: to draw them a browser would ask a server for the program that draws."""

    def table(found: re.Match[str]) -> str:
        rows = [f"| {into} | {from_.replace(' & ', ', ')} |" for from_, into in _ARROWS.findall(found[1])]
        return "\n".join(["| model | reads |", "|---|---|", *rows])

    return _MERMAID.sub(table, text)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """`text` with each line `<!-- generated: NAME -->` replaced by that table. Raises KeyError for an unknown name."""
    return re.sub(r"^<!-- generated: (.+?) -->$", lambda found: tables[found[1]], text, flags=re.MULTILINE)


def _split_code(line: str) -> list[str]:
    """Prose and code in turn. A link whose words are code stays in one piece."""
    pieces = [""]
    at = 0
    for found in re.finditer(r"`[^`]*`", line):
        inside_link = any(a.start() <= found.start() < a.end() for a in _LINK.finditer(line))
        if not inside_link:
            pieces[-1] += line[at : found.start()]
            pieces += [found[0], ""]
            at = found.end()
    pieces[-1] += line[at:]
    return pieces
