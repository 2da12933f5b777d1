"""Errors that users can fix; the command line prints them without a stack trace."""


class SettingsError(ValueError):
    """A settings file that cannot be used. The message names the key, what is allowed and what came."""


class DataError(ValueError):
    """Input data that cannot be used. The message names the file, and the line or column where there is one."""


class ServiceError(RuntimeError):
    """A service that cannot be reached or refuses. The message names it, what it said and what to do.

    Attributes:
      status: HTTP status of its answer; 0 without an answer.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status
