"""Rows as the API shows them."""

from stemwright_platform.serving.schema import (
    Brief,
    CompositionSummary,
    CompositionView,
    GenerationView,
    Lane,
    SelectionView,
    SlotView,
    TakeView,
)
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import DONE, Generation


def composition_view(services: Services, composition_id: str) -> CompositionView:
    """A composition with its slots and history."""
    compositions = services.compositions
    row = compositions.get(composition_id)
    chosen = compositions.selected(composition_id)
    takes = [TakeView.model_validate(take) for take in compositions.takes(composition_id)]
    slots = {
        track: SlotView(
            selected=chosen.get(track),
            lane=Lane.model_validate(row.lanes.get(track, {})),
            takes=[take for take in takes if take.track == track],
        )
        for track in row.tracks
    }
    return CompositionView(
        **CompositionSummary.model_validate(row).model_dump(),
        slots=slots,
        history=[
            SelectionView.model_validate(selection) for selection in compositions.history(composition_id)
        ],
        generations=list(compositions.generation_ids(composition_id)),
    )


def generation_view(services: Services, row: Generation) -> GenerationView:
    """Where a generation stands, with the takes it gave."""
    takes = services.queue.takes(row.id) if row.state == DONE else []
    return GenerationView.model_validate(
        {
            **{name: getattr(row, name) for name in GenerationView.model_fields if hasattr(row, name)},
            "request": Brief.model_validate(row.request),
            "place": services.queue.place(row),
            "takes": [TakeView.model_validate(take) for take in takes],
        }
    )
