"""The report of the on-device sequence models: a line for each file, exported or refused."""

import math

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.reporting.terminal import escape
from schemas.on_device_record import OnDeviceRecord, VariantRecord

_COLUMNS = ("file", "recall@10", "popularity", "NDCG@10", "bytes", "microseconds", "")


def show(records: tuple[OnDeviceRecord, ...], console: Console) -> None:
    """Prints a table of the files, and below it why some were refused; nothing if there are no models."""
    if not records:
        return
    table = Table(
        title="On-device sequence models",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in ("file", "") else "right", overflow="fold")
    for record in records:
        for variant in record.variants:
            table.add_row(*_cells(record, variant))
    console.print(table)
    for record in records:
        for reason in record.reasons:
            console.print(f"on-device model {record.name} is not exported: {escape(reason)}", style="yellow")
        for variant in record.variants:
            for reason in variant.reasons:
                console.print(f"{variant.file} is not exported: {escape(reason)}", style="yellow")


def _cells(record: OnDeviceRecord, variant: VariantRecord) -> list[str]:
    return [
        variant.file,
        _number(variant.recall_at_10, ".4f"),
        _number(record.measures[0].popularity.recall_at_10.value, ".4f"),
        _number(variant.ndcg_at_10, ".4f"),
        _number(variant.bytes, ",d"),
        _number(variant.latency_us, ".1f"),
        "[green]exported[/]" if variant.exported else "[bold red]refused[/]",
    ]


def _number(value: float | None, form: str) -> str:
    return "" if value is None or math.isnan(value) else format(value, form)
