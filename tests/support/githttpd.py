"""Git over HTTP: `git http-backend` behind Basic authentication, on loopback, for tests.

Reads the token from its standard input, prints its port, and ends when its standard input does. On every request it looks
through the arguments of all running processes for the token; the findings are at /findings.
"""
import base64
import glob
import http.server
import os
import subprocess
import sys
import threading
import urllib.parse

ROOT = sys.argv[1]
TOKENS = set(sys.stdin.readline().split())
FINDINGS = {"requests": 0, "in arguments": 0, "in environments": 0}


def look_around():
    FINDINGS["requests"] += 1
    for kind, name in (("in arguments", "cmdline"), ("in environments", "environ")):
        for path in glob.glob(f"/proc/[0-9]*/{name}"):
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except OSError:
                continue
            for token in TOKENS:
                basic = base64.b64encode(f"octobot:{token}".encode())
                if token.encode() in content or basic in content:
                    FINDINGS[kind] += 1


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0) or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/findings":
            text = "".join(f"{key}: {value}\n" for key, value in FINDINGS.items())
            return self.answer(200, [], text.encode())
        look_around()
        scheme, _, pair = self.headers.get("authorization", "").partition(" ")
        password = base64.b64decode(pair).decode().partition(":")[2] if scheme == "Basic" else ""
        if password not in TOKENS:
            return self.answer(401, [("WWW-Authenticate", 'Basic realm="test"')])
        environment = dict(
            os.environ,
            GIT_PROJECT_ROOT=ROOT,
            GIT_HTTP_EXPORT_ALL="1",
            PATH_INFO=urllib.parse.unquote(url.path),
            QUERY_STRING=url.query,
            REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("content-type", ""),
            HTTP_CONTENT_ENCODING=self.headers.get("content-encoding", ""),
            GIT_PROTOCOL=self.headers.get("git-protocol", ""),
            REMOTE_USER="octobot",
            REMOTE_ADDR="127.0.0.1",
        )
        done = subprocess.run(
            ["git", "http-backend"], input=self.body(), env=environment, capture_output=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(value[:3]) for key, value in headers if key.lower() == "status"), 200)
        return self.answer(status, [pair for pair in headers if pair[0].lower() != "status"], body)

    do_GET = do_POST = serve

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
