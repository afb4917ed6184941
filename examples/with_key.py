"""What comes before the first packet where servers have TLS and agencies have keys. Asks for the agency's progress.

Usage: python3 examples/with_key.py HOST:PORT AGENCY NAME CA_FILE KEY_FILE

NAME is the name in the servers' certificate, CA_FILE has the certificate of its authority. Any agency does the same
before it goes on as in agency.py.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import sys

HOST, PORT = sys.argv[1].rsplit(":", 1)
AGENCY, NAME, CA_FILE, KEY_FILE = sys.argv[2:]


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def introduce(ask, agency, key):
    """Proves that this is the agency, and makes sure that the server knows its key: SCRAM-SHA-256 of RFC 7677."""
    nonce = secrets.token_urlsafe(18)
    first = f"n={agency},r={nonce}"
    challenge = ask(f"AuthRequest:n,,{first}\n", "AuthChallenge:")
    fields = dict(field.split("=", 1) for field in challenge.split(","))
    iterations = int(fields["i"])
    if not fields["r"].startswith(nonce) or not 4096 <= iterations <= 1_000_000:
        sys.exit("the challenge is stale or weak")
    salted = hashlib.pbkdf2_hmac("sha256", key, base64.b64decode(fields["s"]), iterations)
    client_key = sign(salted, "Client Key")
    final = f"c=biws,r={fields['r']}"
    exchanged = f"{first},{challenge},{final}"
    signature = sign(hashlib.sha256(client_key).digest(), exchanged)
    proof = bytes(one ^ other for one, other in zip(client_key, signature))
    welcome = ask(f"AuthProof:{final},p={base64.b64encode(proof).decode()}\n", "AuthResponse:")
    expected = f"v={base64.b64encode(sign(sign(salted, 'Server Key'), exchanged)).decode()}"
    if not hmac.compare_digest(welcome, expected):
        sys.exit("not admitted" if welcome.startswith("e=") else "this is not a server of the lottery")


context = ssl.create_default_context(cafile=CA_FILE)
with socket.create_connection((HOST, int(PORT)), timeout=20) as plain:
    with context.wrap_socket(plain, server_hostname=NAME) as connection:
        lines = connection.makefile(encoding="utf-8", newline="\n")

        def ask(packet, answer):
            connection.sendall(packet.encode())
            line = lines.readline()
            if not line.startswith(answer) or not line.endswith("\n"):
                raise ConnectionError(f"received {line!r} instead of {answer}")
            return line[len(answer) : -1]

        with open(KEY_FILE, "rb") as file:
            introduce(ask, AGENCY, file.read().strip())
        print(f"stored bets: {ask(f'ProgressRequest:{AGENCY}{chr(10)}', 'ProgressResponse:')}")
