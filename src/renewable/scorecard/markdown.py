"""The scorecard of worlds as a table in a Markdown file, between two markers that stay."""

from pathlib import Path

from renewable.atomic_write import write_text_atomic
from renewable.errors import UsageError
from renewable.scorecard.world_card import HEADERS, NOTE, WorldCard, table_rows

BEGIN = "<!-- scorecard: made by renewable score --worlds, not by hand -->"
END = "<!-- scorecard ends -->"


def check_markers(path: Path) -> None:
    """Raises UsageError where the table would have no place in the file."""
    _parts(path)


def write_between_markers(card: WorldCard, path: Path) -> None:
    """Replace what stands between the markers of `path` by the table; raises UsageError without markers."""
    before, after = _parts(path)
    write_text_atomic(f"{before}{BEGIN}\n{markdown(card)}{END}{after}", path)


def markdown(card: WorldCard) -> str:
    """The table, and a line that says what it rests on."""
    lines = [
        f"{card.plan.sentence[0].upper()}{card.plan.sentence[1:]}. {NOTE}",
        "",
        f"| {' | '.join(HEADERS)} |",
        f"|{'---|' * len(HEADERS)}",
        *(f"| {' | '.join(row)} |" for row in table_rows(card.scores)),
    ]
    return "\n".join(lines) + "\n"


def _parts(path: Path) -> tuple[str, str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read as text: {error}. Name a Markdown file that exists"
        ) from error
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise UsageError(
            f"{path} has no place for the table: put the lines {BEGIN} and {END}, once each and in this order, where it"
            " belongs"
        )
    before, rest = text.split(BEGIN)
    return before, rest.split(END)[1]
