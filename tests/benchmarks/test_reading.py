from benchmarks import reading
from benchmarks.scaling import make_ratings


def test_every_form_and_every_installed_reader_gives_all_rows(tmp_path):
    files = reading.write_files(make_ratings(600), tmp_path)
    assert len(files) == 6
    assert {form: reading.read_ours(path) for form, path in files.items()} == dict.fromkeys(files, 600)
    assert {"pandas", "pyarrow.csv"} <= set(reading.peers())
    assert {read(files["plain CSV"]) for read in reading.peers().values()} == {600}


def test_the_forms_are_what_their_names_say(tmp_path):
    files = reading.write_files(make_ratings(600), tmp_path)
    first = {form: path.read_bytes()[:200] for form, path in files.items()}
    assert first["CSV in gzip"].startswith(b"\x1f\x8b") and first["Parquet"].startswith(b"PAR1")
    assert first["JSON lines"].startswith(b'{"user_id":"u')
    assert b'"Item, no. ' in first["CSV with quoted fields"]
    assert b"-" in first["CSV with ISO 8601 times"].splitlines()[1] and b'"' not in first["plain CSV"]


def test_speeds_are_compared_with_plain_csv():
    table = reading.format_table({"Atalaya, plain CSV": 2.0, "pandas": 0.5}, 1_000)
    assert table.splitlines()[2:] == ["| Atalaya, plain CSV | 500 | 1.00 |", "| pandas | 2,000 | 4.00 |"]
