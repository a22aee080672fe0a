"""Imports a module in a fresh process and prints, as JSON, what that did besides."""

import json
import sys
import threading
import time

WATCHED = (
    "socket.connect",
    "socket.bind",
    "subprocess.Popen",
    "os.mkdir",
    "os.remove",
    "os.rename",
)
deeds: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note an effect outside the process."""
    if event in WATCHED:
        deeds.append(f"{event} {arguments[:1]}")
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        deeds.append(f"open {arguments[0]} for writing")


def main(module: str) -> None:
    """Import `module` and report."""
    import hookbus.testing.conformance  # noqa: F401 - what every plugin imports costs it nothing

    sys.dont_write_bytecode = True
    threads = threading.active_count()
    sys.addaudithook(watch)
    began = time.perf_counter()
    __import__(module)
    seconds = time.perf_counter() - began
    noted = list(deeds)
    started = threading.active_count() - threads
    report = {"seconds": seconds, "deeds": noted, "threads": started}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
