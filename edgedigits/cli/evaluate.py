"""`edgedigits evaluate`: how good, how small and how fast a model is, and whether its runtimes agree."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgedigits.cli.config_flags import add_reading_arguments, given_reading
from edgedigits.cli.flags import add_data_argument, add_input_range, byte_count, refuse_idle, whole_number
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError, shown
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path
from edgedigits.options import as_share, with_unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from edgedigits.progress import Progress
    from edgedigits.scoring.evaluation import Evaluation

HELP = "measure a model on labelled digits: accuracy, size, latency, agreement of runtimes"
EXAMPLES = (
    "edgedigits evaluate deploy/focal-qat-prune",
    "edgedigits evaluate someone_elses.tflite --data mnist --min-accuracy 97% --max-size 32K",
)

SIDE_BY_SIDE_WIDTH = 110
# Both signs for micro that keyboards and word processors make.
_TIME_UNITS = {"": 1.0, "us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1000.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "path", metavar="PATH", type=build_path, help="a build's folder, a model that `models` lists, or any .tflite"
    )
    add_data_argument(
        parser,
        "CSV, IDX folder, .npz, PNG folder, mnist, mnist-5k (default: the build's own, else auto); may be repeated",
    )
    parser.add_argument(
        "--split",
        choices=("test", "all"),
        default="test",
        help="which of the digits: the test split, the one the build held out (default), or all",
    )
    parser.add_argument(
        "--threads", type=_threads, default=1, metavar="N", help="threads of the interpreter (default 1)"
    )
    add_input_range(parser)
    parser.add_argument(
        "--non-digits",
        action="append",
        default=[],
        type=user_path,
        metavar="FILE",
        help="IDX file of pictures that are no digits, such as EMNIST's letters: how many are refused; may be repeated",
    )
    parser.add_argument(
        "--non-digits-transpose", action="store_true", help="those files hold columns for rows, as EMNIST's do"
    )
    parser.add_argument("--no-latency", action="store_true", help="do not measure latency")
    add_reading_arguments(parser)
    gates = parser.add_argument_group("limits (exit code 1 when one is not kept)")
    gates.add_argument(
        "--min-accuracy", type=percentage, metavar="SHARE", help="least accuracy, such as 97.5%% or 0.975"
    )
    gates.add_argument("--max-size", type=byte_count, metavar="BYTES", help="most bytes of the .tflite, such as 16K")
    gates.add_argument(
        "--max-latency",
        type=microseconds,
        metavar="TIME",
        help="most median latency on this host, such as 50us",
    )


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Evaluate the model and hold it against the limits."""
    if args.no_latency and args.max_latency is not None:
        raise ConfigError("--max-latency needs the latency that --no-latency leaves out.", hint="Drop one of them.")
    refuse_idle("--non-digits-transpose", args.non_digits_transpose, "--non-digits", args.non_digits)
    from edgedigits.scoring.harness import check_gates
    from edgedigits.scoring.judged import evaluate_path

    evaluation, chosen = evaluate_path(
        args.path,
        args.data,
        split=args.split,
        threads=args.threads,
        latency=not args.no_latency,
        input_range=args.input_range,
        non_digits=args.non_digits,
        non_digits_transposed=args.non_digits_transpose,
        progress=progress,
        **given_reading(args),
    )
    failures = check_gates(
        evaluation,
        min_accuracy=args.min_accuracy,
        max_size=args.max_size,
        max_latency=args.max_latency,
    )
    payload = {"evaluation": evaluation.to_json(), **chosen.to_json()}
    # What is unusual about the digits was told on the way.
    notes = [note for note in evaluation.notes if note not in chosen.findings]
    return Outcome(payload, lambda console: _show(console, evaluation, notes), failures)


def percentage(text: str) -> float:
    """Parse "97.5%", "97.5" or "0.975" as a share, 0…1; without a sign, what is above 1 is percent."""
    value = as_share(text)
    if value > 1:
        value = as_share(f"{text}%")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a percentage; write it like 97.5% or 0.975")
    return value


def microseconds(text: str) -> float:
    """Parse "50", "50us", "50µs" or "0.05ms" as microseconds."""
    value = with_unit(text, _TIME_UNITS)
    if value is None or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a time; write it like 50us or 0.05ms")
    return value


def _threads(text: str) -> int:
    count = whole_number(text, 256)
    if not count:
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a number of threads from 1 to 256")
    return count


def _show(console: Console, evaluation: Evaluation, notes: Sequence[str]) -> None:
    from rich.table import Table

    for line in _lines(evaluation):
        console.print(line, soft_wrap=True)
    console.print()
    classes, confusion = _class_table(evaluation), _confusion_table(evaluation)
    if console.width >= SIDE_BY_SIDE_WIDTH:
        pair = Table.grid(padding=(0, 4))
        pair.add_row(classes, confusion)
        console.print(pair)
    else:
        console.print(classes, confusion, sep="\n")
    if evaluation.parity:
        console.print()
        console.print(_parity_table(evaluation))
    for note in notes:
        console.print(f"note: {note}", markup=False)


def _lines(evaluation: Evaluation) -> list[str]:
    from rich.markup import escape

    scores, size, latency, arena = evaluation.scores, evaluation.size, evaluation.latency, evaluation.arena
    twin = evaluation.float_accuracy
    beside = "" if twin is None else f" (float32 {twin:.2%})"
    lines = [
        f"[bold]{escape(evaluation.model)}[/bold] on {scores.count:,} digits: {escape(evaluation.data)}",
        f"pixels    0 to 255 are {escape(str(evaluation.pixels))}",
        *([] if evaluation.view.is_plain else [f"sees      {escape(str(evaluation.view))}"]),
        f"accuracy  [bold]{scores.accuracy:.2%}[/bold]{beside}, "
        f"loss {scores.loss:.4f}, macro F1 {scores.macro_f1:.4f}, "
        f"calibration error {scores.calibration_error:.4f}, {scores.ties} ties",
        *(f"source    {escape(one.words)}" for one in evaluation.sources),
        *(f"refused   {escape(one.words)}" for one in (evaluation.decisions, *evaluation.refusals) if one),
        f"size      [bold]{size.raw:,} B[/bold], with gzip {size.gzip:,} B: "
        f"{size.ratio:.1f}× and {size.gzip_ratio:.1f}× below float32 ({escape(size.float_how)})",
    ]
    if latency is not None:
        threads = "1 thread" if latency.threads == 1 else f"{latency.threads} threads"
        lines.append(
            f"latency   [bold]{latency.p50_us:g} µs[/bold] median, p90 {latency.p90_us:g}, "
            f"p99 {latency.p99_us:g}: {latency.runs:,} runs, {latency.kernels} kernels, {threads}"
        )
    if arena is not None:
        lines.append(f"arena     [bold]{arena.bytes:,} B[/bold] of RAM for TFLM; less on a 32-bit core")
    lines.append(f"measured on {escape(evaluation.host)}; scores by {evaluation.scored_by}")
    return lines


def _class_table(evaluation: Evaluation) -> Table:
    table = _table("class", "precision", "recall", "F1", "loss", "images")
    for digit, scores in enumerate(evaluation.scores.per_class):
        figures = (f"{value:.4f}" for value in (scores.precision, scores.recall, scores.f1, scores.loss))
        table.add_row(str(digit), *figures, f"{scores.support:,}")
    return table


def _confusion_table(evaluation: Evaluation) -> Table:
    table = _table("true", *(f"as {digit}" for digit in range(10)), gap=1)
    for digit, row in enumerate(evaluation.scores.confusion):
        cells = (str(count) if count else "·" for count in row)
        table.add_row(str(digit), *cells)
    return table


def _parity_table(evaluation: Evaluation) -> Table:
    table = _table("parity", "differing bytes", "max LSB", "changed classes")
    for row in evaluation.parity:
        table.add_row(
            f"{row.runtime} / {row.baseline}",
            f"{row.differing_bytes:,} of {row.bytes:,}",
            str(row.max_lsb),
            f"{row.changed_classes:,} of {row.images:,}",
        )
    return table


def _table(first: str, *others: str, gap: int = 2) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table
