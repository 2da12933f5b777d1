"""Columns by their names, in English, Spanish and as the public data sets have them."""

import pytest

from recommender.sources.names import KNOWN, known_names, normalized, rank

RATINGS = ("user", "item", "rating", "timestamp", "event")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("userId", "user_id"),
        ("UserID", "user_id"),
        ("User-ID", "user_id"),
        (" user id ", "user_id"),
        ("ID_CLIENTE", "id_cliente"),
        ("Calificación", "calificacion"),
        ("ISBN", "isbn"),
        ("unixReviewTime", "unix_review_time"),
        ("review/profileName", "review_profile_name"),
        ("título", "titulo"),
        ("--", ""),
    ],
)
def test_names_are_compared_without_case_accents_and_signs(name, plain):
    assert normalized(name) == plain


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("user", "userId user_id UserID ID_CLIENTE visitorid reviewerID User-ID msno_user usuario customer_unique_id"),
        ("item", "movieId item_id asin ISBN NOMBRE_EXPERIENCIA artistID itemid parent_asin StockCode cod_articulo"),
        ("rating", "rating Book-Rating CALIFICACION overall score weight plays stars PUNTUACION review/overall"),
        ("timestamp", "timestamp unixReviewTime date FECHA_INTERACCION event_time Fecha InvoiceDate review/time"),
        ("event", "event event_type behavior_type accion tipo_evento"),
        ("title", "title name TITULO movie_title Book-Title"),
        ("genres", "genres genre categories Géneros"),
    ],
)
def test_usual_names_are_known(role, names):
    assert [name for name in names.split() if rank(name, role) is None] == []


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("user", "user_name_of_item item_user_count product rating gender age"),
        ("item", "item_category product_type product_price itemtype"),
        ("timestamp", "user_time_zone_name runtime"),
        ("rating", "user item date"),
    ],
)
def test_other_names_are_not_taken_for_known_ones(role, names):
    taken = [name for name in names.split() if rank(name, role) is not None and rank(name, role) < len(KNOWN[role])]
    assert taken == []


def test_the_more_usual_name_comes_first():
    assert rank("user_id", "user") < rank("session_id", "user")
    assert rank("item_id", "item") < rank("name", "item")
    assert rank("rating", "rating") < rank("weight", "rating")
    assert rank("fecha", "timestamp") < rank("FECHA_ALTA", "timestamp") == len(KNOWN["timestamp"])


def test_known_names_are_counted_once_whatever_their_role():
    assert known_names(["userId", "movieId", "title", "x"], RATINGS) == 3
    assert known_names(["1", "2", "3.5"], RATINGS) == 0
