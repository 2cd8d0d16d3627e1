"""What a new version of the code needs of a warehouse that an older one made."""

from collections.abc import Callable, Iterator

from loaders.dlt_pipeline import ingest
from loaders.load_log import units_of_other_contract
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import upgrade_tables


def upgrade(
    settings: Settings,
    *,
    report: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Iterator[str]:
    """Load with the present contract, rebuild what other models built, publish; a sentence for each step as it ends.

    `report` is told what people have to know, `progress` how far a long step is.

    It may be stopped at any moment and called again: what is done stays done. Where nothing changed it does nothing.
    Raises what `ingest`, `transform` and `publish` raise.
    """
    # The first load brings an older load log to the present columns; the second judges what another contract judged.
    tell = progress or report
    yield ingest(settings, report=tell).sentence
    if units := units_of_other_contract(settings):
        judged = ingest(settings, again=units, report=tell)
        yield f"judged again by the present contract: {judged.sentence}"
    yield upgrade_tables(settings, report=report, progress=progress).sentence
    yield publish(settings, report=report, progress=progress).sentence
