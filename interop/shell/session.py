"""Somebody at a terminal: runs a command under one, waits for what it shows, and types.

usage: session.py COMMAND...   with lines of TEXT<TAB>KEYS on standard input
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

PATIENCE_S = 60


def main():
    steps = [line.rstrip("\n").split("\t") for line in sys.stdin]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    size = struct.pack("HHHH", 24, 80, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    shown = ""
    for awaited, keys in steps:
        while awaited not in shown:
            ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
            if not ready:
                sys.exit(f"no {awaited!r} in {shown!r}")
            shown += os.read(terminal, 4096).decode(errors="replace")
        shown = shown.split(awaited, 1)[1]
        os.write(terminal, keys.encode().decode("unicode_escape").encode())
    while True:
        try:
            if not os.read(terminal, 4096):
                break
        except OSError:
            break
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
