"""The API of the shop: lists, adds and packs orders."""

import json

import pg8000.exceptions
import server
import store


class Api(server.Handler):
    def do_GET(self) -> None:  # noqa: N802 - the name is that of http.server
        match self.path:
            case "/healthz":
                self.send(200, {"status": "ok"})
            case "/readyz":
                self.send_result(lambda: store.check_ready() or {"status": "ok"})
            case "/orders":
                self.send_result(store.list_orders)
            case _:
                self.send(404, {"error": "not found"})

    def do_POST(self) -> None:  # noqa: N802 - the name is that of http.server
        body = self.read_body()
        match self.path:
            case "/orders":
                try:
                    product = str(json.loads(body)["item"])
                except (ValueError, KeyError, TypeError):
                    self.send(400, {"error": 'send an order: {"item": "..."}'})
                    return
                self.send_result(lambda: {"id": store.add_order(product)})
            case "/orders/pack":
                self.send_result(lambda: {"id": store.pack_order()})
            case _:
                self.send(404, {"error": "not found"})

    def send_result(self, query) -> None:
        """Send the result of ``query``, or 503 if the database does not answer."""
        try:
            result = query()
        except (pg8000.exceptions.Error, OSError) as error:
            self.log_error("database: %s", error)
            self.send(503, {"error": "the database does not answer"})
        else:
            self.send(200, result)


if __name__ == "__main__":
    server.serve(Api)
