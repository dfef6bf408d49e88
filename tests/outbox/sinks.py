"""What receives: an SMTP server and an HTTP server on loopback, each in a thread."""

from __future__ import annotations

import email
import email.policy
import http.server
import socketserver
import threading


class _Listening(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.port = self.server_address[1]
        #: what was received, in order
        self.received = []
        #: what the next ones are answered instead, first in first out
        self.answers = []
        #: calls of /slow are answered when it is set
        self.patience = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def reset(self):
        self.received.clear()
        self.answers.clear()

    def answer(self):
        return self.answers.pop(0) if self.answers else None


class _Session(socketserver.StreamRequestHandler):
    """One connection: the few words of RFC 5321 that a client says."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word.startswith(b"RCPT"):
                refused = self.server.answer()
                self.to = line.decode().strip()
                self.say(refused or "250 OK")
            elif word == b"DATA":
                self.say("354 go on")
                self.take()
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 OK")

    def take(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        made = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.received.append(made)
        self.say("250 kept")


class _Call(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/slow":
            self.server.patience.wait(600)
        self.server.received.append((self.path, dict(self.headers.items()), content))
        status = self.server.answer() or 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        """Not to the screen."""


def smtp_sink():
    return _Listening(_Session)


def http_sink():
    return _Listening(_Call)
