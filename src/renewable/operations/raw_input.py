"""Who writes the raw files of a window: the simulator, an importer's mapping, or somebody outside."""

from collections.abc import Callable, Sequence

from renewable.contract import RawTable
from renewable.fleet import load_assets, load_fleet
from renewable.settings import Settings
from renewable.windows import Window


def deliver_raw_files(
    settings: Settings, window: Window, tables: Sequence[RawTable], *, report: Callable[[str], None]
) -> str:
    """Bring the raw files of `window` about and say in a sentence what happened.

    The simulator keeps files that are there; with a mapping all new deliveries are imported, whatever days they hold.
    """
    if settings.input == "simulator":
        from mock_data.generate import generate

        made = generate(
            load_fleet(settings.fleet_dir),
            window,
            data_dir=settings.data_dir,
            seed=settings.seed,
            profile=settings.events,
            world=settings.world,
            tables=tables,
        )
        sentence = f"simulated {made.written} files ({made.rows} rows), kept {made.kept}"
    elif settings.input == "mapping" and settings.mapping is not None:
        from renewable.importers.asset_facts import AssetFacts
        from renewable.importers.convert import import_all
        from renewable.importers.inbox import Patience

        known = AssetFacts.of_registry(load_assets(settings.fleet_dir))
        # A delivery is taken whatever days it holds.
        done = import_all(
            settings.mapping,
            settings.raw_dir,
            None,
            known,
            patience=Patience(settings.settle_s),
            report=report,
            progress=report,
        )
        sentence = "\n".join(each.sentence for each in done)
    else:
        sentence = "files come from outside: nothing to write"
    report(sentence)
    return sentence


def is_delivered(settings: Settings, window: Window, now_s: float) -> bool:
    """Whether `deliver_raw_files` would find nothing to do; `now_s` is the time since the epoch."""
    if settings.input == "simulator":
        from mock_data.generate import is_simulated

        return is_simulated(window, settings.data_dir)
    if settings.input == "mapping" and settings.mapping is not None:
        from renewable.importers.inbox import Patience, peek
        from renewable.importers.ledger import store_of

        found = peek(settings.mapping, store_of(settings.raw_dir), Patience(settings.settle_s, lambda: now_s))
        return not found.due and not found.unfinished
    return True
