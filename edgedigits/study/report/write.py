"""`study report` as a function: findings, tables and pictures of a study, as a page, CSV and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from edgedigits.artifacts import write_text
from edgedigits.data.writing import replacing
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress
from edgedigits.report.style import png_file, svg_file
from edgedigits.study.findings.frame import IDENTITY, LISTS, NUMBERS
from edgedigits.study.findings.insights import Insights, find_insights
from edgedigits.study.report.page import render_study
from edgedigits.study.report.pictures import study_pictures
from edgedigits.study.run.store import Store

PAGE, TABLE, FINDINGS, TRIALS = "report.html", "results.csv", "findings.json", "trials.jsonl"
PICTURES = "plots"


@dataclass(frozen=True)
class Written:
    """What a report consists of.

    Attributes:
        files: paths of page, CSV and JSON, and of the folder of pictures.
        sentences: the findings.
        findings: the same as JSON values.
    """

    files: tuple[Path, ...]
    sentences: tuple[str, ...]
    findings: dict[str, Any]


def write_report(folder: Path, out: Path, progress: Progress = SILENT) -> Written:
    """Write report.html, results.csv, findings.json, trials.jsonl and plots/ of the trials that are finished.

    Args:
        folder: the study's.
        out: where to write; made if it is not there. Files of an earlier report are replaced.
        progress: gets one bar.

    Raises:
        DataError: there is no study, none of its trials is finished, or `out` cannot be written.
    """
    with Store(folder, create=False) as store:
        name, trials = store.about("study"), store.planned_trials()
    insights = find_insights(name, trials)
    plots = study_pictures(insights)
    try:
        (out / PICTURES).mkdir(parents=True, exist_ok=True)
        _remove_others(out / PICTURES, {plot.name for plot in plots})
        with progress.stage("Drawing", len(plots)) as stage:
            for plot in plots:
                for suffix, content in ((".svg", svg_file(plot)), (".png", png_file(plot))):
                    with replacing(out / PICTURES / f"{plot.name}{suffix}", force=True) as path:
                        path.write_bytes(content)
                stage.advance()
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}.", hint="Choose another --out.") from None
    findings = insights.to_json()
    texts = {
        PAGE: render_study(insights, plots),
        TABLE: csv_text(insights),
        FINDINGS: json.dumps(_plain(findings), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        TRIALS: trials_text(insights),
    }
    for file, text in texts.items():
        with replacing(out / file, force=True) as path:
            write_text(path, text)
    return Written((*(out / file for file in texts), out / PICTURES), insights.sentences, _plain(findings))


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


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove the pictures of an earlier report that this one does not draw."""
    for path in folder.iterdir():
        if path.suffix in (".svg", ".png") and path.stem not in names:
            path.unlink()


def _plain(value: Any) -> Any:
    """Return JSON values without NumPy's numbers and without NaN, which JSON has not."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value != value else value
