"""The forward proxy against a direct connection, and against mitmproxy, in one run on one machine: `bench/README.md` says how.

Prints JSON. Every figure of a proxy is taken in turns with the direct one, so that both see the same machine.
"""

import json
import multiprocessing
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import trustme

ROUNDS = 7
STREAM_BYTES = 1 << 30
REQUESTS = 1_500
IDLE_TUNNELS = 1_000
PIECE = 1 << 20
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n" + b"{" + b" " * 1022 + b"}"


def host(ready, certificate):
    """Streams on one port, answers requests over TLS on another, and keeps quiet on a third."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])

    def stream(peer):
        piece, left = b"x" * PIECE, int(peer.recv(64).split()[0])
        while left > 0:
            peer.sendall(piece[: min(left, PIECE)])
            left -= PIECE

    def answer(peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(peer, server_side=True) as peer:
            waiting = b""
            while data := peer.recv(65536):
                waiting += data
                while b"\r\n\r\n" in waiting:
                    waiting = waiting.split(b"\r\n\r\n", 1)[1]
                    peer.sendall(ANSWER)

    def guarded(act, peer):
        try:
            act(peer)
        except OSError:
            pass
        finally:
            peer.close()

    def serve(listener, act):
        while True:
            threading.Thread(target=guarded, args=(act, listener.accept()[0]), daemon=True).start()

    kept = []
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=2048) for _ in range(3)]
    for listener, act in zip(listeners[:2], (stream, answer)):
        threading.Thread(target=serve, args=(listener, act), daemon=True).start()
    ready.put([listener.getsockname()[1] for listener in listeners])
    while True:
        kept.append(listeners[2].accept()[0])


def connect(port, proxy):
    peer = socket.create_connection(("127.0.0.1", proxy or port))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if proxy:
        peer.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(1)
        assert head.split()[1] == b"200", head
    return peer


def throughput(port, proxy):
    """Bytes a second."""
    with connect(port, proxy) as peer:
        begin = time.perf_counter()
        peer.sendall(f"{STREAM_BYTES} \n".encode())
        piece, left = bytearray(PIECE), STREAM_BYTES
        while left > 0:
            left -= peer.recv_into(piece)
        return STREAM_BYTES / (time.perf_counter() - begin)


def latencies(port, proxy, trusted):
    """Seconds of each request over one connection with TLS."""
    context = ssl.create_default_context(cafile=trusted)
    context.set_alpn_protocols(["http/1.1"])
    request = b"GET /thing?x=1 HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nx-filler: " + b"y" * 900 + b"\r\n\r\n"
    times = []
    with context.wrap_socket(connect(port, proxy), server_hostname="localhost") as peer:
        for _ in range(REQUESTS):
            begin = time.perf_counter()
            peer.sendall(request)
            got = b""
            while not got.endswith(b" }"):
                got += peer.recv(65536)
            times.append(time.perf_counter() - begin)
    return times[REQUESTS // 10 :]


def resident(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a proxy does not start")


def settings(work, port, mode):
    listen = free_port()
    text = f"""
[forward_proxy]
listen = "127.0.0.1:{listen}"
allow_private = true
upstream_ca_file = "{work}/ca.pem"
[[forward_proxy.host]]
match = "localhost"
mode = "{mode}"
"""
    path = work / f"{mode}.toml"
    path.write_text(text)
    return path, listen


def in_turns(measure, ways):
    found = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, arguments in ways.items():
            found[name].append(measure(*arguments))
    return found


def main():
    binary = Path(sys.argv[1]).resolve()
    work = Path(tempfile.mkdtemp(prefix="forward-bench-"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(work / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(work / "host.pem"))
    ready = multiprocessing.Queue()
    multiprocessing.Process(target=host, args=(ready, work / "host.pem"), daemon=True).start()
    streaming, answering, quiet = ready.get()
    running, report = [], {"cores": os.cpu_count()}

    def serve(mode):
        config, listen = settings(work, answering, mode)
        command = [binary, "serve", "--config", config, "--data", work / mode, "--listen", "127.0.0.1:0"]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(listen)
        return running[-1], listen

    try:
        tunnel, tunnelling = serve("tunnel")
        found = in_turns(throughput, {"direct": (streaming, None), "tunnel": (streaming, tunnelling)})
        rates = {name: statistics.median(rates) for name, rates in found.items()}
        report["throughput_mb_s"] = {name: round(rate / 1e6) for name, rate in rates.items()}
        report["throughput_of_direct"] = round(rates["tunnel"] / rates["direct"], 3)
        before = resident(tunnel.pid)
        tunnels = [connect(quiet, tunnelling) for _ in range(IDLE_TUNNELS)]
        time.sleep(2)
        report["idle_tunnels"] = {"count": len(tunnels), "rss_mb": round(resident(tunnel.pid) / 1e6, 1), "before_mb": round(before / 1e6, 1)}
        [peer.close() for peer in tunnels]

        _, intercepting = serve("intercept")
        mitm = free_port()
        mitmdump = Path(sys.executable).with_name("mitmdump")
        options = [f"confdir={work}/mitm", f"ssl_verify_upstream_trusted_ca={work}/ca.pem", "http2=false"]
        command = [mitmdump, "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(mitm)]
        command += [part for option in options for part in ("--set", option)]
        running.append(subprocess.Popen(command + ["--save-stream-file", str(work / "flows")]))
        wait_for(mitm)
        ways = {
            "direct": (answering, None, work / "ca.pem"),
            "intercept": (answering, intercepting, work / "intercept/ca.pem"),
            "mitmproxy": (answering, mitm, work / "mitm/mitmproxy-ca-cert.pem"),
        }
        found = in_turns(latencies, ways)
        report["request_us"] = {}
        for name, rounds in found.items():
            times = sorted(time for one in rounds for time in one)
            point = lambda part: round(times[int(len(times) * part)] * 1e6)
            report["request_us"][name] = {"p50": point(0.5), "p99": point(0.99)}
        direct = report["request_us"]["direct"]
        report["added_us"] = {
            name: {point: value[point] - direct[point] for point in value}
            for name, value in report["request_us"].items()
            if name != "direct"
        }
    finally:
        for process in running:
            process.kill()
    print(json.dumps(report, indent=2))


main()
