import apache_beam as beam
import pyarrow as pa
from apache_beam.testing.util import assert_that, equal_to

import semaphores
from components.example_gen import flow

pytestmark = semaphores.needed


def test_items_of_both_files_get_the_most_frequent_spelling():
    with beam.Pipeline() as pipeline:
        rated, described = (
            flow._Rows(
                pipeline | f"Tables{name}" >> beam.Create([pa.table({"item": items}) for items in tables]), None, None
            )
            for name, tables in (
                ("Rated", [["Spa", "SPA"], ["Spa", "Museo  Botero"]]),
                ("Described", [["SPA", "Jazz", "museo botero"]]),
            )
        )
        rated, described = flow._merge_names(rated, described)
        items = (rated.rows, described.rows) | beam.Flatten() | beam.FlatMap(lambda table: table["item"].to_pylist())
        assert_that(items, equal_to(["Spa"] * 4 + ["Museo  Botero"] * 2 + ["Jazz"]))
