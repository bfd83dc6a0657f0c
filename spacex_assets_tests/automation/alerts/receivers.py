"""Real servers that alerts are sent to: a webhook and a mail server, on free ports of 127.0.0.1."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

S = TypeVar("S", bound=socketserver.BaseServer)


class Webhook(ThreadingHTTPServer):
    """Answers every POST with :attr:`status`, as soon as :attr:`answers` is set, and keeps what was posted."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Post)
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        self.posted: list[tuple[str, Any]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def bodies(self) -> list[Any]:
        return [body for _, body in self.posted]


class _Post(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.posted.append((self.path, body))
        self.server.answers.wait(10)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes mail over SMTP; with ``login`` only after AUTH PLAIN, with ``tls`` only after STARTTLS."""

    daemon_threads = True

    def __init__(self, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.login, self.tls = login, tls
        self.mails: list[Message] = []
        self.recipients: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Smtp(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.secure, self.known = self.server.tls is None, self.server.login is None
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            getattr(self, f"on_{verb.lower()}", self.on_other)(line)

    def on_ehlo(self, _: str) -> None:
        self.say("250-here")
        self.say("250 AUTH PLAIN" if self.secure else "250 STARTTLS")

    def on_star(self, _: str) -> None:
        assert self.server.tls is not None
        self.say("220 go on")
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.secure = True

    def on_auth(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
        self.known = (user, password) == self.server.login
        self.say("235 welcome" if self.known else "535 wrong")

    def on_mail(self, _: str) -> None:
        self.say("250 ok" if self.secure and self.known else "530 not yet")

    def on_rcpt(self, line: str) -> None:
        self.server.recipients.append(line.partition("<")[2].partition(">")[0])
        self.say("250 ok")

    def on_data(self, _: str) -> None:
        self.say("354 go on")
        lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
        self.server.mails.append(message_from_string("\n".join(lines)))
        self.say("250 ok")

    def on_other(self, _: str) -> None:
        self.say("250 ok")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


@contextmanager
def serving(server: S) -> Iterator[S]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
