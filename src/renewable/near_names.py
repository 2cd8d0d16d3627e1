"""What somebody may have meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`; did you mean X?`, or nothing where no known name is near. Case is no difference.

    What all names begin with says nothing: it is the `prefix`.
    """
    names = {each.removeprefix(prefix).casefold(): each for each in known}
    asked = name.removeprefix(prefix).casefold()
    found = get_close_matches(asked, list(names))
    return f"; did you mean {' or '.join(names[each] for each in found)}?" if found else ""
