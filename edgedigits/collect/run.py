"""Opens a book, what reads beside it and the server, and closes them in the end, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edgedigits.collect.answer import Answers
from edgedigits.collect.book import opened_book
from edgedigits.collect.monitor import Monitor
from edgedigits.collect.page import render_collect
from edgedigits.collect.server import CollectServer
from edgedigits.collect.service import Service
from edgedigits.devices.link import open_link


@contextmanager
def collecting(path: Path, *, model: str = "", port: str = "", http_port: int = 0) -> Iterator[CollectServer]:
    """Yield a server that is ready to serve, of a book in a CSV.

    Args:
        path: of the CSV.
        model: a build's folder, or a model that `models` lists, that reads what is drawn; empty for none.
        port: of a board that says what it sees; empty for none.
        http_port: of this machine; 0 for any that is free.

    Raises:
        ConfigError, DataError, UnsupportedModelError: the CSV or the model is none that this can use.
        ToolMissingError: a port cannot be opened.
    """
    with ExitStack() as ends:
        answers = Answers(model) if model else None
        monitor = Monitor(open_link(port)) if port else None
        if monitor:
            ends.callback(monitor.close)
        service = Service(ends.enter_context(opened_book(path)), answers, monitor)
        page: Callable[[str], str] = lambda nonce: render_collect(service, nonce)  # noqa: E731
        server = CollectServer(service, page, http_port)
        ends.callback(server.server_close)
        yield server
