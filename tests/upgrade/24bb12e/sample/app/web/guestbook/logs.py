"""Logs for a cluster: one JSON object a line, on standard output."""

import datetime
import json
import logging
import logging.config
import os

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, whatever `extra` gave, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        said: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def configure() -> None:
    """Send every logger, uvicorn's too, to standard output. LOG_LEVEL sets the least level (default INFO)."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
            "root": {"level": os.environ.get("LOG_LEVEL", "INFO").upper(), "handlers": ["out"]},
        }
    )
