"""Ends with 0 when this container's process says that it is ready; what it says is printed."""

import os
import sys
import urllib.error
import urllib.request

_SECONDS = 4


def main() -> None:
    """Ask it."""
    port = os.environ["ORDERLOG_PORT"]
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/health/ready", timeout=_SECONDS
        ) as answer:
            said = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode(errors='replace')}")
    except OSError as error:
        sys.exit(str(error))
    sys.stdout.write(said.decode())


if __name__ == "__main__":
    main()
