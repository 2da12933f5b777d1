"""Names that columns usually have, by role."""

import re
import unicodedata
from collections.abc import Sequence

KNOWN: dict[str, tuple[str, ...]] = {
    "user": (
        "user_id", "user", "uid", "visitor_id", "visitor", "customer_id", "customer", "cust_id", "client_id", "client",
        "id_cliente", "cliente_id", "cliente", "id_usuario", "usuario_id", "usuario", "reviewer_id", "reviewer",
        "review_user_id", "review_profile_name", "profile_name", "member_id", "member", "account_id", "account",
        "person_id", "person", "buyer_id", "buyer", "shopper_id", "shopper", "listener_id", "listener", "reader_id",
        "reader", "viewer_id", "viewer", "player_id", "player", "student_id", "student", "subscriber_id",
        "subscriber", "household_id", "household_key", "household", "comprador", "lector", "socio", "id_socio",
        "user_name", "username", "login", "author_id", "session_id", "session", "sesion",
    ),
    "item": (
        "item_id", "item", "iid", "movie_id", "movie", "film_id", "film", "product_id", "product", "id_producto",
        "producto_id", "producto", "articulo_id", "id_articulo", "articulo", "article_id", "article", "asin",
        "parent_asin", "isbn", "book_id", "book", "libro_id", "libro", "artist_id", "artist", "artista", "track_id",
        "track", "song_id", "song", "cancion", "album_id", "album", "game_id", "game", "juego", "app_id", "app",
        "sku", "stock_code", "business_id", "business", "venue_id", "venue", "poi_id", "poi", "location_id",
        "place_id", "place", "restaurant_id", "restaurant", "restaurante", "hotel_id", "hotel", "beer_beer_id",
        "beer_id", "beer", "recipe_id", "recipe", "receta", "anime_id", "anime", "joke_id", "joke", "news_id",
        "content_id", "content", "video_id", "video", "show_id", "show", "pelicula_id", "id_pelicula", "pelicula",
        "course_id", "course", "curso", "experience_id", "experience", "experiencia_id", "experiencia", "offer_id",
        "offer", "listing_id", "listing", "document_id", "doc_id", "post_id", "post", "bookmark_id", "url", "page_id",
        "page", "title", "name", "nombre", "titulo",
    ),
    "rating": (
        "rating", "ratings", "book_rating", "user_rating", "review_overall", "overall", "star_rating", "stars",
        "score", "user_score", "calificacion", "puntaje", "puntuacion", "puntos", "valoracion", "nota", "estrellas",
        "rate", "rank_score", "feedback", "preference", "play_count", "playcount", "plays", "listens",
        "listen_count", "count", "num_events", "views", "clicks", "purchases", "quantity", "cantidad", "qty", "weight",
        "hours", "value",
    ),
    "timestamp": (
        "timestamp", "unix_review_time", "event_time", "event_timestamp", "rating_timestamp", "time_stamp",
        "unix_time", "datetime", "date_time", "time", "date", "ts", "fecha", "fecha_hora", "marca_de_tiempo",
        "review_time", "created_at", "created", "updated_at", "rated_at", "played_at", "watched_at", "purchased_at",
        "order_date", "purchase_date", "invoice_date", "when", "hora", "day", "dia", "t",
    ),
    "event": (
        "event", "event_type", "event_name", "behavior", "behaviour", "behavior_type", "behaviour_type", "action",
        "action_type", "interaction_type", "interaction", "activity", "activity_type", "evento", "tipo_evento",
        "tipo_de_evento", "accion", "type", "tipo",
    ),
    "title": (
        "title", "name", "movie_title", "book_title", "product_name", "product_title", "item_name", "titulo",
        "nombre", "description", "descripcion",
    ),
    "genres": (
        "genres", "genre", "categories", "category", "category_name", "tags", "generos", "genero", "categorias",
        "categoria",
    ),
}  # fmt: skip
COUNTS = frozenset(
    ("play_count", "playcount", "plays", "listens", "listen_count", "count", "num_events", "views", "clicks",
     "purchases", "quantity", "cantidad", "qty")
)  # fmt: skip
"""Names of rating columns that hold numbers of events."""
_LEADING = {
    "user": {"user", "usuario", "cliente", "customer", "client", "visitor", "member", "reviewer"},
    "item": {"item", "product", "producto", "movie", "articulo", "experiencia", "nombre", "book", "artist", "track"},
    "timestamp": {"fecha", "date", "timestamp", "time", "datetime"},
    "rating": {"rating", "calificacion", "puntaje", "puntuacion", "puntos", "valoracion", "score"},
    "event": {"event", "evento"},
}
"""First or last words of longer names, such as FECHA_INTERACCION."""
_FILLERS = {"id", "cod", "code", "de", "del", "la", "el", "of", "the"}
_NO_ROLE = {
    "name",
    "nombre",
    "title",
    "titulo",
    "type",
    "tipo",
    "age",
    "edad",
    "gender",
    "country",
    "category",
    "genre",
    "price",
}

_OF_OTHERS = {"birth", "nacimiento", "release", "estreno", "publication", "publicacion", "signup", "registration"}
"""Words of times that are not those of an event, such as birth_date."""
_TITLES = ("_name", "_title")


def normalized(name: str) -> str:
    """Returns a name in lower case, without accents, its words joined by `_`: `userId` and `User-ID` as `user_id`."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    parted = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", plain)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def rank(name: str, role: str) -> int | None:
    """Returns how well a column's name fits a role, 0 best; None if it does not."""
    plain = normalized(name)
    known = KNOWN[role]
    squeezed = {text.replace("_", ""): place for place, text in reversed(list(enumerate(known)))}
    if plain in known:
        return known.index(plain)
    if plain.replace("_", "") in squeezed:
        return squeezed[plain.replace("_", "")]
    if role == "item" and plain.endswith(_TITLES) and plain.rpartition("_")[0] in known:
        return len(known)
    words = [word for word in plain.split("_") if word not in _FILLERS]
    if not words:
        return None
    for word in (words[-1], words[0]):
        for other, leading in _LEADING.items():
            if word in leading and not set(words[1:]) & _NO_ROLE and not set(words) & _OF_OTHERS:
                return len(known) if other == role else None
    return None


def known_names(names: Sequence[str], roles: Sequence[str]) -> int:
    """Returns how many of the names are known exactly for one of the roles."""
    return sum(
        any((place := rank(name, role)) is not None and place < len(KNOWN[role]) for role in roles) for name in names
    )
