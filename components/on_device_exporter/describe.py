"""What the tensors of an on-device model mean, for who calls it."""

from typing import Any

from schemas import signatures as names

PADDING = (
    "contexts are filled with the oldest event first, and behind the latest with 0; context_age with -1; "
    "of more events than there is room for, take the latest"
)
_INPUTS = {
    names.CONTEXT + "item": "numbers of the items of the user's latest events, as in the file of items",
    names.CONTEXT + "genre": "numbers of the genres of the history's items, one item after the other, the latest ones; "
    "of all items of the history, not only of those there is room for in context_item",
    names.CONTEXT + "title_word": "numbers of the words of their titles, likewise",
    names.CONTEXT + "rating": "ratings that the user gave in these events",
    names.CONTEXT + "age": "days from each of these events to now, from 0",
    names.HISTORY_ITEM_ID: "[any] ids of items as in the ratings file, oldest first; unknown ones are skipped",
    names.HISTORY + "rating": "[any] ratings given in these events, as many as ids",
    names.HISTORY + "age": "[any] days from each of these events to now, from 0, as many as ids",
}
_OUTPUTS = {
    names.ITEM: "[k] numbers of items as in the file of items, the best first; 0 behind the last that is left",
    names.ITEM_ID: "[k] ids of items, the best first; empty ones behind the last that is left",
    names.SCORE: "[k] scores of these items, descending; 0 where there is no item",
}


def documented(signatures: dict[str, Any]) -> dict[str, Any]:
    """What LiteRT tells of signatures, each tensor with its meaning.

    Raises:
      RuntimeError: a tensor is none of those that a sequence model may have.
    """
    return {
        name: {
            "inputs": _with_meaning(declared["inputs"], _INPUTS),
            "outputs": _with_meaning(declared["outputs"], _OUTPUTS),
        }
        for name, declared in signatures.items()
    }


def _with_meaning(tensors: dict[str, Any], meanings: dict[str, str]) -> dict[str, Any]:
    if unknown := sorted(set(tensors) - set(meanings)):
        raise RuntimeError(f"expected tensors among {sorted(meanings)}, got {unknown}: give them a meaning")
    return {name: tensor | {"meaning": meanings[name]} for name, tensor in tensors.items()}
