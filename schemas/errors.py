"""The two errors a user can mend; the command line prints them without a stack trace and exits with 2."""


class SettingsError(ValueError):
    """A settings file that cannot be used. The message names the key, what is allowed and what came."""


class DataError(ValueError):
    """Input data that cannot be used. The message names the file, and the line or column where there is one."""
