"""The docs site builds whole and asks nobody for anything; recipes of the import guide work; errors are as quoted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.site.pages import FROM_ELSEWHERE

from renewable.cli.entry import main
from renewable.importers.asset_facts import AssetFacts
from renewable.importers.expected import check_mapping, expected_path
from renewable.places import CHECKOUT

pytestmark = pytest.mark.integration
assert CHECKOUT is not None
REPO = CHECKOUT
NAMED_BLOCK = re.compile(r"`([\w.-]+)`[^\n]*:\n\n```\w*\n(.*?)```", re.DOTALL)
RECIPES = {
    title: dict(NAMED_BLOCK.findall(body))
    for title, body in re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)",
        (REPO / "docs" / "how-to" / "imports.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    if "mapping.expected.csv" in dict(NAMED_BLOCK.findall(body))
}
KNOWN = AssetFacts(
    intervals=dict.fromkeys(("WTG-01", "WTG-02", "plant-a", "plant-b"), 10),
    zones=dict.fromkeys(("WTG-01", "WTG-02", "plant-a", "plant-b"), "UTC"),
    rated_kw=dict.fromkeys(("WTG-01", "WTG-02", "plant-a", "plant-b"), 1000.0),
)
# What a page may load: its own files. Links that a person follows may lead anywhere.
LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)\"""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "site"
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=REPO,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return place


def test_the_site_has_a_page_for_each_guide_and_for_the_files_shown_from_elsewhere(site: Path) -> None:
    guides = {path.relative_to(REPO / "docs").as_posix() for path in (REPO / "docs").rglob("*.md")}
    # The README of a folder is its first page.
    wanted = [re.sub(r"(README|index)\.md$", "index.md", name) for name in sorted(guides | {*FROM_ELSEWHERE})]
    missing = [name for name in wanted if not (site / f"{name[:-3]}.html").is_file()]
    assert missing == []
    assert "RENEWABLE_LOCK_WAIT_S" in (site / "reference" / "settings.html").read_text("utf-8")


def test_no_page_loads_anything_from_a_server(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    loaded = {
        target
        for page in pages
        for pair in LOADED.findall(page.read_text("utf-8"))
        for target in pair
        if target
    }
    assert len(pages) > 20 and any(target.endswith(".js") for target in loaded)
    assert [target for target in sorted(loaded) if "//" in target] == []
    styles = "\n".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )[\"']?https?:", styles) == []
    # The theme's script would fetch the program that draws flow charts for a page that has one.
    assert not any('class="mermaid"' in page.read_text("utf-8") for page in pages)


@pytest.mark.parametrize("title", RECIPES)
def test_each_recipe_gives_the_rows_that_it_shows(tmp_path: Path, title: str) -> None:
    for name, text in RECIPES[title].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    mapping = tmp_path / "mapping.yaml"
    assert expected_path(mapping).is_file()
    checked = check_mapping(mapping, KNOWN)
    assert checked.cells and checked.differences == ()


def test_there_is_a_recipe_for_each_usual_shape() -> None:
    assert len(RECIPES) >= 7


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str]:
    """Exit code and words of a command that is called in this process."""
    monkeypatch.setattr(sys, "argv", ["renewable", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


def test_errors_of_the_troubleshooting_page_come_as_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (REPO / "docs" / "how-to" / "troubleshooting.md").read_text("utf-8")
    quoted = {
        number: message
        for number, _, message in re.findall(
            r"^## (\d+)\..*?^> (`+)(.+?) ?\2$", page, re.MULTILINE | re.DOTALL
        )
    }

    def holds(number: int, code: int, *arguments: str) -> str:
        ended, words = said(monkeypatch, capsys, *arguments)
        parts = [re.escape(part) for part in quoted[str(number)].split("…")]
        assert re.search(".*".join(parts), words, re.DOTALL), (number, words)
        assert ended == code, (number, words)
        return words

    export, fleet = tmp_path / "export.csv", tmp_path / "fleet"
    export.write_bytes((REPO / "examples" / "nrel_rsf_ii" / "rsf-ii-2022-01.csv").read_bytes())
    assert said(monkeypatch, capsys, "init", str(fleet), str(export), "--technology", "solar")[0] == 0
    profile = f"--profile={fleet / 'profile.env'}"

    monkeypatch.setenv("RENEWABLE_DATADIR", "x")
    assert "did you mean RENEWABLE_DATA_DIR?" in holds(1, 2, "status")
    monkeypatch.delenv("RENEWABLE_DATADIR")
    holds(2, 2, "status", "--profile", str(tmp_path / "nobody.env"))
    assert "lists no asset" in holds(3, 1, profile, "fleet", "check")

    with (fleet / "assets.csv").open("a", encoding="utf-8") as registry:
        registry.write(
            "p,P,s,S,solar,39.7,-105.2,1829,America/Denver,15,400,2011-01-01,408,fixed,10,180,-0.4,12\n"
        )
    assert "zone is missing" in holds(4, 1, profile, "import", "--preview")

    mapping = fleet / "mapping.yaml"
    answered = (REPO / "examples" / "nrel_rsf_ii" / "mapping.yaml").read_text("utf-8")
    answered = answered.replace("rsf-ii-2022-01.csv", "../export.csv").replace(
        "constant: rsf-ii", "constant: p"
    )
    mapping.write_text(answered.replace("ac_power_kw_1137", "ac_power"), encoding="utf-8")
    assert "did you mean ac_power_kw_1137?" in holds(5, 1, profile, "import", "--preview")
    mapping.write_text(answered.replace("%m/%d/%Y", "%Y-%m-%d"), encoding="utf-8")
    holds(6, 1, profile, "import", "--preview")

    mapping.write_text(answered.replace('"-05:00"', "America/Denver"), encoding="utf-8")
    header = export.read_text("utf-8").splitlines()[0]
    export.write_text(f"{header}\n11/6/2022 1:00,0,1,1,0,7\n11/6/2022 1:15,0,1,1,0,7\n", encoding="utf-8")
    holds(7, 1, profile, "import", "--preview")
    export.unlink()
    holds(12, 1, profile, "open")

    monkeypatch.setenv("RENEWABLE_INPUT", "files")
    holds(8, 1, profile, "run")
