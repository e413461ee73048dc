"""`study report` as a function: findings, tables and pictures of a study, as a page, CSV and JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from edgedigits.errors import DataError
from edgedigits.files.listing import (
    REPORT,
    SCHEMA,
    TOOL,
    NotOursError,
    in_words,
    list_files,
    not_own,
    read_listing,
    seal,
)
from edgedigits.files.scratch import parents_of, partial_folder
from edgedigits.files.writing import json_text, write_json, write_text
from edgedigits.progress import SILENT, Progress
from edgedigits.report.style import SUFFIXES, Plot, plot_files
from edgedigits.study.findings.frame import IDENTITY, LISTS, NUMBERS
from edgedigits.study.findings.insights import Insights, find_insights
from edgedigits.study.report.formats import table_files
from edgedigits.study.report.page import render_study
from edgedigits.study.report.pictures import study_pictures
from edgedigits.study.report.tables import study_tables
from edgedigits.study.run.store import Store

PAGE, TABLE, FINDINGS, TRIALS = "report.html", "results.csv", "findings.json", "trials.jsonl"
PICTURES = "plots"
LIST = "report.manifest.json"
"""Says which of the files in the folder are the report's."""


@dataclass(frozen=True)
class Written:
    """What a report consists of.

    Attributes:
        files: paths of page, CSV and JSON, and of the folders of pictures and of tables.
        sentences: the findings.
        findings: the same as JSON values.
    """

    files: tuple[Path, ...]
    sentences: tuple[str, ...]
    findings: dict[str, Any]


def write_report(folder: Path, out: Path, progress: Progress = SILENT, *, formats: Sequence[str] = ()) -> Written:
    """Write report.html, results.csv, findings.json, trials.jsonl and plots/ of the trials that are finished.

    Args:
        folder: the study's.
        out: where to write; made if it is not there. Files of an earlier report are replaced, and none else.
        progress: gets one bar.
        formats: of `formats.FORMATS`, in which every table of the page is written as well, into tables/.

    Raises:
        DataError: there is no study, none of its trials is finished, `out` cannot be written, or what is there is not
            as an earlier report wrote it.
    """
    with Store(folder, create=False) as store:
        name, trials = store.about("study"), store.planned_trials()
    insights = find_insights(name, trials)
    plots, findings = study_pictures(insights), _plain(insights.to_json())
    texts = {
        PAGE: render_study(insights, plots),
        TABLE: csv_text(insights),
        FINDINGS: json_text(findings),
        TRIALS: trials_text(insights),
        **table_files(study_tables(insights), formats),
    }
    return Written(write_files(out, texts, plots, progress), insights.sentences, findings)


def write_files(
    out: Path, texts: Mapping[str, str], plots: Sequence[Plot], progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Write a report's texts and pictures, and the list of them; return the paths of files, and of folders in it.

    Args:
        out: where to write; made if it is not there. Files of an earlier report are replaced, and none else.
        texts: by the names of their files.
        plots: go into `PICTURES`.
        progress: gets one bar.

    Raises:
        DataError: `out` cannot be written, or what is there is not as an earlier report wrote it.
    """
    names = (*texts, *(f"{PICTURES}/{plot.name}{suffix}" for plot in plots for suffix in (".svg", ".png")))
    try:
        _refuse_foreign(out, (*names, LIST))
        with parents_of(out / LIST), partial_folder(out, "report") as partial:
            _draw(plots, partial / PICTURES, progress)
            for name, text in texts.items():
                (partial / name).parent.mkdir(exist_ok=True)
                write_text(partial / name, text)
            listed = {"schema": SCHEMA, "kind": REPORT, "tool": TOOL, "files": list_files(partial, names)}
            write_json(partial / LIST, seal(listed))
            _put_in_place(partial, out, names)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}.", hint="Choose another --out.") from None
    return tuple(out / name for name in dict.fromkeys(name.split("/")[0] for name in (*texts, PICTURES)))


def _draw(plots: Sequence[Plot], folder: Path, progress: Progress) -> None:
    folder.mkdir()
    with progress.stage("Drawing", len(plots)) as stage:
        for plot in plots:
            for suffix, content in plot_files(plot, *SUFFIXES).items():
                (folder / f"{plot.name}{suffix}").write_bytes(content)
            stage.advance()


def _refuse_foreign(out: Path, names: Sequence[str]) -> None:
    foreign = not_own(out, names, LIST)
    if foreign:
        raise DataError(
            f"{out} holds what this tool did not write, or not so: {in_words(foreign)}.",
            hint="Move that away, or choose another --out.",
        )


def _put_in_place(partial: Path, out: Path, names: Sequence[str]) -> None:
    """Move a report to its place, and remove the pictures of an earlier one that this one does not draw."""
    with contextlib.suppress(NotOursError):
        earlier = [name for name in read_listing(out / LIST, (REPORT,)).files if name not in names]
        for name in set(earlier).difference(not_own(out, earlier, LIST)):
            (out / name).unlink(missing_ok=True)
    for name in (*names, LIST):
        with parents_of(out / name):
            (partial / name).replace(out / name)


def csv_text(insights: Insights) -> str:
    """Return one line a trial: what it is, every figure, and precision, recall, F1 and loss of each digit."""
    frame = insights.frame
    axes = [name for name in frame.columns if name.startswith("axis ")]
    flat = frame[[*(name for name in IDENTITY if name in frame), *axes, *NUMBERS]].copy()
    parts = [flat]
    for name in LISTS:
        if name.startswith("class_"):
            rows = [one if isinstance(one, list) else [None] * 10 for one in frame[name]]
            columns = [f"{name.removeprefix('class_')}_{digit}" for digit in range(10)]
            parts.append(pd.DataFrame(rows, columns=columns, index=frame.index))
    return pd.concat(parts, axis=1).to_csv(index=False, lineterminator="\n")


def trials_text(insights: Insights) -> str:
    """Return a line of JSON a trial: what `csv_text` cannot hold, its curves and confusion matrices."""
    names = ("key", "label", "confusion", "float_confusion", "curves")
    rows = insights.frame[[name for name in names if name in insights.frame]].to_dict("records")
    return "".join(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def _plain(value: Any) -> Any:
    """Return JSON values without NumPy's numbers and without NaN, which JSON has not."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value != value else value
