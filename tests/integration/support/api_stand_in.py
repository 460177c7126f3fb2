"""Stands in for the API in tests of the stack: lives, is ready, and tells the settings it was given."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = {name: value for name, value in os.environ.items() if name.startswith("VISIONSEEK_")}
        self.send_response(200 if self.path in ("/healthz", "/readyz", "/settings") else 404)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


if __name__ == "__main__":
    if "--broken" in sys.argv:
        raise RuntimeError("no such table: products")
    address = (os.environ["VISIONSEEK_API_HOST"], int(os.environ["VISIONSEEK_API_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
