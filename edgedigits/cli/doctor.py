"""`edgedigits doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgedigits.cli.outcome import Outcome
from edgedigits.errors import EXIT_TOOL_MISSING

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.doctor.finding import Finding
    from edgedigits.progress import Progress

HELP = "look at what this machine lacks, and say how to get it"
EXAMPLES = ("edgedigits doctor",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: it looks at everything."""


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Look at libraries, tools, boards and places; exit with 4 where a build would fail."""
    from edgedigits.doctor.examine import examine

    findings = examine()
    stopping = [one for one in findings if one.stops_build]
    failures = tuple(f"a build would fail: {one.name}: {one.detail}. {one.remedy}" for one in stopping)
    payload = {"can_build": not stopping, "findings": [asdict(one) for one in findings]}
    return Outcome(payload, lambda console: _show(console, findings), failures, EXIT_TOOL_MISSING)


def _show(console: Console, findings: Sequence[Finding]) -> None:
    area = ""
    for one in findings:
        title = "" if one.area == area else one.area
        detail = f"{one.detail}: {one.remedy}" if one.remedy else one.detail
        console.print(f"{title:<10} {one.state:<7} {one.name:<30} {detail}", markup=False, soft_wrap=True)
        area = one.area
    if not any(one.stops_build for one in findings):
        console.print()
        console.print("A build can run: edgedigits build", soft_wrap=True)
