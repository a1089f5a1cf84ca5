"""Serves a list of configurations that nobody could create through the API, on a free port, which it prints.

A test of crate `api` checks that the service shows such items in this form.
"""

import http.server
import json
from pathlib import Path

CONFIGURATIONS = json.loads((Path(__file__).parent / "written-by-hand.json").read_text())
DATA = {"configurations": CONFIGURATIONS, "count": len(CONFIGURATIONS)}
BODY = json.dumps({"timestamp": "2024-01-15T10:30:00Z", "status": "success", "data": DATA}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format, *args):  # the parameter's name is that of the overridden method
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, len(CONFIGURATIONS), flush=True)
server.serve_forever()
