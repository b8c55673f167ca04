"""Leads real clients through the forward proxy of `indelible run` to a host with TLS of its own, and compares the
trail with what that host saw, request by request. Nothing here is the product's code."""

import argparse
import base64
import collections
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

import trustme

# An address of this machine that no client excepts from its proxy, as it would 127.0.0.1.
OPENED = "127.0.0.2"
# Longest wait for what was recorded to be readable.
PATIENCE_S = 60
# What a client is given to send, and must not be in the trail.
SECRET = "planted-8c1f0e7a9b2d-secret"


class Host(http.server.ThreadingHTTPServer):
    """Files and echoes over TLS; remembers every request and every connection."""

    daemon_threads = True

    def __init__(self, site: Path, context: ssl.SSLContext):
        super().__init__(("0.0.0.0", 0), Handler)
        self.site, self.context = site, context
        self.requests, self.connections, self.lock = [], 0, threading.Lock()

    def get_request(self):
        stream, address = super().get_request()
        with self.lock:
            self.connections += 1
        return self.context.wrap_socket(stream, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        # A client that does not like our certificate says so itself.
        pass

    def take(self):
        with self.lock:
            seen, self.requests = self.requests, []
            connections, self.connections = self.connections, 0
        return seen, connections


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        path = urllib.parse.unquote(self.path.split("?")[0])
        file = self.server.site / path.lstrip("/")
        if path.startswith("/echo"):
            status, data = 200, body or b"nothing"
        elif (file / "index.html").is_file():
            status, data = 200, (file / "index.html").read_bytes()
        elif file.is_file():
            status, data = 200, file.read_bytes()
        else:
            status, data = 404, b"not here"
        with self.server.lock:
            self.server.requests.append((self.command, self.path.split("?")[0], status))
        self.send_response(status)
        kind = "application/json" if path.endswith(".json") or path.startswith("/npm") else "text/html"
        if file.suffix in {".whl", ".crate", ".tgz", ".pack"}:
            kind = "application/octet-stream"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_HEAD = do_PUT = answer


def expect(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **more)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def make_site(site: Path, base: str, named: str):
    """A Python package, an npm package, a crate and a git repository, as static files."""
    (site / "hello.json").parent.mkdir(parents=True, exist_ok=True)
    (site / "hello.json").write_text('{"hello":"world"}')
    (site / "large.html").write_text("x" * 5_000_000)
    wheel = site / "wheels/tiny_pkg-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as out:
        out.writestr("tiny_pkg.py", "x = 1\n")
        out.writestr("tiny_pkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-pkg\nVersion: 1.0\n")
        out.writestr("tiny_pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        out.writestr("tiny_pkg-1.0.dist-info/RECORD", "")
    index = site / "simple/tiny-pkg/index.html"
    index.parent.mkdir(parents=True)
    index.write_text(f'<a href="{base}/wheels/{wheel.name}">{wheel.name}</a>')
    tarball = tar({"package/package.json": json.dumps({"name": "tiny-npm", "version": "1.0.0"}), "package/index.js": ""})
    (site / "npm/files").mkdir(parents=True)
    (site / "npm/files/tiny-npm-1.0.0.tgz").write_bytes(tarball)
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    dist = {"tarball": f"{named}/npm/files/tiny-npm-1.0.0.tgz", "integrity": integrity}
    version = {"name": "tiny-npm", "version": "1.0.0", "dist": dist}
    (site / "npm/tiny-npm").write_text(
        json.dumps({"name": "tiny-npm", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}})
    )
    crate = tar(
        {
            "tiny-crate-1.0.0/Cargo.toml": '[package]\nname = "tiny-crate"\nversion = "1.0.0"\nedition = "2021"\n',
            "tiny-crate-1.0.0/src/lib.rs": "",
        }
    )
    (site / "cargo/ti/ny").mkdir(parents=True)
    (site / "cargo/config.json").write_text(json.dumps({"dl": f"{base}/crates/{{crate}}-{{version}}.crate"}))
    entry = {"name": "tiny-crate", "vers": "1.0.0", "deps": [], "cksum": hashlib.sha256(crate).hexdigest(), "features": {}, "yanked": False}
    (site / "cargo/ti/ny/tiny-crate").write_text(json.dumps(entry) + "\n")
    (site / "crates").mkdir()
    (site / "crates/tiny-crate-1.0.0.crate").write_bytes(crate)
    if shutil.which("git"):
        work = site.parent / "repository"
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        run(["git", "init", "--quiet", work])
        (work / "file").write_text("content\n")
        run(["git", "-C", work, "add", "file"])
        run(["git", "-C", work, *identity, "commit", "--quiet", "-m", "one"])
        run(["git", "clone", "--quiet", "--bare", work, site / "repository.git"])
        run(["git", "-C", site / "repository.git", "update-server-info"])


def tar(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            out.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(raw.getvalue(), mtime=0)


class World:
    def __init__(self, binary: Path, work: Path):
        self.binary, self.work = binary, work
        authority = trustme.CA()
        names = [OPENED]
        try:
            if socket.gethostbyname(socket.gethostname()).startswith("127."):
                names.append(socket.gethostname())
        except OSError:
            pass
        # A name of this machine; tunnelled, but for clients that do not take an address.
        self.named = names[1] if len(names) > 1 else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        authority.cert_pem.write_to_path(str(work / "host-ca.pem"))
        self.host = Host(work / "site", context)
        self.port = self.host.server_address[1]
        make_site(work / "site", f"https://{OPENED}:{self.port}", f"https://{names[-1]}:{self.port}")
        threading.Thread(target=self.host.serve_forever, daemon=True).start()
        self.server = subprocess.Popen(
            [binary, "serve", "--data", "data", "--listen", "127.0.0.1:0"], cwd=work, stdout=subprocess.PIPE, text=True
        )
        self.url = next(line.split()[-1] for line in self.server.stdout if line.startswith("listening on"))
        threading.Thread(target=lambda: [None for _ in self.server.stdout], daemon=True).start()
        self.key = (work / "data/admin.key").read_text().strip()
        for name, match in [("run.toml", OPENED), ("run-all.toml", "*")]:
            (work / name).write_text(
                "[forward_proxy]\nlisten = '127.0.0.1:0'\nallow_private = true\nupstream_ca_file = 'host-ca.pem'\n"
                f"[[forward_proxy.host]]\nmatch = '{match}'\nmode = 'intercept'\n"
            )

    def through(self, job, command, host=OPENED, config="run.toml", **environment):
        """Runs a client under `indelible run`; what the host saw of it."""
        self.host.take()
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        # What the client trusts without us.
        bundle = self.work / "trusted.pem"
        system = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
        bundle.write_bytes((system.read_bytes() if system.exists() else b"") + (self.work / "host-ca.pem").read_bytes())
        env |= {"SSL_CERT_FILE": str(bundle), "INDELIBLE_URL": self.url, "INDELIBLE_KEY": self.key}
        env |= {"INDELIBLE_SPOOL": str(self.work / "spool"), "HOME": str(self.work / "home"), **environment}
        (self.work / "home").mkdir(exist_ok=True)
        base = f"https://{host}:{self.port}"
        command = [str(part).replace("BASE", base) for part in command]
        run([self.binary, "run", "--config", config, "--job", job, "--", *command], cwd=self.work, env=env)
        return self.host.take()

    def events(self, job, phase):
        query = urllib.parse.urlencode({"q": f"job:{job} phase:{phase}", "limit": 200})
        request = urllib.request.Request(f"{self.url}/v1/events?{query}", headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def opened(self, job, command, **environment):
        """An intercepted client: every request that the host saw is in the trail, and no other."""
        seen, _ = self.through(job, command, **environment)
        expect(seen, f"{job}: the host saw nothing")
        wanted = collections.Counter(seen)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            outcomes = self.events(job, "outcome")
            found = collections.Counter(
                (event["action"].split()[0], event["meta"]["path"], event.get("status")) for event in outcomes
            )
            if found == wanted or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        expect(found == wanted, f"{job}: the host saw {wanted}, the trail has {found}")
        intents = {event["producer"]["call"] for event in self.events(job, "intent")}
        expect(intents == {event["producer"]["call"] for event in outcomes}, f"{job}: intents and outcomes differ")
        expect(all(event["meta"]["mode"] == "intercept" for event in outcomes), f"{job}: {outcomes}")
        print(f"{job}: {sum(wanted.values())} requests, all recorded")

    def unread(self, job, command, **environment):
        """A tunnelled client: every connection that the host saw is in the trail, with its bytes."""
        if self.named is None:
            print(f"{job}: skipped, this machine's name is not an address of its own")
            return
        seen, connections = self.through(job, command, host=self.named, **environment)
        outcomes = self.events(job, "outcome")
        expect(seen and len(outcomes) == connections, f"{job}: {connections} connections, {len(outcomes)} recorded")
        for event in outcomes:
            meta = event["meta"]
            expect(event["action"] == f"CONNECT {self.named}:{self.port}", f"{job}: {event}")
            expect(meta["bytes_sent"] > 200 and meta["bytes_received"] > 200, f"{job}: {meta}")
            expect(meta["sni"] == self.named, f"{job}: {meta}")
        print(f"{job}: {connections} tunnels, all recorded")

    def stop(self):
        self.server.terminate()
        expect(self.server.wait(60) == 0, "the server did not end well")


def clients(world: World, work: Path):
    python = sys.executable
    missing = [name for name in ["curl", "git", "npm", "cargo"] if not shutil.which(name)]
    has = lambda name: name not in missing
    if has("curl"):
        curl = ["curl", "--silent", "--show-error", "--fail", "--output", os.devnull]
        world.opened("curl", [*curl, "BASE/hello.json?token=" + SECRET, "--next", *curl[1:], "--data", "a=1", "BASE/echo"])
        world.opened("curl-head", [*curl, "--head", "BASE/large.html"])
        world.opened("curl-upload", [*curl, "--upload-file", "site/large.html", "BASE/echo/put", "-H", f"Authorization: Bearer {SECRET}"])
        world.unread("curl-tunnel", [*curl, "BASE/hello.json"])
    program = (
        "import requests, sys; s = requests.Session();"
        "r = s.get(sys.argv[1] + '/hello.json'); assert r.json() == {'hello': 'world'};"
        f"r = s.post(sys.argv[1] + '/echo', json={{'password': '{SECRET}'}}); assert r.status_code == 200;"
        "assert s.get(sys.argv[1] + '/absent').status_code == 404;"
        "assert len(s.get(sys.argv[1] + '/large.html').content) == 5_000_000"
    )
    world.opened("requests", [python, "-c", program, "BASE"])
    world.unread("requests-tunnel", [python, "-c", program, "BASE"])
    pip = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--dest", "downloaded"]
    bare = {"PIP_FIND_LINKS": "", "PIP_INDEX_URL": f"https://{OPENED}:{world.port}/simple/", "PIP_CONFIG_FILE": os.devnull}
    world.opened("pip", [*pip, "tiny-pkg"], **bare)
    expect((work / "downloaded/tiny_pkg-1.0-py3-none-any.whl").exists(), "pip has downloaded nothing")
    if has("git"):
        world.opened("git", ["git", "clone", "--quiet", "BASE/repository.git", "cloned"])
        expect((work / "cloned/file").read_text() == "content\n", "git has cloned something else")
    if has("npm"):
        (work / "npm").mkdir()
        (work / "npm/package.json").write_text('{"name":"x","version":"1.0.0"}')
        npm = ["npm", "install", "--prefix", "npm", "--registry", "BASE/npm/", "--no-audit", "--no-fund", "--cache", "npm-cache"]
        # Behind a proxy npm takes no address for the name of a host, whatever its certificate says.
        if world.named:
            world.opened("npm", [*npm, "tiny-npm"], host=world.named, config="run-all.toml")
            expect((work / "npm/node_modules/tiny-npm/package.json").exists(), "npm has installed nothing")
        else:
            print("npm: skipped, this machine's name is not an address of its own")
    if has("cargo"):
        package = work / "crate"
        (package / "src").mkdir(parents=True)
        (package / "src/lib.rs").write_text("")
        (package / "Cargo.toml").write_text(
            '[package]\nname = "x"\nversion = "1.0.0"\nedition = "2021"\n[workspace]\n'
            '[dependencies]\ntiny-crate = { version = "1", registry = "local" }\n'
        )
        index = f"sparse+https://{OPENED}:{world.port}/cargo/"
        toolchain = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
        world.opened(
            "cargo",
            ["cargo", "fetch", "--quiet", "--manifest-path", package / "Cargo.toml"],
            CARGO_HOME=str(work / "cargo-home"),
            RUSTUP_HOME=toolchain,
            CARGO_REGISTRIES_LOCAL_INDEX=index,
        )
        expect(list(work.glob("cargo-home/registry/cache/*/tiny-crate-1.0.0.crate")), "cargo has fetched nothing")
    return missing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    world = World(args.binary.resolve(), args.work.resolve())
    try:
        missing = clients(world, args.work.resolve())
    finally:
        world.stop()
    for file in args.work.rglob("*"):
        inside = file.relative_to(args.work).parts[0]
        if file.is_file() and inside in {"data", "spool"}:
            expect(SECRET.encode() not in file.read_bytes(), f"a secret is in {file}")
    for name in missing:
        print(f"{name}: skipped, it is not installed")


main()
