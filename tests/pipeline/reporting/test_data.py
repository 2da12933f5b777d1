"""What `inspect` prints stays on a screen, whatever the names of the columns."""

from pipeline.commands.inspect import main


def test_long_names_of_columns_are_cut(tmp_path, capsys):
    path = tmp_path / "ratings.csv"
    head = "u" * 30_000 + ",item" + "\0" * 5_000
    path.write_text(head + "\n" + "".join(f"a{n % 5},b{n % 7}\n" for n in range(70)), encoding="utf-8")
    assert main([str(path)], prog="inspect") == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") < 50
    assert len(printed) < 6_000
