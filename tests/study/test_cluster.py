"""The cluster of this machine: its dashboard talks to its own pages only, and what it leaves in a kill is swept up."""

from __future__ import annotations

import base64
import http.client
import re
import socket
import sys

import pytest

from edgedigits.posix import usable_cores
from edgedigits.study.run import cluster
from edgedigits.study.run.cluster import default_jobs, open_cluster


@pytest.fixture(scope="module")
def dashboard():
    """Return the address of a dashboard while the usual port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cluster, "DASHBOARD_PORT", taken.getsockname()[1])
            with open_cluster(1, "", 0) as opened:
                yield re.search(r"http://([\d.]+):(\d+)", opened.words).groups()


def websocket_status(address, origin):
    """Return how the dashboard answers a page of `origin` that asks for its stream."""
    connection = http.client.HTTPConnection(address[0], int(address[1]), timeout=20)
    wishes = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Origin": origin}
    connection.request(
        "GET", "/status/ws", headers={**wishes, "Sec-WebSocket-Key": base64.b64encode(b"0" * 16).decode()}
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_dashboard_streams_to_its_own_pages_only(dashboard):
    host, port = dashboard
    assert websocket_status(dashboard, f"http://{host}:{port}") == http.HTTPStatus.SWITCHING_PROTOCOLS
    assert websocket_status(dashboard, f"http://localhost:{port}") == http.HTTPStatus.SWITCHING_PROTOCOLS
    for stranger in ("http://example.com", f"http://example.com:{port}", "http://localhost:1", "null"):
        assert websocket_status(dashboard, stranger) == http.HTTPStatus.FORBIDDEN, stranger


def test_how_many_trials_run_at_a_time_is_known_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert default_jobs() == len(usable_cores())
