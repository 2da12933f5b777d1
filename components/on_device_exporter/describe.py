"""Descriptions of the tensors of an on-device model, for the authors of apps."""

from typing import Any

from schemas import signatures as names

PADDING = (
    "contexts start with the oldest event; pad them at the end with 0, context_age with -1; "
    "if there are more events than fit, take the latest"
)
_INPUTS = {
    names.CONTEXT + "item": "numbers of the items of the user's latest events, as in the file of items",
    names.CONTEXT
    + "genre": "numbers of the genres of the history's items, item by item, as many of the latest as fit; "
    "from all items of the history, not only those that fit in context_item",
    names.CONTEXT + "title_word": "numbers of the words of the titles of the history's items, like context_genre",
    names.CONTEXT + "rating": "ratings that the user gave in these events",
    names.CONTEXT + "age": "days from each of these events to now, from 0",
    names.HISTORY_ITEM_ID: "[any] ids of items as in the ratings file, oldest first; unknown ones are skipped",
    names.HISTORY + "rating": "[any] ratings given in these events, one for each id",
    names.HISTORY + "age": "[any] days from each of these events to now, from 0, one for each id",
}
_OUTPUTS = {
    names.ITEM: "[k] numbers of items as in the file of items, best first; padded with 0 if fewer items are left",
    names.ITEM_ID: "[k] ids of items, best first; padded with empty ids if fewer items are left",
    names.SCORE: "[k] scores of these items, descending; 0 where there is no item",
}


def documented(signatures: dict[str, Any]) -> dict[str, Any]:
    """Adds its meaning to each tensor of the signatures that LiteRT reports.

    Raises:
      RuntimeError: a tensor has no description.
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
        raise RuntimeError(f"expected tensors among {sorted(meanings)}, got {unknown}: describe them too")
    return {name: tensor | {"meaning": meanings[name]} for name, tensor in tensors.items()}
