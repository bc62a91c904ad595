#!/usr/bin/env python3
"""Stands in for an agent: takes its prompt, prints a file as it is, and ends as its environment says."""
import os
import shutil
import sys
import time

sys.stdin.buffer.read()
for stream, name in ((sys.stderr, "REPLAY_STDERR"), (sys.stdout, "REPLAY")):
    if name in os.environ:
        with open(os.environ[name], "rb") as source:
            shutil.copyfileobj(source, stream.buffer)
        stream.flush()
if os.environ.get("REPLAY_END") == "hang":
    time.sleep(600)
sys.exit(int(os.environ.get("REPLAY_END", "0")))
