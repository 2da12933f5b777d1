"""Progress without a progress bar: in a container's log, in a file, under cron."""

import logging
import time

SECONDS_BETWEEN_LINES = 60.0


class OnceAMinute(logging.Filter):
    """Passes all records, except that those with the attribute `progress` pass once a minute."""

    def __init__(self) -> None:
        """The first minute begins now."""
        super().__init__()
        self._last = time.monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record passes."""
        if not hasattr(record, "progress"):
            return True
        if time.monotonic() - self._last < SECONDS_BETWEEN_LINES:
            return False
        self._last = time.monotonic()
        return True
