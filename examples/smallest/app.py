"""The application of app.yaml in Python."""

import seaway as sw

application = sw.Application(
    "smallest",
    services=[sw.Service("web", build="./web", port=8000)],
)
