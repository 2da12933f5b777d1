import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings, load


def _load(tmp_path, text: str) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text('name = "shop"\n[data]\nfolder = "d"\n' + text)
    return load(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[beam]\nengine = "dask"\n',
            "beam.engine: Input should be 'direct', 'flink', 'spark', 'dataflow' or 'portable'",
        ),
        ('[beam]\nengine = "flink"\n', 'beam: engine = "flink" needs `flink.job_server` or `flink.rest`'),
        ('[beam]\nengine = "spark"\n', 'beam: engine = "spark" needs `spark.job_server` or `spark.master`'),
        ('[beam]\nengine = "portable"\n', 'beam: engine = "portable" needs `portable.job_server`'),
        ('[beam]\nengine = "dataflow"\n', 'beam: engine = "dataflow" needs `dataflow.project`'),
        (
            '[beam]\nengine = "dataflow"\n[beam.dataflow]\nproject = "p"\nregion = "r"\ntemp_location = "gs://b/t"\n',
            'beam: engine = "dataflow" needs `dataflow.image` or `dataflow.packages`',
        ),
        (
            '[beam.dataflow]\ntemp_location = "/tmp"\n',
            "beam.dataflow.temp_location: a gs:// address such as gs://bucket/folder is expected; got '/tmp'",
        ),
        ('[beam.flink]\nrest = "http://flink:8081"\n', "beam.flink.rest: host:port without a scheme"),
        (
            '[beam.spark]\nmaster = "yarn"\n',
            "beam.spark.master: the address of a Spark cluster, such as spark://host:7077",
        ),
        (
            '[beam.flink]\nresst = "flink:8081"\n',
            "beam.flink.resst: unknown key; allowed here: job_server, workers, rest",
        ),
        ('[beam.spark.workers]\nkind = "docker"\n', 'beam.spark.workers: kind = "docker" needs `docker.image`'),
        ('[beam.flink.workers]\nkind = "process"\n', 'beam.flink.workers: kind = "process" needs `process.command`'),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_its_key(tmp_path, text, expected):
    with pytest.raises(SettingsError) as error:
        _load(tmp_path, text)
    assert expected in str(error.value)


def test_options_of_other_engines_are_allowed(tmp_path):
    beam = _load(
        tmp_path, '[beam]\nengine = "flink"\n[beam.flink]\nrest = "f:8081"\n[beam.spark]\nmaster = "spark://s:7077"\n'
    ).beam
    assert beam.endpoint() == "f:8081"
    assert _load(tmp_path, '[beam.flink]\nrest = "f:8081"\n').beam.endpoint() is None
