from benchmarks.item_lists import write_events


def test_lists_become_events_in_order_and_later_files_continue_them(tmp_path):
    (tmp_path / "train.txt").write_text("7 c a b\n8 b\n9 a\n\n")
    (tmp_path / "test.txt").write_text("8 d\n7 d\n")
    lists = [tmp_path / "train.txt", tmp_path / "test.txt"]
    assert write_events(lists, tmp_path / "all.csv") == 7
    assert (tmp_path / "all.csv").read_text().split() == ["user,item", "7,c", "7,a", "7,b", "7,d", "8,b", "8,d", "9,a"]
    assert write_events(lists, tmp_path / "some.csv", num_users=2) == 6
    assert "9" not in (tmp_path / "some.csv").read_text()
