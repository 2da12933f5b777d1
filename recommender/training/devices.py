"""Fits on several devices, each of which computes the gradients of a share of every batch."""

import tensorflow as tf

from schemas import signatures as names


def training_strategy() -> tf.distribute.Strategy:
    """Returns the strategy for a fit on all devices, before TensorFlow is used for anything else.

    In a process of a cluster of several by the environment variable `TF_CONFIG`, which TensorFlow itself reads: that
    of the cluster, each of whose processes has to run the same fit. On a machine with several GPUs: that of these. Else
    the default.
    """
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    if sum(map(cluster.num_tasks, cluster.jobs)) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one of the strategy's processes that writes what is fitted."""
    return strategy.extended.should_checkpoint


def share_batches(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> tf.data.Dataset:
    """Gives each device its share of every batch of queries; all processes have to draw the same batches.

    Args:
      batches: as of `QueryBatches`.
      strategy: the strategy; the batches of one device are left as they are.

    Returns:
      What the strategy passes to its devices, epoch after epoch: consecutive queries, with `batch_items`, [n], the
      items that all queries of the batch predict, the share's first, and `batch_weight`, [], the sum of their weights.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches

    def shares(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * here
        return batches.flat_map(
            lambda batch: tf.data.Dataset.range(first, first + here).map(lambda place: _share(batch, place, replicas))
        ).repeat()

    return strategy.distribute_datasets_from_function(shares)


def _share(batch: dict[str, tf.Tensor], place: tf.Tensor, replicas: int) -> dict[str, tf.Tensor]:
    num_queries = tf.shape(batch[names.USER_INDEX], tf.int64)[0]
    begin, end = num_queries * place // replicas, num_queries * (place + 1) // replicas
    items = batch[names.ITEM_INDEX].flat_values
    weights = batch[names.WEIGHT].flat_values if names.WEIGHT in batch else tf.ones(tf.shape(items))
    share = {name: feature[begin:end] for name, feature in batch.items()}
    own_first = tf.roll(items, -batch[names.ITEM_INDEX].row_splits[begin], axis=0)
    return {**share, names.BATCH_ITEMS: own_first, names.BATCH_WEIGHT: tf.reduce_sum(weights)}
