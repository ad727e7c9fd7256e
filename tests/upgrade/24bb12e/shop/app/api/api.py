"""The shop's API: orders in, orders out."""

import json

import pg8000.exceptions
import server
import store


class Api(server.Handler):
    def do_GET(self) -> None:  # noqa: N802 - http.server asks for this name
        match self.path:
            case "/healthz":
                self.answer(200, {"status": "ok"})
            case "/readyz":
                self.guarded(lambda: store.ready() or {"status": "ok"})
            case "/orders":
                self.guarded(store.orders)
            case _:
                self.answer(404, {"error": "not found"})

    def do_POST(self) -> None:  # noqa: N802 - http.server asks for this name
        body = self.body()
        match self.path:
            case "/orders":
                try:
                    item = str(json.loads(body)["item"])
                except (ValueError, KeyError, TypeError):
                    self.answer(400, {"error": 'an order is {"item": "..."}'})
                    return
                self.guarded(lambda: {"id": store.add(item)})
            case "/orders/pack":
                self.guarded(lambda: {"id": store.pack()})
            case _:
                self.answer(404, {"error": "not found"})

    def guarded(self, work) -> None:
        """Answers with what ``work`` returns, or says that the database does not answer."""
        try:
            result = work()
        except (pg8000.exceptions.Error, OSError) as error:
            self.log_error("database: %s", error)
            self.answer(503, {"error": "the database does not answer"})
        else:
            self.answer(200, result)


if __name__ == "__main__":
    server.serve(Api)
