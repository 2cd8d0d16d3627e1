"""What MkDocs calls while it builds the site: pages from elsewhere, links between them, generated tables."""

from functools import cache
from pathlib import Path
from typing import Any

from docs.site.pages import FROM_ELSEWHERE, READERS, filled, relinked, without_drawings
from docs.site.reference import tables
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

REPO = Path(__file__).resolve().parents[2]


@cache
def _tables() -> dict[str, str]:
    return tables(REPO)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Guides for readers of the tables are found in their folder, whatever they are called."""
    folder = Path(config.docs_dir) / READERS
    found = sorted(
        folder.glob("*.md"), key=lambda path: (path.stem.lower() not in ("index", "readme"), path.name)
    )
    for part in config.nav or []:
        for entries in part.values():
            if isinstance(entries, list) and READERS in entries:
                place = entries.index(READERS)
                entries[place : place + 1] = [f"{READERS}/{path.name}" for path in found]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Files of the repository that are pages, too."""
    for page, source in FROM_ELSEWHERE.items():
        files.append(File.generated(config, page, content=(REPO / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, files: Files, **_: Any) -> str:
    """Links lead to pages of the site; tables are filled in."""
    pages = [file.src_uri for file in files.documentation_pages()]
    return filled(without_drawings(relinked(markdown, page.file.src_uri, pages)), _tables())
