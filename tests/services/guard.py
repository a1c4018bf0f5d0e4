"""Runs a command that ends, at the latest, with its parent: `python guard.py COMMAND...`.

Each line on stdin names a signal to pass on. The end of stdin, which comes also when the parent
was killed, means SIGKILL. The exit code is the command's, or 128 and the signal that ended it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the command until it ends or nobody is left who wants it."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def end_with_guard() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=end_with_guard)
    threading.Thread(target=_leave_with, args=(command,), daemon=True).start()
    for line in sys.stdin:
        command.send_signal(signal.Signals[line.strip()])
    command.kill()
    threading.Event().wait()


def _leave_with(command: subprocess.Popen[bytes]) -> None:
    code = command.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
