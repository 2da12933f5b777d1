"""The interaction log of a synthetic loyalty programme: who took part in which experience, and how they rated it.

Names hold commas, accents and quotes, and some come in capitals too; some rows are there twice. Each client has a taste
that one kind of experience meets, and experiences differ in quality, so that there is something to learn.

    python tests/shared/loyalty.py data/experiences.csv
"""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

HEADER = ["ID_CLIENTE", "NOMBRE_CORTO_DE_EXPERIENCIA", "CALIFICACION", "FECHA_INTERACCION"]
KINDS = (
    ("Cena de degustación", "Cata de vinos, quesos y pan"),
    ("Día de spa", 'Masaje "Piedras calientes"'),
    ("Vuelo en globo", "Tirolesa y rappel"),
    ("Concierto acústico", "Noche de jazz"),
    ("Recorrido a pie, con guía", "Visita al museo"),
    ("Taller de cerámica", "Clase de cocina, nivel básico"),
    ("Partido de fútbol", "Carrera 10K"),
    ("Fin de semana en hotel", "Cabaña para dos, con desayuno"),
)
"""Two experiences of each kind; a client prefers one kind."""
PLACES = (
    "Bogotá", "Medellín", "Cali", "Cartagena", "Santa Marta", "Pereira", "Popayán", "Villa de Leyva",
    "Barichara", "Salento", "San Andrés", "Leticia", "Tunja", "Ibagué", "Neiva", "Montería",
)  # fmt: skip


class Size(NamedTuple):
    """Numbers of rows, clients and experiences, the latter at most 256."""

    rows: int = 11_165
    clients: int = 2_382
    experiences: int = 254


FULL = Size()
_START = datetime(2021, 1, 4)
_MINUTES = 700 * 24 * 60
_REPEATED_ROWS = 0.15
_OWN_TASTE = 0.75
_NAMES_IN_CAPITALS = 0.1


def write(path: Path, size: Size = FULL, seed: int = 7) -> None:
    """Writes the log as CSV, sorted by time to the minute."""
    rng = np.random.default_rng(seed)
    repeated = round(size.rows * _REPEATED_ROWS)
    events = _events(size._replace(rows=size.rows - repeated), rng)
    events += [events[place] for place in rng.choice(len(events), repeated, replace=False)]
    events.sort(key=lambda event: event[3])
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for client, name, rating, minute in events:
            when = _START + timedelta(minutes=minute)
            writer.writerow([client, name, rating, when.strftime("%m/%d/%Y %H:%M")])


def _events(size: Size, rng: np.random.Generator) -> list[tuple[str, str, int, int]]:
    """Draws distinct events: client, experience, rating, minute."""
    names = [f"{name} - {place}" for place in PLACES for kind in KINDS for name in kind][: size.experiences]
    kind = np.arange(size.experiences) // len(KINDS[0]) % len(KINDS)
    popularity = rng.permutation(1 / np.arange(5, size.experiences + 5))
    quality = rng.normal(0, 0.5, size.experiences)
    in_capitals = rng.random(size.experiences) < _NAMES_IN_CAPITALS
    taste = rng.integers(0, len(KINDS), size.clients)
    kindness = rng.normal(0, 0.5, size.clients)
    activity = rng.lognormal(0, 0.8, size.clients)
    # Every client and every experience comes at least once.
    clients = rng.choice(size.clients, size.rows, p=activity / activity.sum())
    clients[: size.clients] = rng.permutation(size.clients)
    events = []
    for row, client in enumerate(clients):
        is_own = (kind == taste[client]) if rng.random() < _OWN_TASTE else np.ones(size.experiences, bool)
        chances = popularity * is_own
        item = row if row < size.experiences else rng.choice(size.experiences, p=chances / chances.sum())
        liking = 4.3 + kindness[client] + quality[item] + 0.8 * (kind[item] == taste[client]) + rng.normal(0, 0.6)
        name = names[item].upper() if in_capitals[item] and rng.random() < 0.3 else names[item]
        events.append((f"C{client:05}", name, int(np.clip(np.round(liking), 1, 5)), int(rng.integers(_MINUTES))))
    return events


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target)
