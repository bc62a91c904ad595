"""Programs that are hard to end. The first argument says how; the second marks the process list."""
import os
import signal
import subprocess
import sys
import time

how, token = sys.argv[1], sys.argv[2]
AGAIN = [sys.executable, __file__]


def live():
    while True:
        time.sleep(60)


def ready():
    print("ready", flush=True)


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if how == "live":
    live()
elif how == "deaf":
    deaf()
    ready()
    live()
elif how == "session":  # a child in a session of its own, deaf as well
    subprocess.Popen(AGAIN + ["deaf", token], start_new_session=True)
    live()
elif how == "orphan":  # its parent is gone before we are: a double fork, with a session between
    subprocess.Popen(AGAIN + ["orphan-parent", token], start_new_session=True).wait()
    ready()
    live()
elif how == "orphan-parent":
    subprocess.Popen(AGAIN + ["live", token], start_new_session=True)
elif how == "closes":
    ready()
    os.close(1)
    os.close(2)
    live()
elif how == "late":  # ends well, and a child that outlives it goes on writing
    subprocess.Popen(AGAIN + ["writes", token], start_new_session=True)
    ready()
elif how == "writes":
    while True:
        print("after", flush=True)
        time.sleep(0.01)
elif how == "restless":  # never the same process for long
    ready()
    while True:
        if os.fork():
            os._exit(0)
elif how == "polite":
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"bye\n"), os._exit(3)))
    ready()
    live()
