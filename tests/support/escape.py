"""Tries to get out of a sandbox, in every way that it knows. Prints one JSON object: what each try came to.

`escape.py <targets>`: JSON with the paths, ports and processes of the machine outside that are tried. A try has escaped
where it did what it must not; it tells what it got. `"careful": true` leaves out what would harm a machine where
nothing stops it."""
import ctypes
import ctypes.util
import json
import os
import socket
import struct
import sys

T = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
TRIES = {}


def attempt(harmful=False):
    def note(function):
        if not (harmful and T["careful"]):
            TRIES[function.__name__] = function
        return function
    return note


def call(*args):
    result = LIBC.syscall(*[ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read(200)


def append(path):
    """Whether it reached the machine outside, is seen there: inside there may be another file at this path."""
    with open(path, "ab") as file:
        file.write(b"planted")
    return None


for name in T["read"]:
    TRIES["read " + name] = lambda path=T["read"][name]: read(path)
for name in T["write"]:
    TRIES["write " + name] = lambda path=T["write"][name]: append(path)
for name in T["make"]:
    TRIES["make " + name] = lambda path=T["make"][name]: append(os.path.join(path, "planted"))


@attempt()
def read_by_a_link():
    link = os.path.join(T["worktree"], "link")
    if not os.path.islink(link):
        os.symlink(T["read"]["netrc"], link)
    return read(link)


@attempt()
def link_a_file_in():
    to = os.path.join(T["worktree"], "hard")
    os.link(T["read"]["netrc"], to)
    return read(to)


@attempt()
def rename_a_file_in():
    os.rename(T["rename"], os.path.join(T["worktree"], "moved"))
    return "moved"


@attempt()
def read_its_environment():
    found = read(f"/proc/{T['pid']}/environ")
    return found if b"canary" in found else None


@attempt()
def read_the_first_environment():
    found = b"".join(open(f"/proc/{name}/environ", "rb").read() for name in ("1", "self"))
    return found if b"canary" in found else None


@attempt()
def through_its_root():
    return read(f"/proc/{T['pid']}/root{T['read']['netrc']}")


@attempt()
def through_its_directory():
    return os.listdir(f"/proc/{T['pid']}/cwd")


@attempt()
def read_its_memory():
    return read(f"/proc/{T['pid']}/maps")


@attempt()
def trace_it():
    if LIBC.ptrace(16, T["pid"], None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    LIBC.ptrace(17, T["pid"], None, None)
    return "traced"


@attempt()
def take_its_descriptor():
    return call(438, call(434, T["pid"], 0), 0, 0)


@attempt()
def read_its_pages():
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    buffer = ctypes.create_string_buffer(8)
    here = Part(ctypes.addressof(buffer), 8)
    there = Part(T["address"], 8)
    return call(310, T["pid"], ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


@attempt()
def signal_it():
    os.kill(T["pid"], 0)
    return "there"


@attempt()
def enter_its_namespaces():
    descriptor = os.open(f"/proc/{T['pid']}/ns/net", os.O_RDONLY)
    return call(308, descriptor, 0)


@attempt()
def connect_to_a_server():
    socket.create_connection(("127.0.0.1", T["tcp"]), 2).close()
    return "connected"


@attempt()
def connect_by_another_address():
    for address in ("127.0.0.2", "0.0.0.0"):
        try:
            socket.create_connection((address, T["tcp_all"]), 2).close()
            return address
        except OSError:
            pass
    raise OSError("none")


@attempt()
def tunnel_to_a_server():
    proxy = os.environ.get("HTTPS_PROXY", "http://127.0.0.1:1").split("//")[1].split(":")
    with socket.create_connection((proxy[0], int(proxy[1])), 2) as tunnel:
        tunnel.sendall(f"CONNECT 127.0.0.1:{T['tcp']} HTTP/1.1\r\n\r\n".encode())
        answer = tunnel.recv(100)
    return answer if b" 200 " in answer else None


@attempt()
def send_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"canary", ("127.0.0.1", T["udp"]))
        sender.connect(("127.0.0.1", T["udp"]))
        sender.send(b"canary")
        sender.settimeout(1)
        return sender.recv(10)


@attempt()
def listen_to_all_packets():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    # In a network of its own there is nothing but its own loopback.
    return "listening" if any(name != "lo" for _, name in socket.if_nameindex()) else None


@attempt()
def connect_to_a_socket_file():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(T["unix"])
    return "connected"


@attempt()
def connect_to_an_abstract_socket():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + T["abstract"])
    return "connected"


@attempt()
def see_a_shared_message_queue():
    found = LIBC.msgget(T["queue"], 0)
    if found < 0:
        raise OSError(ctypes.get_errno(), "msgget")
    return found


@attempt()
def read_a_keyring():
    key = call(250, 10, -3, b"user", T["key"].encode(), 0)
    buffer = ctypes.create_string_buffer(100)
    call(250, 11, key, ctypes.addressof(buffer), 100)
    return buffer.value


@attempt(harmful=True)
def mount_over():
    if LIBC.mount(b"none", b"/usr", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    return "mounted"


@attempt(harmful=True)
def mount_again_for_writing():
    if LIBC.mount(None, b"/usr", None, 32 | 4096, None):
        raise OSError(ctypes.get_errno(), "remount")
    return "remounted"


@attempt(harmful=True)
def unmount():
    if LIBC.umount2(b"/proc", 2):
        raise OSError(ctypes.get_errno(), "umount")
    return "unmounted"


@attempt(harmful=True)
def mount_in_a_namespace_of_its_own():
    if os.fork() == 0:
        ok = LIBC.unshare(0x10000000 | 0x20000) == 0
        ok = ok and LIBC.mount(T["read"]["netrc"].encode(), b"/etc/passwd", None, 4096, None) == 0
        ok = ok and b"canary" in read("/etc/passwd")
        os._exit(0 if ok else 1)
    return "mounted" if os.wait()[1] == 0 else None


@attempt(harmful=True)
def leave_the_root():
    os.mkdir("hole")
    os.chroot("hole")
    for _ in range(30):
        os.chdir("..")
    os.chroot(".")
    return read(T["read"]["netrc"])


@attempt(harmful=True)
def make_a_disk():
    os.mknod("disk", 0o600 | 0o060000, os.makedev(254, 0))
    return read("disk")


@attempt()
def read_a_disk():
    for name in ("vda", "sda", "nvme0n1", "mem", "kmem", "port"):
        try:
            return read("/dev/" + name)
        except OSError:
            pass
    raise OSError("none")


@attempt()
def open_by_a_handle():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 8, 1) + struct.pack("II", 2, 0), 136)
    root = os.open("/", os.O_RDONLY)
    descriptor = call(304, root, ctypes.addressof(handle), 0)
    return os.listdir(descriptor)


@attempt()
def make_a_handle():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    number = ctypes.c_int()
    return call(303, -100, T["worktree"].encode(), ctypes.addressof(handle), ctypes.addressof(number), 0)


@attempt(harmful=True)
def change_the_kernels_settings():
    with open("/proc/sys/kernel/domainname", "w") as file:
        file.write("planted")
    return "changed"


@attempt(harmful=True)
def call_the_kernels_helpers():
    with open("/proc/sysrq-trigger", "w") as file:
        file.write("h")
    return "called"


@attempt(harmful=True)
def release_a_cgroup():
    with open("/sys/fs/cgroup/release_agent", "w") as file:
        file.write("")
    return "written"


@attempt()
def load_a_program_into_the_kernel():
    # Maps of the simplest kind: as root without a sandbox this works.
    buffer = ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 4, 1, 0), 128)
    return call(321, 0, ctypes.addressof(buffer), 128)


@attempt()
def watch_the_machine():
    buffer = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 112)
    return call(298, ctypes.addressof(buffer), -1, 0, -1, 0)


@attempt()
def queue_system_calls():
    buffer = ctypes.create_string_buffer(120)
    return call(425, 4, ctypes.addressof(buffer))


@attempt()
def type_into_a_terminal():
    import fcntl
    import termios
    with open("/dev/tty", "rb") as tty:
        fcntl.ioctl(tty, termios.TIOCSTI, b"x")
    return "typed"


@attempt()
def set_the_host_name():
    name = socket.gethostname()
    socket.sethostname(name)
    return name if name == T["hostname"] else None


results = {}
for name, function in TRIES.items():
    try:
        got = function()
        results[name] = None if got is None else repr(got)[:100]
    except Exception as error:
        results[name] = None
        if "-v" in sys.argv:
            print(name, error, file=sys.stderr)
print(json.dumps(results), flush=True)
