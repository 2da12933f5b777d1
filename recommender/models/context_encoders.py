"""Encoders of a padded row of vectors as one vector: a mean, convolutions, an LSTM or self-attention.

Each takes `vectors`, [n, length, width] float32, and `mask`, [n, length] bool: true at a vector, false at padding. The
vectors of a row are in order, oldest first. Padding is never read: the amount of it before or after the vectors does
not change the result. A row of padding alone also becomes a vector.
"""

import tensorflow as tf

from schemas.settings import SequenceModelSettings

_SMALLEST = 1e-4
"""Minimum divisor, for empty sums; float16 can represent it too."""


def make_encoder(length: int, settings: SequenceModelSettings) -> tf.keras.layers.Layer:
    """Creates the encoder in the settings, for rows of at most `length` vectors."""
    if settings.encoder == "bow":
        return BagOfWords(length)
    if settings.encoder == "cnn":
        return Convolutions(settings.cnn.filters, settings.cnn.kernels)
    if settings.encoder == "rnn":
        return Recurrence(settings.rnn.units)
    return SelfAttention(length, settings.attention.heads)


class BagOfWords(tf.keras.layers.Layer):
    """Weighted mean of the vectors, with a learned weight for each place from the end; all are equal at first."""

    def __init__(self, length: int):
        super().__init__()
        self._length = length
        self._log_weights = self.add_weight(name="log_weights", shape=[length], initializer="zeros")

    def call(self, vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns [n, width]; zeros for a row of padding."""
        given = tf.cast(mask, tf.float32)
        weights = tf.gather(tf.exp(self._log_weights), places_from_end(mask, self._length)) * given
        weights /= tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), _SMALLEST)
        return tf.reduce_sum(vectors * tf.expand_dims(weights, 2), axis=1)


class Convolutions(tf.keras.layers.Layer):
    """Stacked causal convolutions (ReLU), then the mean of the results, concatenated with the last one."""

    def __init__(self, filters: tuple[int, ...], kernels: tuple[int, ...]):
        super().__init__()
        self._kernels = kernels
        self._layers = [
            tf.keras.layers.Conv1D(number, kernel, padding="valid", activation="relu")
            for number, kernel in zip(filters, kernels, strict=True)
        ]

    def call(self, vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns [n, 2 * the last number of filters]; zeros for a row of padding."""
        given = tf.expand_dims(tf.cast(mask, tf.float32), 2)
        vectors *= given
        for layer, kernel in zip(self._layers, self._kernels, strict=True):
            # Before the first vector there are zeros, as at padding.
            vectors = layer(tf.pad(vectors, [[0, 0], [kernel - 1, 0], [0, 0]])) * given
        mean = tf.reduce_sum(vectors, axis=1) / tf.maximum(tf.reduce_sum(given, axis=1), 1.0)
        return tf.concat([mean, _last(vectors, given)], axis=1)


class Recurrence(tf.keras.layers.Layer):
    """An LSTM's last output (Hochreiter and Schmidhuber, 1997); padding leaves its state unchanged.

    The steps are unrolled, since a loop would need operators that TFLite lacks.
    """

    def __init__(self, units: int):
        super().__init__()
        self._cell = tf.keras.layers.LSTMCell(units, implementation=2)

    def call(self, vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns [n, units]; zeros for a row of padding."""
        zeros = tf.zeros([tf.shape(vectors)[0], self._cell.units])
        states = [zeros, zeros]
        for step in range(vectors.shape[1]):
            moved = self._cell(vectors[:, step], states)[1]
            given = mask[:, step, tf.newaxis]
            states = [tf.where(given, new, old) for new, old in zip(moved, states, strict=True)]
        return states[0]


class SelfAttention(tf.keras.layers.Layer):
    """A block of causal self-attention, read at the last vector, as SASRec (Kang and McAuley, 2018) with one block.

    Only the output at the last vector is computed. Places are counted from the end.
    """

    def __init__(self, length: int, heads: int):
        super().__init__()
        self._length, self._heads = length, heads

    def build(self, shape: tf.TensorShape) -> None:
        """Creates the layers, with the width of the vectors."""
        width = shape[-1]
        if width % self._heads:
            raise ValueError(f"attention: vectors of width {width} cannot be divided evenly among {self._heads} heads")
        self._places = self.add_weight(name="places", shape=[self._length, width], initializer="zeros")
        self._query, self._key, self._value, self._out = (tf.keras.layers.Dense(width) for _ in range(4))
        self._inner = tf.keras.layers.Dense(2 * width, activation="relu")
        self._outer = tf.keras.layers.Dense(width)
        self._norms = [tf.keras.layers.LayerNormalization() for _ in range(2)]

    def call(self, vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns [n, width]."""
        given = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
        vectors = (vectors + tf.gather(self._places, places_from_end(mask, self._length))) * given
        last = _last(vectors, given)[:, tf.newaxis]
        normed = self._norms[0](vectors)
        query = self._query(self._norms[0](last))
        keys, values = self._split(self._key(normed)), self._split(self._value(normed))
        logits = tf.matmul(self._split(query), keys, transpose_b=True) * (keys.shape[-1] ** -0.5)
        # Padding gets the row's smallest logit: a far lower one would leave the others no precision in 8 bits.
        is_given = mask[:, tf.newaxis, tf.newaxis]
        logits = tf.where(is_given, logits, tf.reduce_min(logits, axis=-1, keepdims=True))
        raised = tf.exp(logits - tf.reduce_max(logits, axis=-1, keepdims=True)) * tf.cast(is_given, tf.float32)
        weights = raised / tf.maximum(tf.reduce_sum(raised, axis=-1, keepdims=True), _SMALLEST)
        attended = tf.reshape(tf.matmul(weights, values), [-1, 1, vectors.shape[-1]])
        hidden = last + self._out(attended)
        return (hidden + self._outer(self._inner(self._norms[1](hidden))))[:, 0]

    def _split(self, vectors: tf.Tensor) -> tf.Tensor:
        """Reshapes [n, m, width] to [n, heads, m, width / heads]."""
        shape = [-1, vectors.shape[1], self._heads, vectors.shape[2] // self._heads]
        return tf.transpose(tf.reshape(vectors, shape), [0, 2, 1, 3])


def places_from_end(mask: tf.Tensor, length: int) -> tf.Tensor:
    """Returns places, [n, m] int32, for an [n, m] bool mask: 0 at the last vector; padding is in `[0, length)` too."""
    after = tf.cumsum(tf.cast(mask, tf.int32), axis=1, exclusive=True, reverse=True)
    return after if mask.shape[1] <= length else tf.minimum(after, length - 1)


def _last(vectors: tf.Tensor, given: tf.Tensor) -> tf.Tensor:
    """Returns the last vector, [n, width], or zeros; vectors: [n, m, width]; given: [n, m, 1], 0 at padding, else 1."""
    after = tf.cumsum(given, axis=1, exclusive=True, reverse=True)
    return tf.reduce_sum(vectors * tf.nn.relu(given - after), axis=1)
