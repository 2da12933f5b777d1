"""Names of the SavedModel's signatures, tensors and properties, and of the features behind them."""

from collections.abc import Iterable

# Signatures.
SERVING_DEFAULT = "serving_default"
RECOMMEND = "recommend"
RETRIEVE = "retrieve"
RETRIEVE_ON_DEVICE = "retrieve_on_device"
RATE = "rate"
RATE_ON_DEVICE = "rate_on_device"
SIMILAR_ITEMS = "similar_items"
EMBED_USERS = "embed_users"
EMBED_ITEMS = "embed_items"
LIST_USERS = "list_users"
LIST_ITEMS = "list_items"
# Of the on-device sequence models, in addition to RECOMMEND.
RECOMMEND_IDS = "recommend_ids"
SCORES = "scores"
# Of the approximate index, in addition to RETRIEVE.
SEARCH = "search"

# Raw features of a rating example (splits `train` and `eval`); RATING and TIMESTAMP only where there is one.
USER_ID = "user_id"
ITEM_ID = "item_id"
RATING = "rating"
TIMESTAMP = "timestamp"
WEIGHT = "weight"
POSITION = "position"
USER_ACTIVITY = "user_activity"
ITEM_POPULARITY = "item_popularity"
# Raw features of a catalogue example (split `candidates`), in addition to ITEM_ID.
TITLE = "title"
TITLE_WORDS = "title_words"
GENRES = "genres"
POPULARITY = "popularity"

# Transformed features; an index is a position in a vocabulary, whose size itself stands for unknown values.
USER_INDEX = "user_index"
ITEM_INDEX = "item_index"
GENRE_INDEX = "genre_index"
TITLE_WORD_INDEX = "title_word_index"

# Of a training batch, in addition: what the user chose before.
HISTORY_INDEX = "history_index"
HISTORY_RATING = "history_rating"
# Of a device's share of a training batch, in addition: what the whole batch predicts.
BATCH_ITEMS = "batch_items"
BATCH_WEIGHT = "batch_weight"

# Vocabularies of Transform.
USER_VOCABULARY = "users"
ITEM_VOCABULARY = "items"
GENRE_VOCABULARY = "genres"
TITLE_WORD_VOCABULARY = "title_words"

# Tensors of the signatures, in addition to USER_ID, ITEM_ID, TITLE and RATING.
HISTORY_ITEM_ID = "history_item_id"
K = "k"
EXCLUDE = "exclude"
ALLOW = "allow"
DENY = "deny"
GENRE = "genre"
INCLUDE_SEEN = "include_seen"
N_CANDIDATES = "n_candidates"
RATING_WEIGHT = "rating_weight"
RECENT_ITEM_ID = "recent_item_id"
RECENT_RATING = "recent_rating"
RECENT_TIMESTAMP = "recent_timestamp"
SCORE = "score"
RETRIEVAL_SCORE = "retrieval_score"
IS_KNOWN = "is_known"
UNKNOWN_HISTORY = "unknown_history"
EMBEDDING = "embedding"
BEGIN = "begin"
END = "end"
NUM_USERS = "num_users"
NUM_ITEMS = "num_items"
# Of a batch's table, in addition.
RANK = "rank"

# Of the on-device sequence models: CONTEXT or HISTORY, then the feature.
CONTEXT = "context_"
HISTORY = "history_"
ITEM = "item"
LOGITS = "logits"

# Custom property of both blessings, see `judged`. TFX's own property for the model is a number, which Vertex AI rounds
# in one blessing and turns into a name in the other.
JUDGED_PROPERTY = "judged_model"


def judged(artifacts: Iterable[int]) -> str:
    """The value of `JUDGED_PROPERTY`: the ids of the artifacts that a blessing is for, the model's first."""
    return ",".join(map(str, artifacts))
