"""The tutorial is one walk: its commands run as written, its changes apply, and its outputs come."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from renewable.places import CHECKOUT

pytestmark = pytest.mark.integration
assert CHECKOUT is not None
REPO = CHECKOUT
PAGE = (REPO / "docs" / "tutorial" / "your-own-fleet.md").read_text("utf-8")
# A line before a block may say which file it is about.
BLOCK = re.compile(r"(?:^(?:Add to|Change in) `([^`]+)`:\n\n)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def squeezed(text: str) -> str:
    """Tables are as wide as the terminal."""
    return " ".join(text.split())


def change(file: Path, diff: str) -> None:
    """Replace each line with - by the line with + below it; it has to be there once."""
    lines = file.read_text("utf-8").splitlines()
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", diff, re.MULTILINE):
        assert lines.count(old) == 1, f"{file.name} has {old!r} {lines.count(old)} times"
        lines[lines.index(old)] = new
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_whoever_follows_the_tutorial_sees_what_it_shows(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RENEWABLE_")}
    environment |= {"BROWSER": "true", "PWD": str(tmp_path)}
    blocks = BLOCK.findall(PAGE)
    assert [language for _, language, _ in blocks].count("sh") >= 8
    words = ""
    for file, language, text in blocks:
        if language == "sh":
            script = f"set -e\n{text.replace('CHECKOUT', str(REPO))}"
            # A shell of its own for each block: what was activated before has to be so here.
            activate = f"source {REPO}/.venv/bin/activate\n"
            done = subprocess.run(
                ["bash", "-c", activate + script],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, (text, done.stderr)
            words = squeezed(done.stdout + done.stderr)
        elif language == "text":
            missing = [line for line in text.splitlines() if squeezed(line) not in words]
            assert missing == [], (missing, words)
        elif language == "csv":
            with (tmp_path / file).open("a", encoding="utf-8") as opened:
                opened.write(text)
        else:
            assert language == "diff"
            change(tmp_path / file, text)
    assert (tmp_path / "my_fleet" / "data" / "report" / "index.html").is_file()
