"""A parent to be killed: `parent.py <supervisor or -> <program...>`. With a supervisor it speaks its protocol as the
documentation of `adapters/process/order` gives it; with `-` it starts the program the plain way, in a group of its own."""
import json
import os
import socket
import struct
import subprocess
import sys

supervisor, argv = sys.argv[1], sys.argv[2:]
if supervisor == "-":
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
else:
    ours, theirs = socket.socketpair()
    child = subprocess.Popen([supervisor, "__exec"], stdin=theirs, stdout=subprocess.DEVNULL, env={})
    theirs.close()
    order = json.dumps({"argv": argv, "directory": "/", "env": [["PATH", os.environ["PATH"]]],
                        "grace_millis": 300, "largest_file": 1 << 30}).encode()
    ours.sendall(struct.pack(">I", len(order)) + order + struct.pack(">I", 0))
print(child.pid, flush=True)
sys.stdin.read()
