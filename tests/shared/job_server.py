"""Beam's own job server in Python with several workers for each job: `job_server.py WORKERS`, then its arguments.

It runs jobs as the direct engine does, which divides the elements of each stage among its workers, but has no option
for their number (Beam 2.74 to 2.77).
"""

import sys
from typing import Any

if __name__ == "__main__":
    workers, *arguments = sys.argv[1:]
    del sys.path[0]  # the folder of this file
    from apache_beam.runners.portability import local_job_service_main
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

    create = FnApiRunner.__init__

    def create_with_workers(self: FnApiRunner, *positional: Any, **named: Any) -> None:
        create(self, *positional, **named)
        self._num_workers = int(workers)

    FnApiRunner.__init__ = create_with_workers
    local_job_service_main.run(arguments)
