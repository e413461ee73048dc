"""Carries the page and its questions over HTTP, to this machine alone.

It listens on 127.0.0.1. Each run has a secret in its address, which other programs and pages do not know; a request
must name this address as its host, so that no name of elsewhere leads here; a page from elsewhere is refused by its
origin. Whatever is malformed gets an answer of its own and ends its connection.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edgedigits.collect.service import Service
from edgedigits.errors import DataError, EdgedigitsError, ToolMissingError
from edgedigits.version import __version__

HOST = "127.0.0.1"
MOST_BODY = 256 * 1024
MOST_CONNECTIONS = 32
IDLE_S = 10.0
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_KEY = re.compile(r"digits/([0-9]{1,9})")
_AFTER = re.compile(r"seen/([0-9]{1,9})")


class CollectServer(ThreadingHTTPServer):
    """Serves one page and its questions.

    Args:
        service: what answers.
        page: (nonce) → the page, whose scripts and styles carry the nonce.
        port: to listen on; 0 for any that is free.

    Raises:
        ToolMissingError: the port is taken.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service: Service, page: Callable[[str], str], port: int = 0) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ToolMissingError(
                f"Port {port} of this machine cannot be listened on: {reason}.", hint="Leave --http-port out."
            ) from None
        self.service, self.page, self.token = service, page, secrets.token_urlsafe(24)
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, unless there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Count the connection as gone when it is."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that broke."""

    def server_bind(self) -> None:
        """Bind without asking anybody for this machine's name."""
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets others listen on the same port otherwise.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]


class _Refused(Exception):  # noqa: N818 - an answer
    """A request that is none of ours: how it is answered."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: CollectServer
    timeout = IDLE_S
    server_version, sys_version = f"edgedigits/{__version__}", ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page, its digits, or what a board saw."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Read a picture, or keep it."""
        self._answer(self._post)

    def do_PUT(self) -> None:
        """Give a digit another label."""
        self._answer(lambda place: self._changed(place, lambda key: self.server.service.relabel(key, self._body())))

    def do_DELETE(self) -> None:
        """Take a digit out."""
        self._answer(lambda place: self._changed(place, self.server.service.remove))

    def log_message(self, *_: Any) -> None:
        """Keep quiet: the console is the user's."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses as all else is answered."""
        self._send(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _answer(self, work: Callable[[str], Any]) -> None:
        try:
            self._send(HTTPStatus.OK, work(self._place()))
        except _Refused as refused:
            self._send(refused.status, {"error": str(refused)})
        except EdgedigitsError as error:
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _place(self) -> str:
        """Return what is asked for behind the secret, once it is sure that this page asks."""
        own = {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}
        if self.headers.get("Host") not in own:
            raise _Refused(HTTPStatus.FORBIDDEN, "This is served to 127.0.0.1 only.")
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in own:
            raise _Refused(HTTPStatus.FORBIDDEN, "A page from elsewhere may not ask.")
        token, slash, place = self.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(errors="replace"), self.server.token.encode()) or not slash:
            raise _Refused(HTTPStatus.FORBIDDEN, "Open the address that edgedigits collect printed.")
        return place

    def _get(self, place: str) -> Any:
        if place == "":
            return self.server.page
        if place == "digits":
            return self.server.service.digits()
        if match := _AFTER.fullmatch(place):
            return self.server.service.seen(int(match[1]))
        raise _Refused(HTTPStatus.NOT_FOUND, "There is no such thing here.")

    def _post(self, place: str) -> Any:
        works = {"read": self.server.service.read, "digits": self.server.service.add}
        if place not in works:
            raise _Refused(HTTPStatus.NOT_FOUND, "There is no such thing here.")
        return works[place](self._body())

    def _changed(self, place: str, work: Callable[[int], Any]) -> Any:
        if match := _KEY.fullmatch(place):
            return work(int(match[1]))
        raise _Refused(HTTPStatus.NOT_FOUND, "There is no such thing here.")

    def _body(self) -> Any:
        if self.headers.get_content_type() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Expected application/json.")
        length = self.headers.get("Content-Length") or ""
        if not re.fullmatch(r"[0-9]{1,9}", length):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "Expected a Content-Length.")
        if int(length) > MOST_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Expected at most {MOST_BODY:,} bytes.")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise DataError("It is no JSON.") from None

    def _send(self, status: HTTPStatus, found: Any) -> None:
        nonce = secrets.token_urlsafe(12)
        page = callable(found)
        content = (found(nonce) if page else json.dumps(found)).encode()
        # What was sent with a refused request is not read: its connection cannot go on.
        self.close_connection = self.close_connection or status != HTTPStatus.OK
        self.send_response(status)
        rights = f"default-src 'none'; connect-src 'self'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
        kind = "text/html; charset=utf-8" if page else "application/json"
        sizes = {"Content-Type": kind, "Content-Length": str(len(content)), "Content-Security-Policy": rights}
        for name, value in (_HEADERS | sizes).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
