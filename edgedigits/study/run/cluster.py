"""The Dask cluster of a study: on this machine, sized to its cores and memory, or one that is there already."""

from __future__ import annotations

import logging
import socket
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgedigits.data.contents import Contents
from edgedigits.errors import DataError, ToolMissingError
from edgedigits.extras import install_command
from edgedigits.files.scratch import scratch
from edgedigits.posix import interrupts_held_back, usable_cores
from edgedigits.study.run.data_source import archive

if TYPE_CHECKING:
    from distributed import Client

MEMORY_A_TRIAL = 1_500_000_000
"""Bytes that one build needs at its peak, TensorFlow included: 1.1 GB with MNIST, and room."""
CONNECT_S = 10
LOOPBACK = "127.0.0.1"
DASHBOARD_PORT = 8787
"""Of the dashboard on this machine; another one where it is taken."""


@dataclass(frozen=True)
class Cluster:
    """Where trials run.

    Attributes:
        client: connected to the scheduler.
        slots: trials at a time.
        cores: of each trial on this machine; 0 on a cluster, where a trial may use any.
        words: for people, e.g. "2 workers of 1 core on this machine".
    """

    client: Client
    slots: int
    cores: int
    words: str


def require_distributed() -> None:
    """Raise ToolMissingError where the library `distributed` is not installed."""
    try:
        import distributed  # noqa: F401  # Its settings are among Dask's from here on.
    except ImportError:
        raise ToolMissingError(
            "Dask (package distributed), which runs a study, is not installed.", hint=install_command("study")
        ) from None


def default_jobs() -> int:
    """Return how many trials run at a time on this machine: one a core, as far as memory goes and that is known."""
    try:
        import psutil
    except ImportError:
        return len(usable_cores())
    return max(1, min(len(usable_cores()), int(psutil.virtual_memory().available // MEMORY_A_TRIAL)))


@contextmanager
def open_cluster(jobs: int, scheduler: str, cores: int) -> Iterator[Cluster]:
    """Yield a cluster, which is taken down at the end if it is our own.

    Args:
        jobs: trials at a time on this machine; 0 for as many as it can take.
        scheduler: address of a scheduler such as "tcp://host:8786"; "" for this machine.
        cores: of each trial on this machine; 0 for all of them divided by the jobs.

    Raises:
        ToolMissingError: Dask is not installed.
        DataError: there is no scheduler at that address, or it has no workers.
    """
    require_distributed()
    import dask

    # A trial that kills its worker is retried by the study, which counts; Dask would not tell.
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": f"{CONNECT_S}s",
        "distributed.admin.event-loop-monitor-interval": "1000s",
    }
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(settings):
        if scheduler:
            yield from _remote(scheduler)
        else:
            yield from _local(jobs or default_jobs(), cores)


def _local(jobs: int, cores: int) -> Iterator[Cluster]:
    """Yield a scheduler and workers in this process: they only wait for the processes of trials that they start."""
    import dask
    from distributed import Client, LocalCluster

    cores = cores or max(1, len(usable_cores()) // jobs)
    port = _dashboard_port()
    # Nobody but this machine may talk to the dashboard, and no page but its own.
    origins = [f"{host}:{port}" for host in (LOOPBACK, "localhost")]
    with ExitStack() as stack:
        settings = {
            "distributed.scheduler.dashboard.bokeh-application.allow_websocket_origin": origins,
            "temporary-directory": str(stack.enter_context(scratch("dask"))),
        }
        stack.enter_context(dask.config.set(settings))
        # Of a dashboard's port that is taken.
        stack.enter_context(warnings.catch_warnings(action="ignore", category=UserWarning))
        # The workers' threads leave Ctrl-C to the study, and so do the processes that they start.
        with interrupts_held_back():
            local = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=False,
                memory_limit=0,
                dashboard_address=f"{LOOPBACK}:{port}" if find_spec("bokeh") else None,
                worker_dashboard_address=f"{LOOPBACK}:0",
                silence_logs=logging.CRITICAL,
            )
            client = stack.enter_context(Client(stack.enter_context(local)))
        services = local.scheduler_info["services"]
        dashboard = f"; dashboard http://{LOOPBACK}:{services['dashboard']}/status" if "dashboard" in services else ""
        workers, each = f"{jobs} worker{'s' * (jobs > 1)}", f"{cores} core{'s' * (cores > 1)}"
        yield Cluster(client, jobs, cores, f"{workers} of {each} on this machine{dashboard}")


def _remote(scheduler: str) -> Iterator[Cluster]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise DataError(
            f"There is no Dask scheduler at {scheduler} ({reason}).",
            hint="Start one with `dask scheduler`, workers with `dask worker ADDRESS`, or leave --scheduler out.",
        ) from None
    with client:
        slots = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        if not slots:
            raise DataError(f"The scheduler at {scheduler} has no workers.", hint=f"Start one: dask worker {scheduler}")
        yield Cluster(client, slots, 0, f"{slots} slots of {scheduler}")


def _dashboard_port() -> int:
    """Return the dashboard's usual port if it is free, else one that is."""
    for wanted in (DASHBOARD_PORT, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, wanted))
            return int(probe.getsockname()[1])
    return DASHBOARD_PORT


def publish_digits(client: Client, contents: Contents, digest: str) -> None:
    """Put the digits where workers that do not have them can fetch them: on the scheduler, by their digest."""
    if digest not in client.list_datasets():
        client.publish_dataset(archive(contents), name=digest)
