"""Tables of README.md that follow from what is declared in the package.

EDGEDIGITS_UPDATE_GOLDEN=1 pytest tests/test_readme.py writes them anew.
"""

from __future__ import annotations

import re

from edgedigits.cli.parsing import VERBS, find_verb
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.exports.catalogue import EXPORTS
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import LOSSES
from edgedigits.ramps.catalogue import RAMPS


def anchors(readme: str) -> dict[str, str]:
    """Return the anchor of each heading, as GitHub makes them, by the heading's text."""
    headings = re.findall(r"^#+ (.+)$", readme, flags=re.M)
    return {heading: re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def verbs(readme: str) -> str:
    """Return the verbs, in the order of `--help`, each with a link to its section."""
    sections = {name: anchor for heading, anchor in anchors(readme).items() for name in heading.split(", ")}
    rows = [f"| [`{verb}`](#{sections[verb]}) | {find_verb(verb).HELP} |" for verb in VERBS]
    return "\n".join(["| verb | what it does |", "| --- | --- |", *rows])


def losses(readme: str) -> str:
    """Return the losses: name, formula, flags of the parameters, source."""
    rows = ["| `--loss` | for one image | source |", "| --- | --- | --- |"]
    for loss in LOSSES.values():
        flags = ", ".join(f"`--{one.name.replace('_', '-')}`" for one in loss.parameters)
        rows.append(f"| `{loss.name}` | {loss.formula}{'; ' * bool(flags)}{flags} | {loss.source} |")
    return "\n".join(rows)


def criteria(readme: str) -> str:
    """Return the criteria of pruning: name, what is kept, score, source."""
    rows = ["| `--criterion` | keeps | score of a weight | source |", "| --- | --- | --- | --- |"]
    rows += [f"| `{one.name}` | {one.meaning} | {one.formula} | {one.source} |" for one in CRITERIA.values()]
    return "\n".join(rows)


def schedules(readme: str) -> str:
    """Return the schedules of pruning: name, meaning, source."""
    rows = ["| `--prune-schedule` | weights go | source |", "| --- | --- | --- |"]
    rows += [f"| `{one.name}` | {one.meaning} | {one.source} |" for one in RAMPS.values()]
    return "\n".join(rows)


def levels(readme: str) -> str:
    """Return the kinds of levels: name, meaning, source."""
    rows = ["| `--levels` | values of a layer | source |", "| --- | --- | --- |"]
    rows += [f"| `{one.name}` | {one.meaning} | {one.source} |" for one in LEVELS.values()]
    return "\n".join(rows)


def exports(readme: str) -> str:
    """Return the exports: name, what is written."""
    rows = ["| `--to` | what is written |", "| --- | --- |"]
    rows += [f"| `{one.name}` | {one.help} |" for one in EXPORTS.values()]
    return "\n".join(rows)


TABLES = {
    **{"verbs": verbs, "losses": losses, "criteria": criteria, "schedules": schedules, "levels": levels},
    "exports": exports,
}


def filled_in(readme: str) -> str:
    """Return the text of README.md with each table between its marks as it is to be."""
    for name, table in TABLES.items():
        marked = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        text = table(readme)
        readme, count = re.subn(marked, lambda found, text=text: f"{found[1]}{text}\n{found[2]}", readme, flags=re.S)
        assert count == 1, f"README.md has {count} places for the table of {name}"
    return readme
