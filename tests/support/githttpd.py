"""Git over HTTP: `git http-backend` behind Basic authentication, on loopback, for tests.

Reads the token from its standard input, prints its port, and ends when its standard input does. On every request it looks
through the arguments of all running processes for the token; the findings are at /findings.

Files below `lfs/` are large files by their object ids: the batch API of Git LFS says where they are fetched, here or, where
`lfs/elsewhere` says so, at another server with a header of its own.
"""
import base64
import glob
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse

ROOT = sys.argv[1]
TOKENS = set(sys.stdin.readline().split())
FINDINGS = {"requests": 0, "in arguments": 0, "in environments": 0, "large files": 0}
LFS = "application/vnd.git-lfs+json"


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
        if url.path.endswith("/info/lfs/objects/batch"):
            return self.batch()
        if url.path.startswith("/large/"):
            FINDINGS["large files"] += 1
            with open(os.path.join(ROOT, "lfs", os.path.basename(url.path)), "rb") as file:
                return self.answer(200, [("Content-Type", "application/octet-stream")], file.read())
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

    def batch(self):
        """By `docs/api/batch.md`: its media type, its fields, an error of its own for each object that is not there."""
        kinds = [self.headers.get(name, "").split(";")[0] for name in ("accept", "content-type")]
        asked = json.loads(self.body())
        if kinds != [LFS, LFS] or asked["operation"] != "download" or "basic" not in asked.get("transfers", ["basic"]):
            text = json.dumps({"message": "not as the batch API has it"}).encode()
            return self.answer(422, [("Content-Type", LFS)], text)
        try:
            with open(os.path.join(ROOT, "lfs", "elsewhere"), encoding="utf-8") as file:
                action = {"header": {"X-Store": "key of the store"}, "expires_in": 60}
                place = file.read()
        except OSError:
            action, place = {}, f"http://{self.headers['host']}/large/"
        objects = []
        for wanted in asked["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            path = os.path.join(ROOT, "lfs", oid)
            found = {"oid": oid, "size": size}
            if os.path.isfile(path) and os.path.getsize(path) == size:
                found["actions"] = {"download": dict(action, href=place + oid)}
            else:
                found["error"] = {"code": 404, "message": "Object does not exist"}
            objects.append(found)
        text = json.dumps({"transfer": "basic", "objects": objects, "hash_algo": "sha256"}).encode()
        return self.answer(200, [("Content-Type", LFS)], text)

    do_GET = do_POST = serve

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
