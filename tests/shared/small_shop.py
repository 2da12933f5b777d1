"""Ratings and items of a synthetic shop with its own column names: each user likes one of four groups of items."""

import csv
import random
from pathlib import Path

GROUPS, USERS, ITEMS, EVENTS = 4, 160, 80, 24
DATA = """
[data]
folder = "data"
rating_scale = [1, 5]
columns = { user = "client", item = "product", rating = "stars", timestamp = "when" }
timestamp_format = "%m/%d/%Y %H:%M"
max_reject_share = 0.01
"""
"""The settings to read the files."""


def write(folder: Path) -> None:
    """Writes `ratings.csv` and `items.csv`; one rating is unreadable."""
    generator = random.Random(7)
    rows = []
    for user in range(USERS):
        liked = [item for item in range(ITEMS) if item % GROUPS == user % GROUPS]
        others = [item for item in range(ITEMS) if item % GROUPS != user % GROUPS]
        # Few items of the user's group and fewer of the others, so that unseen items of the group can be predicted.
        chosen = [*generator.sample(liked, 14), *generator.sample(others, EVENTS - 14)]
        generator.shuffle(chosen)
        for number, item in enumerate(chosen):
            stars = generator.choice([4, 5] if item in liked else [1, 2, 3])
            day, minute = number + 1, generator.randrange(24 * 60)
            rows.append((f"c{user:03}", f"p{item:02}", stars, f"01/{day:02}/2021 {minute // 60:02}:{minute % 60:02}"))
    folder.mkdir(parents=True)
    with open(folder / "ratings.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["client", "product", "stars", "when"])
        writer.writerows(rows)
        writer.writerow(["c000", "p01", "many", "01/01/2021 10:00"])
    with open(folder / "items.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "title", "genres"])
        # The last item is rated but not described; another is described but never rated.
        writer.writerows((f"p{item:02}", f"Product, no. {item}", f"group {item % GROUPS}") for item in range(ITEMS - 1))
        writer.writerow(["p-new", "Never rated", "group 1"])
