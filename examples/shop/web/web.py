"""The page of the shop: shows orders and accepts new ones. It uses the API, not the database."""

import html
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import server

API = os.environ.get("API_URL", "http://127.0.0.1:8001")
TITLE = os.environ.get("TITLE", "Shop")

PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1>
<form method="post" action="/orders">
  <input name="item" required placeholder="What would you like?"><button>Order</button>
</form>
<ol>{orders}</ol>
"""


def request_api(path: str, content: Any = None) -> Any:
    """Send a request to the API: GET, or POST with ``content`` as JSON. Return the response."""
    body = None if content is None else json.dumps(content).encode()
    with urllib.request.urlopen(API + path, data=body, timeout=5) as response:  # noqa: S310 - our own API
        return json.load(response)


def render_page(orders: list[dict[str, Any]]) -> str:
    """Render the page. The texts of orders are escaped."""
    rows = (f"<li>{html.escape(order['item'])} ({html.escape(order['state'])})</li>" for order in orders)
    return PAGE.format(title=html.escape(TITLE), orders="".join(rows))


class Web(server.Handler):
    def do_GET(self) -> None:  # noqa: N802 - the name is that of http.server
        if self.path == "/healthz":
            self.send(200, {"status": "ok"})
        elif self.path == "/":
            self.call_api(lambda: self.send(200, render_page(request_api("/orders")), "text/html"))
        else:
            self.send(404, {"error": "not found"})

    def do_POST(self) -> None:  # noqa: N802 - the name is that of http.server
        product = urllib.parse.parse_qs(self.read_body()).get("item", [""])[0].strip()
        if self.path != "/orders" or not product:
            self.send(400, {"error": "an order requires an item"})
            return

        def add_order() -> None:
            request_api("/orders", {"item": product})
            self.send(303, "", headers={"Location": "/"})

        self.call_api(add_order)

    def call_api(self, send_response: Any) -> None:
        """Call a function, and send 502 if the API does not answer."""
        try:
            send_response()
        except (urllib.error.URLError, TimeoutError) as error:
            self.send(502, {"error": f"the API does not answer: {error}"})


if __name__ == "__main__":
    server.serve(Web)
