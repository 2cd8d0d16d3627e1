"""Subcommands of `renewable`. Progress goes to stderr, results to stdout.

Exit codes are those of `renewable.errors`. Ctrl-C ends every command within two seconds (`renewable.ctrl_c`).
"""

import json
import os
import sys
import traceback
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mock_data import words
from renewable import windows
from renewable.ctrl_c import Interruption
from renewable.errors import DONE, FAULT, PipelineError, RenewableError, SettingsError, exit_code
from renewable.unforeseen import os_fault, report_unforeseen
from renewable.windows import Window, requested_window

if TYPE_CHECKING:
    import polars as pl

    from loaders.summary import LoadSummary
    from renewable.scorecard.world_card import WorldPlan
    from renewable.settings import Settings

app = typer.Typer(
    help="Performance data of wind and solar fleets: Parquet files to KPI tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

quarantine = typer.Typer(
    help="What the gate quarantined or refused, and how to bring it back.", no_args_is_help=True
)
app.add_typer(quarantine, name="quarantine")

fleet = typer.Typer()
app.add_typer(fleet, name="fleet")

# Winter and the beginning of spring in the north: ice, snow and sun.
_WORLDS_FROM, _WORLDS_DAYS = date(2025, 1, 10), 60
_settings: dict[str, Path | None] = {"profile": None}
# Options that count wherever they stand, and whether a value follows.
_ANYWHERE = {"--profile": True, "--debug": False}

Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=windows.START)]
End = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=windows.END)]
Days = Annotated[int | None, typer.Option(help=windows.DAYS)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def run_command(arguments: Sequence[str], interruption: Interruption) -> str | int | None:
    """Run a command line; the exit code, after the line of an error, if any.

    An error is one line with the next step; the traceback of one that nobody foresaw goes to a file, and with --debug
    each is shown.
    """
    try:
        app(_with_options_first(arguments))
    except SystemExit as ended:
        return _flushed(ended.code)
    except BrokenPipeError:
        return _flushed(FAULT)
    # Panics of Polars are no Exception.
    except BaseException as error:
        if "--debug" in arguments:
            traceback.print_exc()
        # Some libraries turn an interruption into an error of their own.
        if not interruption.is_asked and not isinstance(error, KeyboardInterrupt):
            _progress(f"error: {_said(error)}")
        return _flushed(exit_code(error))
    return _flushed(DONE)


def _said(error: BaseException) -> str:
    match error:
        case RenewableError():
            return str(error)
        case OSError():
            return os_fault(error, _data_dir())
    return report_unforeseen(error, _data_dir())


def _with_options_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the options of every command before the subcommand, wherever they stand."""
    first, others = list[str](), list[str]()
    left = iter(arguments)
    for each in left:
        name, _, value = each.partition("=")
        if each == "--":
            others += [each, *left]
        elif name not in _ANYWHERE:
            others.append(each)
        elif value or not _ANYWHERE[name]:
            first.append(each)
        else:
            first += [each, *([] if (follows := next(left, None)) is None else [follows])]
    return [*first, *others]


def _flushed(code: str | int | None) -> str | int | None:
    """`code`, silent also when the reader of a pipe has left: `renewable status | head -1`."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _registry() -> "pl.DataFrame | None":
    """The assets that are registered; None where no registry can be read, which is said."""
    from renewable.fleet import load_assets

    try:
        return load_assets(_load().fleet_dir)
    except RenewableError as error:
        _progress(f"drafted without a registry of assets: {error}")
        return None


def _data_dir() -> Path | None:
    try:
        return _load().data_dir
    except (RenewableError, OSError):
        return None


def _print_version(asked: bool) -> None:
    if asked:
        from renewable import __version__

        print(f"renewable {__version__}")
        raise typer.Exit


@app.callback()
def options(
    profile: Annotated[
        Path | None,
        typer.Option(
            help="Settings of one fleet, a file like .env; also after the command. Default: RENEWABLE_PROFILE."
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from; also after the command.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    # The version is printed before, `main` looks for --debug itself.
    del version, debug
    _settings["profile"] = profile


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the fleet; it is made.")],
    exports: Annotated[
        list[Path] | None, typer.Argument(help="Exports of one kind, from which a mapping is drafted.")
    ] = None,
    technology: Annotated[
        list[str] | None, typer.Option(help="wind or solar; give it twice for both. Default: both.")
    ] = None,
) -> None:
    """Start your own fleet: make a folder with profile, registry and, if you name exports, a drafted mapping."""
    from renewable.contract import Technology
    from renewable.fleet import TECHNOLOGIES
    from renewable.importers.draft import draft_mapping, named_from
    from renewable.operations.new_fleet import PROFILE_FILE, fleet_folder, write_folder

    asked = technology or list(TECHNOLOGIES)
    chosen = [each for each in get_args(Technology) if each in asked]
    if unknown := sorted({*asked} - {*TECHNOLOGIES}):
        raise typer.BadParameter(f"--technology: {', '.join(unknown)} is neither wind nor solar")
    mapping = None
    if exports:
        if len({path.absolute().parent for path in exports}) > 1:
            raise typer.BadParameter(
                "exports of one kind lie in one folder; draft the others by import --init"
            )
        folder = os.path.relpath(exports[0].absolute().parent, directory.absolute())
        mapping = named_from(draft_mapping(exports, None), folder)
    for path in write_folder(fleet_folder(chosen, mapping), directory):
        print(path)
    profile = directory / PROFILE_FILE
    _next(
        f"write your assets into {directory / 'assets.csv'}",
        f"renewable --profile {profile} fleet check",
        f"answer each TODO in {directory / 'mapping.yaml'}"
        if exports
        else f"put raw files into {directory / 'data' / 'raw'}",
        f"renewable --profile {profile} import --preview" if exports else "",
        f"renewable --profile {profile} run",
    )


@app.command()
def run(
    start: Start = None,
    end: End = None,
    days: Days = None,
    shown: Annotated[bool, typer.Option("--open", help="Open the fleet report at the end.")] = False,
) -> None:
    """Import or simulate, load, build, publish and report: all that is new, or the days of a range."""
    from renewable.cli.steps import Steps
    from renewable.cli.tables import print_summary
    from renewable.cli.whole_run import run_all
    from renewable.operations.status import read_status

    settings = _load()
    with Steps().shown() as do:
        held_back = run_all(settings, _window(start, end, days), datetime.now(UTC), do)
    print_summary([read_status(settings)])
    if shown:
        webbrowser.open(settings.report_page.as_uri())
    if held_back:
        _progress(f"error: not loaded: {'; '.join(held_back)}")
        raise typer.Exit(FAULT)


@app.command("open")
def open_report() -> None:
    """Open the fleet report in the browser."""
    page = _load().report_page
    if not page.exists():
        raise PipelineError(f"there is no report {page} yet: `renewable run`, or `renewable report`")
    webbrowser.open(page.as_uri())
    print(page)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the web server.")] = 3000,
) -> None:
    """Open the Dagster UI of this fleet on this machine, until Ctrl-C."""
    from renewable.settings import PROFILE, profile_path

    profile = profile_path(_settings["profile"])
    if profile is not None:
        os.environ[PROFILE] = str(profile)
    _load()
    command = [sys.executable, "-m", "dagster_project.ui", "--port", str(port)]
    sys.stdout.flush()
    os.execv(sys.executable, command)


@app.command()
def generate(
    start: Start = None,
    end: End = None,
    days: Days = None,
    seed: Annotated[int | None, typer.Option(help=f"{words.SEED} Default: RENEWABLE_SEED.")] = None,
    events: Annotated[str | None, typer.Option(help=f"{words.EVENTS} Default: RENEWABLE_EVENTS.")] = None,
    world: Annotated[str | None, typer.Option(help=f"{words.WORLD} Default: RENEWABLE_WORLD.")] = None,
    scale: Annotated[list[str] | None, typer.Option(help=words.SCALE)] = None,
    overwrite: Annotated[bool, typer.Option(help=words.OVERWRITE)] = False,
    jobs: Annotated[int, typer.Option(help=words.JOBS)] = 1,
    diagnose: Annotated[
        Path | None, typer.Option(help="Write no data but a sheet of plots of it to this PNG or SVG.")
    ] = None,
) -> None:
    """Simulate the fleet: raw files and answer key of each UTC day (default: the 14 whole days before today)."""
    from mock_data.diagnose import diagnose as draw
    from mock_data.generate import generate as simulate
    from mock_data.worlds import parse_scale
    from renewable.fleet import load_fleet

    settings = _load()
    fleet = load_fleet(settings.fleet_dir)
    window = _window(start, end, days) or _window(None, None, 14) or Window.of_day(_today())
    chosen_seed, profile = settings.seed if seed is None else seed, events or settings.events
    chosen_world = world or settings.world
    if diagnose is not None:
        print(f"plots of {window} in {draw(fleet, window, chosen_seed, diagnose, profile, chosen_world)}")
        return
    summary = simulate(
        fleet,
        window,
        data_dir=settings.data_dir,
        seed=chosen_seed,
        profile=profile,
        world=chosen_world,
        scale=parse_scale(scale or []),
        overwrite=overwrite,
        jobs=jobs,
        report=_progress,
        progress=sys.stderr.isatty(),
    )
    print(f"{summary.sentence} in {settings.data_dir}")
    _next("renewable ingest")


@fleet.callback(invoke_without_command=True)
def make_fleet(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="Directory to write assets.csv and power_curves.csv to.")
    ] = None,
    wind: Annotated[int, typer.Option(min=0, help="Number of wind turbines.")] = 10,
    solar: Annotated[int, typer.Option(min=0, help="Number of solar plants.")] = 10,
    seed: Annotated[int | None, typer.Option(help="Default: RENEWABLE_SEED.")] = None,
    interval_minutes: Annotated[
        int | None, typer.Option(help="Length of all intervals. Default: drawn for each site.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a registry that is there.")] = False,
) -> None:
    """Make up a fleet registry (with --out), check your own, or fit its power curves."""
    if context.invoked_subcommand is not None:
        return
    from mock_data.fleet_maker import make_fleet as make
    from mock_data.fleet_maker import write_fleet

    if out is None:
        raise typer.BadParameter("say where: --out DIRECTORY, or use one of the commands check, fit-curve")
    if (out / "assets.csv").exists() and not overwrite:
        raise typer.BadParameter(f"{out / 'assets.csv'} exists; --overwrite replaces it")
    from renewable.operations.new_fleet import PROFILE_FILE, profile_text

    made = make(wind, solar, _load().seed if seed is None else seed, interval_minutes)
    write_fleet(made, out)
    if not (out / PROFILE_FILE).exists():
        (out / PROFILE_FILE).write_text(profile_text("simulator"), encoding="utf-8")
    print(f"{made.assets.height} assets at {made.assets['site_id'].n_unique()} sites in {out}")
    _next(f"renewable --profile {out / PROFILE_FILE} run")


@fleet.command("check")
def check_fleet(
    directory: Annotated[Path | None, typer.Argument(help="Default: RENEWABLE_FLEET_DIR.")] = None,
) -> None:
    """Validate the files of a fleet, with what people report: all faults at once, then what looks like a slip."""
    from renewable.fleet import doubts, load_fleet

    where = directory or _load().fleet_dir
    found = load_fleet(where)
    sites, models = found.assets["site_id"].n_unique(), found.power_curves["turbine_model"].n_unique()
    print(f"{where}: {found.assets.height} assets at {sites} sites, {models} power curves, no faults")
    events, bad = found.reported.events, found.reported.bad_readings
    if events.height + bad.height:
        print(f"reported, by asset: {events.height} events, {bad.height} times of bad readings")
    settings = found.thresholds
    if settings.height:
        names = ", ".join(settings["threshold"].unique().sort())
        print(f"thresholds set for {settings['asset_id'].n_unique()} assets: {names}")
    for doubt in doubts(found, datetime.now(UTC)):
        print(f"look again: {doubt}")


@fleet.command("fit-curve")
def fit_curve(
    start: Start = None,
    end: End = None,
    days: Days = None,
    asset: Annotated[
        list[str] | None,
        typer.Option(help="Fit this turbine alone; may be given several times. Default: by turbine model."),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(help="Put the curves into power_curves.csv of the fleet, instead of printing them."),
    ] = False,
) -> None:
    """Turbine curves from the fleet's own raw files by the method of bins, on the range of days that is given."""
    from renewable.fitting.power_curve_fit import fit_power_curves, write_power_curves

    settings, window = _load(), _window(start, end, days)
    if window is None:
        raise typer.BadParameter("name the days to learn from, --start and --end; judge other days with them")
    fitted = fit_power_curves(settings, window, assets=asset or (), report=_progress)
    for row in fitted.used.iter_rows(named=True):
        _progress(
            f"{row['turbine_model']}: {row['running']} of {row['intervals']} intervals count as running,"
            f" measured up to {row['measured_up_to_ms']:g} m/s, level from there"
        )
    if write:
        print(f"{len(fitted.used)} curve(s) in {write_power_curves(fitted.curves, settings.fleet_dir)}")
        for name in sorted(set(fitted.used["turbine_model"])) if asset else ():
            print(f"to use {name}, write it into turbine_model of its turbine in assets.csv")
    else:
        print(fitted.curves.write_csv(), end="")


@app.command("inject-defects")
def inject_defects(
    start: Start = None,
    end: End = None,
    days: Days = None,
    kind: Annotated[list[str] | None, typer.Option(help="May be given several times. Default: all.")] = None,
    seed: Annotated[int | None, typer.Option(help="Default: RENEWABLE_SEED.")] = None,
) -> None:
    """Break raw files as files break in the wild; each break is logged beside the answer key."""
    from mock_data.defects import KINDS
    from mock_data.defects import inject_defects as inject
    from renewable.fleet import load_fleet

    settings = _load()
    window = _window(start, end, days)
    if window is None:
        raise typer.BadParameter("say which days: --start and --end, or --days")
    registry = load_fleet(settings.fleet_dir)
    chosen_seed = settings.seed if seed is None else seed
    for defect in inject(settings.data_dir, window, kind or list(KINDS), chosen_seed, registry):
        print(f"{defect.file}: {defect.kind}, {defect.rows} rows: {defect.detail}")


@app.command("import")
def import_(
    mappings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[MAPPING]",
            help="Mapping file, or a folder of them. Default: RENEWABLE_MAPPING. With --init: exports of one kind.",
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    days: Days = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write nothing; show what would come out and what looks wrong.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="With --preview: draw mean days and coverage to this .html, .png or .svg."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; compare with the expected rows in MAPPING.expected.csv."
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option(help="Convert files anew that were imported, refused or forgotten before.")
    ] = False,
    forget: Annotated[
        str | None, typer.Option(help="Instead: take the newest delivery of this file out again.")
    ] = None,
    fold_before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Instead: merge all deliveries imported before that day into one."
        ),
    ] = None,
    init: Annotated[
        bool,
        typer.Option("--init", help="Instead: print a mapping drafted from the content of these exports."),
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Instead: print the mapping's JSON schema, for editors.")
    ] = False,
    event_log: Annotated[
        Path | None,
        typer.Option(
            help="Instead: propose rows of events.csv from this log, by the mapping's event source."
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="With --event-log: add the rows to events.csv.")
    ] = False,
) -> None:
    """Convert your exports to raw files, as a mapping file says (examples/MAPPING.md)."""
    if init:
        from renewable.importers.draft import draft_mapping

        if not mappings:
            raise typer.BadParameter("name the exports to draft a mapping from: --init FILE [FILE …]")
        print(draft_mapping(mappings, _registry()), end="")
        return
    if schema:
        from renewable.importers.mapping import Mapping

        print(_json(Mapping.model_json_schema()))
        return
    from renewable.fleet import load_assets
    from renewable.importers.asset_facts import AssetFacts
    from renewable.importers.convert import fold_deliveries, forget_delivery, import_all

    settings = _load()
    assets, window = load_assets(settings.fleet_dir), _window(start, end, days)
    known = AssetFacts.of_registry(assets)
    if forget is not None:
        print(forget_delivery(settings.raw_dir, forget, known).sentence)
        return
    if fold_before is not None:
        gone = fold_deliveries(settings.raw_dir, fold_before.replace(tzinfo=UTC))
        print(f"{gone} deliveries from before {fold_before:%Y-%m-%d} are kept together now")
        return
    if mappings and len(mappings) > 1:
        raise typer.BadParameter("name one mapping file, or a folder of them")
    chosen = mappings[0] if mappings else settings.mapping
    if chosen is None:
        raise typer.BadParameter("name a mapping file, or set RENEWABLE_MAPPING")
    if event_log is not None:
        _propose_events(event_log, chosen, assets, settings.fleet_dir, write=write)
        return
    if write:
        raise typer.BadParameter("--write goes with --event-log")
    if check:
        from renewable.importers.expected import check_mapping

        checked = check_mapping(chosen, known)
        print(
            "\n".join(
                [
                    *checked.differences,
                    f"{len(checked.differences)} of {checked.cells} expected values differ",
                ]
            )
        )
        raise typer.Exit(int(bool(checked.differences)))
    if preview:
        from renewable.cli.tables import print_preview
        from renewable.importers.mapping import mapping_files
        from renewable.importers.preview import preview as look

        files = mapping_files(chosen)
        for each in files:
            # A picture of each mapping of a folder.
            drawn = (
                picture.with_stem(f"{picture.stem}-{each.stem}") if picture and len(files) > 1 else picture
            )
            print_preview(look(each, assets, window, settings.raw_dir, again=again, picture=drawn))
        return
    done = import_all(
        chosen, settings.raw_dir, window, known, again=again, report=_progress, progress=_progress
    )
    print("\n".join(each.sentence for each in done))
    _next("renewable ingest")
    if any(each.refused for each in done):
        raise typer.Exit(FAULT)


def _propose_events(
    log: Path, mapping: Path, assets: "pl.DataFrame", fleet_dir: Path, *, write: bool
) -> None:
    from renewable.importers.event_log import add_events, events_text, proposed_events
    from renewable.importers.notes import Notes

    notes = Notes()
    events = proposed_events(log, mapping, assets, fleet_dir, notes)
    if write and events.height:
        print(f"{events.height} event(s) added to {add_events(events, fleet_dir)}")
    else:
        print(events_text(events), end="")
    said = "".join(f"; {count} {what}" for what, count in notes.counts.items() if count)
    typer.echo(f"{events.height} event(s) proposed{said}", err=True)


@app.command()
def ingest(
    start: Start = None,
    end: End = None,
    days: Days = None,
    again: Annotated[
        bool, typer.Option(help="Judge and load all files of the range anew, known or not.")
    ] = False,
    allow_removal: Annotated[
        bool,
        typer.Option("--allow-removal", help="Take out what is gone, even if a folder or most files are."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load new, changed and removed raw files into the warehouse; what breaks the contract goes to quarantine."""
    from loaders.dlt_pipeline import ingest as load
    from loaders.pending import EVERY_UNIT
    from renewable.cli.steps import progress_of

    settings, window = _load(), _window(start, end, days)
    with progress_of("ingest") as say:
        summary = load(
            settings,
            window,
            again=EVERY_UNIT if again else (),
            allow_removal=allow_removal,
            report=say.progress or say,
        )
    _print_load(summary, as_json)
    if summary.held_back:
        raise typer.Exit(FAULT)
    _next("renewable transform", *(["renewable quarantine list"] if summary.rows_quarantined else []))


@quarantine.command("list")
def list_quarantine(as_json: AsJson = False) -> None:
    """List what is quarantined or refused, by file and rule."""
    from loaders.quarantine import list_quarantine as listing
    from renewable.cli.tables import print_quarantine

    settings = _load()
    found = listing(settings.quarantine_dir)
    print(_json(found.to_dicts())) if as_json else print_quarantine(found, settings.quarantine_dir)


@quarantine.command("show")
def show_quarantine(
    file: Annotated[str, typer.Argument(help="A file as `renewable quarantine list` names it.")],
    as_json: AsJson = False,
) -> None:
    """Show the rows and values of one file that are set aside, with row number and rule."""
    from loaders.quarantine import show_quarantined
    from renewable.cli.tables import print_quarantined_file

    settings = _load()
    name = _quarantined(settings, file)
    record, rows, values = show_quarantined(settings.quarantine_dir, name)
    if as_json:
        print(_json({"file": name, "record": record, "rows": rows.to_dicts(), "values": values.to_dicts()}))
    else:
        print_quarantined_file(name, record, rows, values)


@quarantine.command("replay")
def replay_quarantine(
    file: Annotated[str | None, typer.Argument(help="One file, as listed. Default: all of them.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge again what is set aside, after the registry, a setting or the file was mended, and load what is good."""
    from loaders.dlt_pipeline import replay
    from loaders.quarantine import read_quarantine

    settings = _load()
    name = None if file is None else _quarantined(settings, file)
    summary = replay(settings, name, report=_progress)
    if not summary.files_seen:
        print("nothing is set aside of a day's files; a misnamed file is loaded once it is renamed")
        return
    _print_load(summary, as_json)
    left = read_quarantine(settings.quarantine_dir)
    _progress(
        f"left in quarantine: {left.row_count} rows, {left.value_count} values, {len(left.files)} whole files"
    )


@app.command()
def transform(
    start: Start = None,
    end: End = None,
    days: Days = None,
    full: Annotated[bool, typer.Option(help="Rebuild all tables from all days.")] = False,
) -> None:
    """Build the dbt models. Without a range, build the days that are stale; `renewable status` says why."""
    from renewable.cli.steps import progress_of
    from renewable.transform.build import transform as build

    settings, window = _load(), _window(start, end, days)
    with progress_of("models") as say:
        done = build(settings, window, full=full, report=say, progress=say.progress)
    print(done.sentence)
    _next("renewable publish")


@app.command()
def upgrade() -> None:
    """After a new version: judge again what another contract judged, rebuild what other models built, publish."""
    from renewable.cli.steps import progress_of
    from renewable.operations.upgrade import upgrade as bring_up_to_date

    settings = _load()
    with progress_of("upgrade") as say:
        for sentence in bring_up_to_date(settings, report=say, progress=say.progress):
            say(sentence)
    _next("renewable report")


@app.command()
def publish(
    to: Annotated[
        str | None, typer.Option(help="Put what is new of them into this database, too: postgresql://...")
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema there.")] = "renewable",
) -> None:
    """Write the tables of the last finished build to Parquet files, all at once."""
    from renewable.cli.steps import progress_of
    from renewable.published.publish import publish as write

    if to is not None:
        from renewable.published.publish_to import publish_to

        settings, password = _load(), os.environ.get("PGPASSWORD")
        with progress_of("publish") as say:
            sent = publish_to(settings, to, schema, password=password, report=say, progress=say.progress)
        print(sent.sentence)
        return
    settings = _load()
    with progress_of("publish") as say:
        done = write(settings, report=say, progress=say.progress)
    print(done.sentence)
    _next("renewable report", "renewable summary")


@app.command()
def report(
    days: Annotated[int, typer.Option(min=1, help="Number of latest whole days to report.")] = 30,
) -> None:
    """Write the fleet report, pages that open offline, from the published tables into data/report."""
    from renewable.cli.steps import progress_of
    from renewable.report.build import write_report

    settings = _load()
    with progress_of("report") as say:
        done = write_report(settings, now=datetime.now(UTC), days=days, report=say, progress=say.progress)
    print(done.sentence)


@app.command()
def score(
    start: Start = None,
    end: End = None,
    days: Days = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the card into this PNG or SVG.")] = None,
    worlds: Annotated[
        str | None,
        typer.Option(
            help="Instead of the own data: simulate fleets in these worlds, by comma, such as plain,field,rough."
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="With --worlds: seeds, by comma; step lengths draw from each their own.")
    ] = "1",
    steps: Annotated[
        str, typer.Option(help="With --worlds: lengths of intervals in minutes, by comma.")
    ] = "10,30",
    wind: Annotated[int, typer.Option(min=0, help="With --worlds: number of turbines.")] = 4,
    solar: Annotated[int, typer.Option(min=0, help="With --worlds: number of plants.")] = 4,
    events: Annotated[str, typer.Option(help=f"With --worlds: {words.EVENTS}")] = "typical",
    markdown: Annotated[
        Path | None, typer.Option(help="With --worlds: write the table between the markers of this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what was detected with the simulator's answer key: precision, recall, lost energy.

    With --worlds of fleets that are simulated for it and thrown away: 60 days from 2025-01-10 unless --start and
    --days say otherwise.
    """
    if worlds is not None:
        if end is not None or plot is not None:
            raise typer.BadParameter("--worlds goes with --start and --days, and draws nothing")
        _score_worlds(_plan(worlds, seeds, steps, wind, solar, start, days, events), markdown, as_json)
        return
    if markdown is not None:
        raise typer.BadParameter("--markdown goes with --worlds")
    from renewable.cli.steps import progress_of
    from renewable.cli.tables import print_line_scores, print_scorecard
    from renewable.operations.score_worlds import score_own
    from renewable.scorecard.score import score as compare

    settings, window = _load(), _window(start, end, days)
    with progress_of("score") as say:
        card = compare(settings, window, report=say)
        scores = score_own(settings, window, report=say)
    if plot:
        from renewable.scorecard.chart import draw_scorecard

        _progress(f"drawn into {draw_scorecard(card, plot)}")
    if as_json:
        print(_json(card.as_dict() | {"scores": [score.as_dict() for score in scores]}))
    else:
        print_scorecard(card)
        print_line_scores(scores, "By published events and by further faults")


@app.command("backup")
def back_up(target: Annotated[Path, typer.Argument(help="The file that the copy becomes.")]) -> None:
    """Copy the warehouse to a file, between two steps of the pipeline."""
    from renewable.operations.backup import back_up as copy

    print(f"{copy(_load(), target, report=_progress) / 1e6:.1f} MB in {target}")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A file that `renewable backup` made.")]) -> None:
    """Put a copy in the warehouse's place; the present one is kept beside it, later files load again."""
    from renewable.operations.backup import BEFORE_RESTORE
    from renewable.operations.backup import restore as put_back

    settings = _load()
    files = put_back(settings, source, report=_progress)
    print(
        f"{settings.warehouse_path} is {source}, which knows {files} raw files;"
        f" what was there is beside it, .{BEFORE_RESTORE}. Next: `renewable ingest`, `renewable transform`"
    )


@app.command("alert-test")
def test_alerts() -> None:
    """Send a test message to each address in RENEWABLE_ALERT_URLS and say which took it."""
    from renewable.notify import NotifyError, named_addresses, notify

    settings = _load()
    addresses = named_addresses(settings.alert_urls)
    if not addresses:
        raise SettingsError("RENEWABLE_ALERT_URLS is empty: write Apprise URLs into it, by blank")
    failures = list[str]()
    for name, url in addresses:
        title = f"renewable ({settings.data_dir.name}): test"
        try:
            print(
                f"{name} ({notify(url, title, 'Alerts of this fleet arrive here.', name=name, kind='info')}) took it"
            )
        except NotifyError as error:
            failures.append(str(error))
    if failures:
        raise NotifyError("; ".join(failures))


@app.command()
def docs() -> None:
    """Write the data dictionary and dbt's pages (lineage, SQL, tests) into data/docs."""
    from renewable.published.dictionary import write_docs

    for path in write_docs(_load(), report=_progress):
        print(path)


@app.command()
def status(
    files: Annotated[bool, typer.Option(help="Also what became of each file: the load log.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is pending, loaded and quarantined, and how fresh the marts are."""
    from loaders.load_log import read_load_log
    from renewable.cli.tables import print_deliveries, print_load_log, print_status
    from renewable.operations.status import read_status

    settings = _load()
    found = read_status(settings)
    if as_json:
        print(_json(asdict(found) | ({"load_log": read_load_log(settings).to_dicts()} if files else {})))
    else:
        print_status(found, datetime.now(UTC))
        if files:
            if found.deliveries.deliveries:
                print_deliveries(found.deliveries.deliveries)
            print_load_log(read_load_log(settings))
    if found.warehouse_fault:
        _progress(f"error: {found.warehouse_fault}")
        raise typer.Exit(FAULT)


@app.command()
def explain(
    asset: Annotated[str, typer.Argument(help="Asset as the registry names it.")],
    time: Annotated[str, typer.Argument(help="An instant in the interval, such as 2025-01-08T12:00Z.")],
    as_json: AsJson = False,
) -> None:
    """Explain one interval: readings, doubts, expected power, causes, verdict, losses."""
    from renewable.importers.trace import sentences as origins
    from renewable.importers.trace import trace
    from renewable.operations.explain import explain as walk
    from renewable.operations.explain import sentences

    settings = _load()
    found = walk(settings, asset, time)
    traced = trace(settings.raw_dir, asset, found.start_utc, found.end_utc)
    if as_json:
        print(_json(asdict(found) | {"deliveries": [asdict(each) for each in traced]}))
    else:
        print("\n".join([*sentences(found), *origins(traced)]))


@app.command()
def summary(
    profiles: Annotated[list[Path] | None, typer.Argument(help="Further fleets, by profile.")] = None,
) -> None:
    """One table of results over this fleet and those of further profiles, and what to try next."""
    from renewable.cli.tables import print_summary
    from renewable.operations.status import read_status
    from renewable.settings import load_settings

    fleets = [_load(), *(load_settings(profile) for profile in profiles or [])]
    print_summary([read_status(settings) for settings in fleets])


def _plan(
    worlds: str,
    seeds: str,
    steps: str,
    wind: int,
    solar: int,
    start: datetime | None,
    days: int | None,
    events: str,
) -> "WorldPlan":
    from renewable.scorecard.world_card import WorldPlan

    if days is not None and days < 1:
        raise typer.BadParameter(f"--days must be at least 1, got {days}")
    return WorldPlan(
        worlds=tuple(_listed(worlds)),
        seeds=_whole_numbers("--seeds", seeds),
        steps_minutes=_whole_numbers("--steps", steps),
        wind=wind,
        solar=solar,
        first_day=start.date() if start else _WORLDS_FROM,
        days=days or _WORLDS_DAYS,
        events=events,
    )


def _score_worlds(plan: "WorldPlan", markdown: Path | None, as_json: bool) -> None:
    from renewable.cli.tables import print_world_card
    from renewable.operations.score_worlds import score_worlds
    from renewable.scorecard.markdown import check_markers, write_between_markers

    if markdown is not None:
        check_markers(markdown)
    card = score_worlds(plan, _load(), report=_progress)
    if markdown is not None:
        write_between_markers(card, markdown)
        _progress(f"the table is in {markdown}")
    if as_json:
        print(_json(card.as_dict()))
    else:
        print_world_card(card)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    found = _listed(text)
    wrong = [part for part in found if not part.isdecimal()]
    if wrong:
        raise typer.BadParameter(
            f"{option}: {', '.join(wrong)} is no whole number; write them by comma, as 1,2,3"
        )
    return tuple(map(int, found))


def _quarantined(settings: "Settings", file: str) -> str:
    from loaders.quarantine import known_as

    name = known_as(settings.quarantine_dir, file)
    if name is None:
        raise typer.BadParameter(f"nothing is set aside of {file}; `renewable quarantine list` shows what is")
    return name


def _print_load(summary: "LoadSummary", as_json: bool) -> None:
    print(_json(asdict(summary)) if as_json else summary.sentence)
    for name, reason in () if as_json else summary.files_refused.items():
        print(f"refused {name}: {reason}")


def _load() -> "Settings":
    from renewable.settings import load_settings

    return load_settings(_settings["profile"])


def _window(start: datetime | None, end: datetime | None, days: int | None) -> Window | None:
    return requested_window(start and start.date(), end and end.date(), days, today=_today())


def _today() -> date:
    return datetime.now(UTC).date()


def _next(*steps: str) -> None:
    """What to do next, on stderr."""
    told = [step for step in steps if step]
    _progress("\n".join([f"next: {told[0]}", *(f"      {step}" for step in told[1:])]))


def _progress(line: str) -> None:
    print(line, file=sys.stderr)


def _json(answer: object) -> str:
    as_text: Callable[[object], str] = str
    return json.dumps(answer, default=as_text, indent=2, ensure_ascii=False)
