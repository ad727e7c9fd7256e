"""Logs as JSON on standard output, one object per line."""

import datetime
import json
import logging
import logging.config
import os

RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message, the fields of `extra`, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line of JSON."""
        fields: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: extra for name, extra in vars(record).items() if name not in RECORD_FIELDS}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str, ensure_ascii=False)


def configure() -> None:
    """Send all loggers, including those of uvicorn, to standard output. LOG_LEVEL sets the level [INFO]."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
            "root": {"level": os.environ.get("LOG_LEVEL", "INFO").upper(), "handlers": ["out"]},
        }
    )
