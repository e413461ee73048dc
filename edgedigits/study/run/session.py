"""`study run` as a function: plan, hold the plan against what the folder already has, run what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.data.contents import Contents
from edgedigits.data.inspection import findings_on_contents
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress
from edgedigits.study.kinds import Entry, Plan, kinds
from edgedigits.study.run.cluster import default_jobs, open_cluster, publish_digits, require_distributed
from edgedigits.study.run.data_source import DataNeed, describe
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.keys import code_version, trial_key
from edgedigits.study.run.rows import DONE
from edgedigits.study.run.runner import Job, Summary, run_jobs
from edgedigits.study.run.store import Store


@dataclass(frozen=True)
class Options:
    """How a study runs.

    Attributes:
        jobs: trials at a time on this machine; 0 for as many as it can take.
        scheduler: address of a Dask scheduler; "" for this machine.
        cores: of each trial on this machine; 0 for all of them divided by the jobs.
        retry_failed: run failed trials once more.
    """

    jobs: int = 0
    scheduler: str = ""
    cores: int = 0
    retry_failed: bool = False


def estimate_seconds(plan: Plan, folder: Path, jobs: int) -> tuple[float, str]:
    """Return how long the trials that are missing take, and how that was obtained.

    A rough model, scaled by what the finished trials of the same kind in the folder took, where there are any.
    """
    taken = _seconds_taken(plan.entries, folder)
    seconds = 0.0
    for kind in {entry.kind for entry in plan.entries}:
        pairs = [(entry, took) for entry, took in zip(plan.entries, taken, strict=True) if entry.kind == kind]
        expected = sum(entry.estimate for entry, took in pairs if took is not None)
        pace = sum(took for _, took in pairs if took is not None) / expected if expected else 1.0
        seconds += pace * sum(entry.estimate for entry, took in pairs if took is None) / max(1, jobs)
    measured = any(took is not None for took in taken)
    how = "finished trials of this folder" if measured else "a rough model of this kind of machine"
    return seconds, f"estimated: from {how}, {jobs} at a time"


def _seconds_taken(entries: Sequence[Entry], folder: Path) -> list[float | None]:
    """Return the seconds that each entry took in a folder; None for one that is not done there.

    Found by key, as a run would find it: a trial of the same label on other rows or digits is another trial.
    """
    if not (folder / DATABASE).is_file():
        return [None] * len(entries)
    with Store(folder, create=False) as store:
        done = {trial.key: trial.seconds for trial in store.trials() if trial.status == DONE}
        digests = {place: store.about(f"data {place}") for place in {_place(entry) for entry in entries}}
    return [done.get(trial_key(entry.identity, digests[_place(entry)])) for entry in entries]


def run_plan(plan: Plan, folder: Path, options: Options, progress: Progress = SILENT) -> Summary:
    """Run what is missing of a plan; the folder's database keeps everything that was finished.

    Raises:
        DataError: the folder is of another study or version, its database cannot be used, the data differ from those
            it was started with, or there is no scheduler at the address.
        ToolMissingError: Dask is not installed.
    """
    require_distributed()
    # A scheduler that is not there shall not leave a folder behind.
    remote = open_cluster(0, options.scheduler, 0) if options.scheduler else nullcontext()
    with remote as there, Store(folder, create=True) as store:
        if store.said:
            progress.say(store.said)
        check_same(store, plan.name, folder)
        sources = read_sources(plan.entries, store, folder, progress)
        keys = [trial_key(entry.identity, sources[_place(entry)][0].digest) for entry in plan.entries]
        planned = {key: (entry.kind, entry.spec) for key, entry in zip(keys, plan.entries, strict=True)}
        store.check(planned)
        store.add((key, kind, spec) for key, (kind, spec) in planned.items())
        store.set_plan(keys)
        if options.retry_failed:
            store.retry_failed(keys)
        jobs = _group(plan.entries, keys, sources)
        waiting = set(store.waiting(keys))
        if not waiting:
            counts = store.counts(keys)
            return Summary(len(keys), done=counts["done"], failed=counts["failed"], elsewhere=counts["running"])
        # Fewer jobs than workers: each then gets more cores instead.
        useful = sum(not waiting.isdisjoint(job.specs) for job in jobs)
        jobs_at_a_time = min(options.jobs or default_jobs(), useful)
        with nullcontext(there) if there else open_cluster(jobs_at_a_time, "", options.cores) as cluster:
            progress.say(f"{len(keys):,} trials on {cluster.words}.")
            if options.scheduler:
                for need, contents in sources.values():
                    publish_digits(cluster.client, contents, need.digest)
            sources.clear()
            estimates = {key: entry.estimate for key, entry in zip(keys, plan.entries, strict=True)}
            return run_jobs(store, jobs, cluster, progress, estimates)


def jobs_here(options: Options) -> int:
    """Return how many trials run at a time, as far as that is known before a cluster is open."""
    return options.jobs or (1 if options.scheduler else default_jobs())


def check_same(store: Store, name: str, folder: Path) -> None:
    """Remember what a folder is a study of, and by which code; raises DataError where it is of another already."""
    for fact, now in (("study", name), ("code", code_version())):
        before = store.about(fact)
        if before and before != now:
            what = (
                f"is of the study {before}, and this is {now}"
                if fact == "study"
                else f"was made by edgedigits {before}, and this is {now}: other code, or libraries of other versions"
            )
            raise DataError(f"{folder} {what}.", hint="Choose another --out; it was not changed.")
        if not before:
            store.set_about(fact, now)


def _place(entry: Entry) -> str:
    """Return the data of an entry as the plan names them; what a name leads to is known once it was read."""
    return "|".join(map(str, (entry.data.source, *entry.data.reading.values())))


def read_sources(
    entries: Iterable[Entry], store: Store, folder: Path, progress: Progress
) -> dict[str, tuple[DataNeed, Contents]]:
    found: dict[str, tuple[DataNeed, Contents]] = {}
    for entry in entries:
        place = _place(entry)
        if place in found:
            continue
        need, contents = describe(entry.data, progress)
        findings_on_contents(contents, entry.data.reading, progress)
        before = store.about(f"data {place}")
        if before and before != need.digest:
            raise DataError(
                f"{need.source} holds other digits than when {folder} was started (digest {need.digest[:12]}…, "
                f"then {before[:12]}…).",
                hint="Put the old data back, or choose another --out.",
            )
        store.set_about(f"data {place}", need.digest)
        found[place] = (need, contents)
    return found


def _group(entries: Sequence[Entry], keys: Sequence[str], sources: dict[str, tuple[DataNeed, Contents]]) -> list[Job]:
    groups: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for entry, key in zip(entries, keys, strict=True):
        groups.setdefault((entry.kind, _place(entry), entry.group or key), {})[key] = entry.spec
    ranked = {name: kind.is_ranked for name, kind in kinds().items()}
    return [Job(kind, sources[place][0], specs, ranked[kind]) for (kind, place, _), specs in groups.items()]
