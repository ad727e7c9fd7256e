"""Opens its client port when all controllers respond, itself by its own name too."""

import os
import pathlib
import socket
import threading
import time

import messages

LOG = pathlib.Path("/var/lib/broker/log")
LISTENERS = dict(text.split("://") for text in os.environ["LISTENERS"].split(","))
ADVERTISED = messages.parse_address(os.environ["ADVERTISED_LISTENERS"])
VOTERS = [messages.parse_address(text) for text in os.environ["CONTROLLER_QUORUM_VOTERS"].split(",")]


def respond_to_controller(request):
    return {"cluster": os.environ["CLUSTER_ID"], "client": ADVERTISED}


def respond_to_client(request):
    if "append" in request:
        with LOG.open("a") as log:
            log.write(request["append"] + "\n")
    elif request["get"] == "brokers":
        return [messages.ask(voter, {})["client"] for voter in VOTERS]
    return LOG.read_text().splitlines() if LOG.exists() else []


def start(name, respond):
    """Bind the address of the name, as a JVM does."""
    host, port = messages.parse_address(LISTENERS[name])
    server = messages.serve((socket.gethostbyname(host), port), respond)
    threading.Thread(target=server.serve_forever).start()


start("CONTROLLER", respond_to_controller)
waiting = list(VOTERS)
while waiting:
    try:
        if messages.ask(waiting[0], {})["cluster"] != os.environ["CLUSTER_ID"]:
            raise SystemExit(f"{waiting[0]} is of another cluster")
        print("controller responds:", waiting.pop(0))
    except OSError as error:
        print(f"{waiting[0]}: {error}")
        time.sleep(1)
start("CLIENT", respond_to_client)
print("ready")
