from schemas.printable import printable


def test_what_a_terminal_would_obey_is_an_escape_and_letters_of_any_script_stay() -> None:
    assert printable("\x1b[31m\r\t\x00\x7f\x9b\u202e\u2028\u200b\ufeff") == (
        r"\x1b[31m\r\t\x00\x7f\x9b\u202e\u2028\u200b\ufeff"
    )
    # A line end, a space that does not break, a joiner of an emoji, a non-joiner, as Persian has.
    kept = "É 日本\nn\xa0: 👩\u200d🚀 a\u200cb \\x1b"
    assert printable(kept) == kept
