"""Draws the metrics in a pushed version's model card and those of its baselines, as SVG on the standard output.

usage: python tools/draw_result.py serving/NAME/VERSION [en|es] > docs/pictures/result.svg
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

WORDS = {
    "en": {
        "title": "ratings held out of training, 95 % intervals",
        "ndcg_at_10": "NDCG@10 of the served list",
        "recall_at_100": "a user's held-out items found in the top 100",
        "liked_recall_at_100": "the same, items rated in the top quarter of the scale",
        "rmse": "error of predicted ratings (RMSE, lower is better)",
        "popularity": "most popular",
        "bias": "user and item averages",
    },
    "es": {
        "title": "valoraciones apartadas del entrenamiento, intervalos del 95 %",
        "ndcg_at_10": "NDCG@10 de la lista servida",
        "recall_at_100": "artículos apartados de un usuario entre los 100 primeros",
        "liked_recall_at_100": "lo mismo, artículos valorados en el cuarto superior de la escala",
        "rmse": "error de las valoraciones predichas (RMSE, menos es mejor)",
        "popularity": "los más populares",
        "bias": "medias de usuario y artículo",
    },
}
BASELINES = {
    "ndcg_at_10": "popularity",
    "recall_at_100": "popularity",
    "liked_recall_at_100": "popularity",
    "rmse": "bias",
}
WIDTH, BAR, LEFT, PANEL = 760, 420, 220, 84
"""Pixels: width of the picture, of the longest bar and of the names on the left; height of a metric's panel."""


class Measured(NamedTuple):
    """A metric over all evaluated users, the bounds of its interval, and the value of its baseline."""

    metric: str
    value: float
    lower: float
    upper: float
    baseline: float


def read(card: dict[str, Any]) -> list[Measured]:
    """Reads the metrics to draw from a model card's `evaluation`."""
    overall = {record["metric"]: record for record in card["evaluation"]["metrics"] if not record["slice"]}
    return [
        Measured(
            metric=metric,
            value=overall[metric]["value"],
            lower=overall[metric]["lower"],
            upper=overall[metric]["upper"],
            baseline=overall[f"{baseline}_{metric}"]["value"],
        )
        for metric, baseline in BASELINES.items()
    ]


def draw(name: str, measured: list[Measured], words: dict[str, str]) -> str:
    """Draws two bars for each metric of the recommender `name`, with a separate scale for each metric."""
    height = 50 + PANEL * len(measured)
    title = escape(f"{name}: {words['title']}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        f'<text x="20" y="30" font-weight="bold" fill="#1f2328">{title}</text>',
    ]
    for number, one in enumerate(measured):
        lines += _panel(one, words, 50 + PANEL * number)
    return "\n".join([*lines, "</svg>", ""])


def _panel(one: Measured, words: dict[str, str], top: int) -> list[str]:
    scale = BAR / max(one.upper, one.baseline)
    middle = top + 28
    low, high = (LEFT + scale * bound for bound in (one.lower, one.upper))
    return [
        f'<text x="20" y="{top + 10}" fill="#1f2328">{escape(words[one.metric])}</text>',
        *_bar("Atalaya", one.value, scale, top + 18, "#1a7f64"),
        f'<path d="M{low:.1f} {middle}H{high:.1f}m0 -4v8M{low:.1f} {middle - 4}v8" stroke="#1f2328"/>',
        *_bar(words[BASELINES[one.metric]], one.baseline, scale, top + 42, "#8c959f"),
    ]


def _bar(name: str, value: float, scale: float, top: int, colour: str) -> list[str]:
    return [
        f'<text x="{LEFT - 10}" y="{top + 15}" text-anchor="end" fill="#59636e">{escape(name)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{value * scale:.1f}" height="20" fill="{colour}"/>',
        f'<text x="{LEFT + BAR + 20}" y="{top + 15}" fill="#1f2328">{value:.4f}</text>',
    ]


if __name__ == "__main__":
    card = json.loads((Path(sys.argv[1]) / "assets.extra" / "model_card.json").read_text(encoding="utf-8"))
    sys.stdout.write(draw(card["training"]["name"], read(card), WORDS[sys.argv[2] if len(sys.argv) > 2 else "en"]))
