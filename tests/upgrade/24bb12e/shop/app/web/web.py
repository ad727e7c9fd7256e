"""The shop's page: shows the orders and takes new ones. It knows the API and nothing of the database."""

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


def ask(path: str, data: Any = None) -> Any:
    """Asks the API; ``data`` makes it a POST."""
    body = None if data is None else json.dumps(data).encode()
    with urllib.request.urlopen(API + path, data=body, timeout=5) as response:  # noqa: S310 - our own API
        return json.load(response)


def page(orders: list[dict[str, Any]]) -> str:
    """The page with its orders; what people typed is shown and never obeyed."""
    rows = (f"<li>{html.escape(order['item'])} ({html.escape(order['state'])})</li>" for order in orders)
    return PAGE.format(title=html.escape(TITLE), orders="".join(rows))


class Web(server.Handler):
    def do_GET(self) -> None:  # noqa: N802 - http.server asks for this name
        if self.path == "/healthz":
            self.answer(200, {"status": "ok"})
        elif self.path == "/":
            self.forward(lambda: self.answer(200, page(ask("/orders")), "text/html"))
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self) -> None:  # noqa: N802 - http.server asks for this name
        item = urllib.parse.parse_qs(self.body()).get("item", [""])[0].strip()
        if self.path != "/orders" or not item:
            self.answer(400, {"error": "an order needs an item"})
            return

        def order() -> None:
            ask("/orders", {"item": item})
            self.answer(303, "", headers={"Location": "/"})

        self.forward(order)

    def forward(self, work: Any) -> None:
        """Says what is wrong if the API does not answer."""
        try:
            work()
        except (urllib.error.URLError, TimeoutError) as error:
            self.answer(502, {"error": f"the API does not answer: {error}"})


if __name__ == "__main__":
    server.serve(Web)
