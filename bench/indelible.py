"""Indelible, over HTTP on connections that stay open, with everything durable before it is acknowledged."""

import http.client
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

from peer import Peer, disk_bytes

KEY = "ik-bench-0123456789abcdef"
CONNECTIONS = 4


class Connection:
    """One request after the other; as little as possible between the clock and the server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path):
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"
        self.socket.sendall(head.encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.receive()
        head, _, body = got.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        parts = [body]
        have = len(body)
        while have < length:
            parts.append(self.receive())
            have += len(parts[-1])
        body = b"".join(parts)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {body.decode()}")
        return body

    def receive(self):
        got = self.socket.recv(1 << 20)
        if not got:
            raise RuntimeError("the server closed the connection")
        return got


class Indelible(Peer):
    name = "Indelible"
    durable = f"fsync before each answer, {CONNECTIONS} connections"
    loads_all = True

    def start(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        binary = os.environ.get("INDELIBLE", "target/release/indelible")
        self.log = open(self.folder / "serve.log", "a", encoding="utf-8")
        self.server = subprocess.Popen(
            [binary, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}"],
            env={**os.environ, "INDELIBLE_ADMIN_KEY": KEY}, stdout=self.log, stderr=self.log,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connection = Connection(self.port)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def is_loaded(self, count):
        return self.count_all() >= count

    def count_all(self):
        return json.loads(self.connection.get("/v1/count?q=-source:system"))["value"]

    def load(self, batches):
        """Seconds for all rows: bodies are made ready before the clock runs."""
        bodies = []
        seconds = 0.0
        for batch in batches:
            bodies.append("\n".join(row[-1] for row in batch).encode())
            if len(bodies) == 200:
                seconds += self.send(bodies)
                bodies = []
        return seconds + self.send(bodies)

    def send(self, bodies):
        left = iter(bodies)
        lock = threading.Lock()
        failed = []

        def worker():
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            head = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"}
            while not failed:
                with lock:
                    body = next(left, None)
                if body is None:
                    return
                while True:
                    connection.request("POST", "/v1/events", body, head)
                    answer = connection.getresponse()
                    text = answer.read()
                    if answer.status != 429:
                        break
                    time.sleep(0.01)
                if answer.status != 200 or json.loads(text)["rejected"] != 0:
                    failed.append(text)

        start = time.perf_counter()
        threads = [threading.Thread(target=worker) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise RuntimeError(failed[0][:1000])
        return time.perf_counter() - start

    def settle(self):
        """Stops and starts, so that all is sealed and merged; the first page is of a cold process."""
        self.stop()
        start = time.perf_counter()
        self.start(self.folder)
        started = time.perf_counter()
        self.connection.get("/v1/events?limit=200")
        return f"start {1e3 * (started - start):.0f} ms, first page after it {1e3 * (time.perf_counter() - started):.1f} ms"

    def stop(self):
        self.connection.socket.close()
        self.server.terminate()
        self.server.wait()
        self.log.close()

    def memory(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text(encoding="ascii")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024

    def bytes(self):
        return disk_bytes(self.folder / "data")

    def ask(self, question):
        path = question.path
        return lambda: self.connection.get(path)

    def read(self, question, answer):
        return question.of_api(answer)
