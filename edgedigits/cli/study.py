"""`edgedigits study`: run many builds, or the report's table, and say what came out."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.flags import common_flags, positive_count
from edgedigits.cli.next_step import quoted
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError, shown
from edgedigits.extras import install_command, is_installed
from edgedigits.files.paths import user_path
from edgedigits.options import as_share, sources
from edgedigits.study.kinds import BUILD, Flag, Plan, TrialKind, kinds, planned_kinds

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.progress import Progress
    from edgedigits.study.run.runner import Summary

HELP = "run a grid of builds, or the report's table, here or on a Dask cluster; report what came out"
EXAMPLES = (
    "edgedigits study init",
    "edgedigits study run my_grid.toml --jobs 2",
    "edgedigits study run report-table --data mnist --seeds 3",
    "edgedigits study report study/my_grid --format latex",
)

SHOWN_TRIALS = 40
TABLE_FORMATS = ("latex", "markdown", "csv")
GRID = "grid.toml"
_INIT_HELP = f"write {GRID}, the smallest grid, to begin a study from"
_RUN_HELP = "run the trials of a study that are not done yet"
_REPORT_HELP = "write tables, plots and findings of a study: report.html, results.csv, findings.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    common = common_flags()
    init_parser = actions.add_parser("init", help=_INIT_HELP, description=_INIT_HELP, parents=[common])
    init_parser.add_argument(
        "--out", type=user_path, default=Path(), metavar="DIR", help="folder to write it into (default: this one)"
    )
    init_parser.add_argument("--force", action="store_true", help=f"replace a {GRID} that is there")
    run_parser = actions.add_parser("run", help=_RUN_HELP, description=_RUN_HELP, parents=[common])
    run_parser.add_argument("plan", metavar="PLAN", help=f"a study's TOML file, or {', '.join(planned_kinds())}")
    run_parser.add_argument("--out", type=user_path, metavar="DIR", help="the study's folder (default: study/<plan>)")
    run_parser.add_argument("--dry-run", action="store_true", help="list the trials and estimate the time")
    run_parser.add_argument("--retry-failed", action="store_true", help="run failed trials once more")
    where = run_parser.add_argument_group("where to run")
    where.add_argument(
        "--jobs", type=positive_count, default=0, metavar="N", help="trials at a time (default: by cores and memory)"
    )
    where.add_argument(
        "--threads",
        type=positive_count,
        default=0,
        metavar="N",
        help="cores of a trial here, which do not change its figures",
    )
    where.add_argument("--scheduler", default="", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786")
    grid = run_parser.add_argument_group("a grid")
    grid.add_argument("--keep-builds", action="store_true", help="keep every build's folder in DIR/builds")
    _add_flags(run_parser)
    report_parser = actions.add_parser("report", help=_REPORT_HELP, description=_REPORT_HELP, parents=[common])
    report_parser.add_argument("folder", metavar="DIR", type=user_path, help="the study's folder")
    report_parser.add_argument(
        "--out", type=user_path, metavar="DIR", help="where to write (default: the study's folder)"
    )
    report_parser.add_argument(
        "--format",
        action="append",
        default=[],
        choices=TABLE_FORMATS,
        help="also write every table with its caption, into tables/; may be given again",
    )


def _add_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that plans without a file read, each once."""
    parsers, groups = {"N": positive_count, "S": _share}, dict[str, Any]()
    for flag, helps in _flags_of_plans().items():
        names = ", ".join(helps)
        group = groups.get(names) or groups.setdefault(names, parser.add_argument_group(names))
        same = len(set(helps.values())) == 1
        words = next(iter(helps.values())) if same else "; ".join(f"{name}: {one}" for name, one in helps.items())
        group.add_argument(
            flag.flag,
            dest=flag.name,
            type=parsers.get(flag.takes, str),
            metavar=flag.takes,
            help=words,
            action="append" if flag.takes == "SOURCE" else "store",
        )


def _flags_of_plans() -> dict[Flag, dict[str, str]]:
    """Return each flag as the first plan declares it, and its help by the names of the plans that read it."""
    first: dict[str, Flag] = {}
    found: dict[Flag, dict[str, str]] = {}
    for name, kind in planned_kinds().items():
        for flag in kind.flags:
            found.setdefault(first.setdefault(flag.flag, flag), {})[name] = flag.help
    return found


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Do what the sub-verb says."""
    return {"init": _init, "run": _run, "report": _report}[args.action](args, progress)


def _init(args: argparse.Namespace, progress: Progress) -> Outcome:
    from edgedigits.examples import copy_example

    path = copy_example(GRID, args.out, force=args.force)

    def show(console: Console) -> None:
        console.print(f"written  {path}", markup=False, soft_wrap=True)
        console.print(f"next: edgedigits study run {quoted(path)}", markup=False, soft_wrap=True)

    return Outcome({"written": str(path)}, show)


def _run(args: argparse.Namespace, progress: Progress) -> Outcome:
    from edgedigits.study.run.session import Options, estimate_seconds, jobs_here, run_plan

    folder = args.out or Path("study") / Path(args.plan).stem
    plan = _plan(args, folder)
    options = Options(args.jobs, args.scheduler, args.threads, args.retry_failed)
    if args.dry_run:
        _require_sources(plan)
        seconds, how = estimate_seconds(plan, folder, jobs_here(options))
        trials = [{"kind": entry.kind, "label": entry.label, "spec": entry.spec} for entry in plan.entries]
        payload = {"study": plan.name, "trials": trials, "seconds": round(seconds, 1), "how": how, "notes": plan.notes}
        return Outcome(payload, lambda console: _show_plan(console, plan, seconds, how))
    summary = run_plan(plan, folder, options, progress)
    failures = tuple(f"trial {key}: {error}" for key, error in summary.errors.items())
    if summary.failed and not failures:
        failures = (f"{_trials(summary.failed)} failed before; run with --retry-failed to try them again.",)
    payload = {"study": plan.name, "folder": str(folder), **asdict(summary)}
    return Outcome(payload, lambda console: _show_summary(console, summary, folder), failures)


def _require_sources(plan: Plan) -> None:
    """Refuse a plan whose digits are not there, as running it would."""
    from edgedigits.data.load import require_source

    for source in dict.fromkeys(entry.data.source for entry in plan.entries):
        require_source(source)


def _plan(args: argparse.Namespace, folder: Path) -> Plan:
    kind = planned_kinds().get(args.plan)
    _refuse_unread_flags(args, kind)
    if kind:
        given = {flag.name: getattr(args, flag.name) for flag in kind.flags}
        joined = {name: sources(value) if isinstance(value, list) else value for name, value in given.items()}
        return kind.plan(**{name: value for name, value in joined.items() if value is not None})
    keep = str((folder / "builds").resolve()) if args.keep_builds else ""
    return kinds()[BUILD].plan(path=user_path(args.plan), keep=keep)


def _refuse_unread_flags(args: argparse.Namespace, kind: TrialKind | None) -> None:
    """Refuse flags that this kind of plan, or this place to run, does not read."""
    if kind and args.keep_builds:
        raise ConfigError(
            f"--keep-builds is of a study's file, and {args.plan} makes no folders of builds.", hint="Leave it out."
        )
    if args.threads and args.scheduler:
        raise ConfigError(
            "--threads is of this machine, and with --scheduler a trial uses any core of its worker's host.",
            hint="Leave it out.",
        )
    if args.jobs and args.scheduler:
        raise ConfigError(
            "--jobs is of this machine, and with --scheduler every worker of the cluster takes trials.",
            hint="Leave it out, and start as many Dask workers as there are to be trials at a time.",
        )
    for flag, helps in _flags_of_plans().items():
        if args.plan not in helps and getattr(args, flag.name) is not None:
            what, hint = ("another", "Leave it out.") if kind else ("a study's file", flag.instead)
            raise ConfigError(f"{flag.flag} is of {' and '.join(helps)}, and {args.plan} is {what}.", hint=hint)


def _report(args: argparse.Namespace, progress: Progress) -> Outcome:
    from edgedigits.study.report.write import write_report

    written = write_report(args.folder, args.out or args.folder, progress, formats=args.format)
    payload = {"files": [str(path) for path in written.files], "findings": written.findings}
    return Outcome(payload, lambda console: _show_report(console, written.sentences, written.files))


def _show_plan(console: Console, plan: Plan, seconds: float, how: str) -> None:
    from edgedigits.study.run.runner import duration

    for entry in plan.entries[:SHOWN_TRIALS]:
        console.print(f"{entry.kind:<10} {entry.label}", markup=False, soft_wrap=True)
    if len(plan.entries) > SHOWN_TRIALS:
        console.print(f"… and {len(plan.entries) - SHOWN_TRIALS:,} more")
    console.print(f"{_trials(len(plan.entries))}, about {duration(seconds)} left ({how})", soft_wrap=True)
    for note in plan.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    if not is_installed("study"):
        console.print(f"to run them: {install_command('study')}", markup=False, soft_wrap=True)


def _show_summary(console: Console, summary: Summary, folder: Path) -> None:
    from edgedigits.study.run.runner import duration

    console.print(
        f"[bold]{summary.done:,} of {_trials(summary.total)}[/bold] done, {summary.failed:,} failed"
        + (f", {summary.elsewhere:,} in another run" if summary.elsewhere else "")
        + f"; {summary.ran:,} in this run, in {duration(summary.seconds)}",
        soft_wrap=True,
    )
    if summary.best:
        console.print(f"best so far: {summary.best}", markup=False, soft_wrap=True)
    if summary.done:
        console.print(f"next: edgedigits study report {quoted(folder)}", markup=False, soft_wrap=True)


def _show_report(console: Console, sentences: tuple[str, ...], files: tuple[Path, ...]) -> None:
    for sentence in sentences:
        console.print(f"• {sentence}", markup=False, soft_wrap=True)
    console.print(f"written: {', '.join(map(str, files))}", markup=False, soft_wrap=True)


def _trials(count: int) -> str:
    return f"{count:,} trial{'s' * (count != 1)}"


def _share(text: str) -> float:
    value = as_share(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a share above 0 and up to 1")
    return value
