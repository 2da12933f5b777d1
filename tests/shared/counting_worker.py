"""A worker that a pool starts, and that counts: `counting_worker.py FOLDER ...`, then as `atalaya-beam-worker`.

Each bundle becomes a line in the file `FOLDER/<process id>`: how many elements each of its transforms received.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

_ELEMENTS = "beam:metric:element_count:v1"


def _count(file: Path) -> None:
    from apache_beam.coders import VarIntCoder
    from apache_beam.runners.worker.bundle_processor import BundleProcessor

    process, decode = BundleProcessor.process_bundle, VarIntCoder().decode

    def counted(self: BundleProcessor, instruction: str) -> Any:
        result = process(self, instruction)
        infos = [info for info in self.monitoring_infos() if info.urn == _ELEMENTS]
        elements = {info.labels["PCOLLECTION"]: decode(info.payload) for info in infos}
        received = {
            transform.unique_name: sum(elements.get(name, 0) for name in transform.inputs.values())
            for transform in self.process_bundle_descriptor.transforms.values()
        }
        with file.open("a") as lines:
            print(json.dumps({name: number for name, number in received.items() if number}), file=lines)
        return result

    BundleProcessor.process_bundle = counted


if __name__ == "__main__":
    folder, *arguments = sys.argv[1:]
    del sys.path[0]  # the folder of this file
    from pipeline.engines import beam_worker

    _count(Path(folder) / str(os.getpid()))
    sys.exit(beam_worker.main(arguments))
