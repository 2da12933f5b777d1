import json
import math

from schemas import layout
from schemas import verdict as verdicts
from schemas.verdict import MetricRecord, Verdict


def test_an_interval_that_there_is_not_is_null_in_json_and_nan_in_python(tmp_path):
    record = MetricRecord(metric="rmse", slice="", value=0.5, lower=math.nan, upper=math.nan)
    verdict = Verdict(
        blessed=True, reasons=(), anomalies=(), compared_with_baseline=False, metrics=(record,), checks=()
    )
    (tmp_path / layout.VERDICT).write_text(verdict.model_dump_json())
    [written] = json.loads((tmp_path / layout.VERDICT).read_text())["metrics"]
    assert (written["value"], written["lower"], written["upper"]) == (0.5, None, None)
    read = verdicts.read(str(tmp_path)).value("rmse")
    assert read.value == 0.5 and math.isnan(read.lower) and math.isnan(read.upper)
