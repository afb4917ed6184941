"""A minimal agency: sends its bets, closes, and prints the documents of its winners.

Usage: python3 examples/agency.py HOST:PORT AGENCY
"""

import socket
import sys
import time

# First name, last name, document, birthdate, number. Their order never changes: progress is a place in it.
BETS = [
    "Juan;Pérez;12345678;1980-01-01;1234",
    "María;Gómez;87654321;1999-10-25;7574",
    "Li;O'Neil, Jr.;A-77;2001-12-31;7574",
]
BATCH_BETS = 2
HOST, PORT = sys.argv[1].rsplit(":", 1)
AGENCY = sys.argv[2]


def run(connection):
    """Does the whole work of the agency. Raises OSError if the connection fails."""
    lines = connection.makefile(encoding="utf-8", newline="\n")

    def ask(packets, answer):
        connection.sendall(packets.encode())
        line = lines.readline()
        if not line.startswith(answer) or not line.endswith("\n"):
            raise ConnectionError(f"received {line!r} instead of {answer}")
        return line[len(answer) : -1]

    def progress(before=""):
        return int(ask(f"{before}ProgressRequest:{AGENCY}\n", "ProgressResponse:"))

    stored = progress()
    while stored < len(BETS):
        batch = BETS[stored : stored + BATCH_BETS]
        if ask(f"StoreBatch:{AGENCY};{':'.join(batch)}\n", "StoreResponse:") == "0":
            stored += len(batch)
            continue
        refused, stored = stored, progress()
        if stored == refused:
            sys.exit(f"the servers refuse bets {stored + 1} to {stored + len(batch)}")
    if stored > len(BETS):
        sys.exit(f"the servers have {stored} bets of agency {AGENCY}: somebody else sends for it")
    # AgencyClose has no answer; the answer to ProgressRequest arrives after the close is stored.
    progress(before=f"AgencyClose:{AGENCY}\n")
    connection.settimeout(None)
    documents = ask(f"WinnersRequest:{AGENCY}\n", "WinnersResponse:")
    print(f"winners: {documents}")


while True:
    try:
        with socket.create_connection((HOST, int(PORT)), timeout=10) as connection:
            run(connection)
        break
    except OSError as error:
        print(f"trying again: {error}", file=sys.stderr)
        time.sleep(0.5)
