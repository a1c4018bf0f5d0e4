"""The generations as the cluster's state has them: indices, aliases, what mappings say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from elasticsearch import ApiError, BadRequestError, NotFoundError

from contracts.documents import DocumentType
from read_side.elasticsearch.layout import Layout
from read_side.elasticsearch.names import Names, checked
from read_side.elasticsearch.server import Server, error_type
from read_side.elasticsearch.settings import PRIORITY, index_settings
from read_side.fields import Columns, decode_type, encode_type
from read_side.port import (
    Generation,
    GenerationState,
    NoActiveGeneration,
    ReadStoreError,
    ReadStoreUnavailable,
    UnknownGeneration,
)

_MOST_TRIES = 20
_STATES: tuple[GenerationState, ...] = ("active", "retired", "building")
_KNOWN_LAYOUTS = 200
_TWO_SERVE = "more than one write index"


@dataclass(frozen=True, slots=True)
class Listed:
    """A generation, and what its index says of its documents."""

    generation: Generation
    index: str
    document_type: DocumentType


class Catalogue:
    """Lists, makes, switches and drops generations.

    The state of a generation is the alias that its index is in. Each change names the state that it
    found, so the server refuses it if another process was quicker.
    """

    def __init__(self, server: Server, names: Names) -> None:
        """List what lies under these names."""
        self._server = server
        self._names = names
        self._layouts: dict[str, Layout] = {}
        self._serving: dict[str, Layout] = {}

    # ------------------------------------------------------------ looking

    async def listed(self, projection: str) -> Sequence[Listed]:
        """All generations of a projection, oldest first."""
        found = await self._indices(projection)
        listed = [self._listed(projection, index, about) for index, about in found.items()]
        return sorted(
            (one for one in listed if one is not None), key=lambda one: one.generation.number
        )

    async def highest(self, projection: str) -> int:
        """The highest number that an index has; 0 if there is none."""
        found = await self._indices(projection)
        return max((self._names.number(projection, index) or 0 for index in found), default=0)

    async def layout(self, generation: Generation) -> Layout:
        """How the generation's documents lie in its index; what never changes is asked for once.

        Raises:
            UnknownGeneration: it does not exist (any more).
        """
        index = self._names.index_of(generation)
        if (layout := self._layouts.get(index)) is None:
            for one in await self.listed(generation.projection):
                if one.index == index:
                    return self._remembered(one)
            raise unknown(generation)
        return layout

    def forget(self, generation: Generation) -> None:
        """Ask again about a generation."""
        self._layouts.pop(self._names.index_of(generation), None)

    async def serving(self, projection: str, *, anew: bool = False) -> Layout:
        """How the documents lie that answer queries.

        May be out of date unless asked for anew: use it with the alias `Names.fields`, which is
        missing then.

        Raises:
            NoActiveGeneration: there is none.
        """
        layout = None if anew else self._serving.get(projection)
        if layout is None:
            for one in await self.listed(projection):
                if one.generation.state == "active":
                    layout = self._serving[projection] = self._remembered(one)
                    return layout
            self._serving.pop(projection, None)
            raise NoActiveGeneration(f"{projection} has not been projected yet")
        return layout

    # ----------------------------------------------------------- changing

    async def create(self, kind: DocumentType, fingerprint: str, number: int) -> Generation | None:
        """Make an empty generation; None if there is one of this number."""
        name, index = checked(kind).name, self._names.index(kind.name, number)
        made = Generation(name, number, "building", fingerprint, datetime.now(UTC))
        token = uuid4().hex
        about = {
            "fingerprint": fingerprint,
            "created_at": made.created_at.isoformat(),
            "document_type": encode_type(kind),
            "made_by": token,
        }
        await self._put_template(name)
        try:
            await self._server.write(
                lambda client: client.indices.create(
                    index=index,
                    aliases={self._names.building(name): {}},
                    settings=index_settings(),
                    mappings={**Layout(Columns(kind)).mapping(), "_meta": about},
                ),
                expected=(BadRequestError,),
            )
        except BadRequestError as error:
            if error_type(error) != "resource_already_exists_exception":
                raise self._server.translated(error) from None
            # Asked twice, because an answer was lost, it may well be ours.
            found = (await self._indices(name)).get(index, {})
            return made if _about(found).get("made_by") == token else None
        return made

    async def activate(self, generation: Generation) -> None:
        """Make this the one active generation of its projection.

        Raises:
            UnknownGeneration: it was dropped.
        """
        for _ in range(_MOST_TRIES):
            listed = await self.listed(generation.projection)
            new = _found(listed, generation)
            if new.generation.state == "active":
                return
            old = [one for one in listed if one.generation.state == "active"]
            if await self._move(self._switch(new, old)):
                return
        raise ReadStoreUnavailable("Elasticsearch: others switch generations all the time")

    async def remove(self, generation: Generation) -> None:
        """Remove a generation that is not active; a repeat does nothing.

        Raises:
            ReadStoreError: it is active.
        """
        index = self._names.index_of(generation)
        for _ in range(_MOST_TRIES):
            for one in await self.listed(generation.projection):
                if one.index == index:
                    break
            else:
                break
            if one.generation.state == "active":
                raise ReadStoreError(
                    f"generation {generation.number} of {generation.projection} answers queries"
                )
            if await self._move(
                [_out(index, self._alias(generation.projection, one.generation.state))]
            ):
                break
        await self._delete(index)
        self.forget(generation)

    async def sweep(self, projection: str) -> None:
        """Delete what a killed process was about to delete."""
        for index, about in (await self._indices(projection)).items():
            if not about["aliases"] and _about(about):
                await self._delete(index)

    # ----------------------------------------------------------- in detail

    async def _indices(self, projection: str) -> Mapping[str, Any]:
        found = await self._server.read(
            lambda client: client.indices.get(
                index=self._names.pattern(projection), features=["aliases", "mappings"]
            )
        )
        number = self._names.number
        return {
            index: about for index, about in found.items() if number(projection, index) is not None
        }

    def _listed(self, projection: str, index: str, about: Mapping[str, Any]) -> Listed | None:
        number = self._names.number(projection, index)
        aliases: Mapping[str, Any] = about["aliases"]
        states: list[GenerationState] = [
            state for state in _STATES if self._alias(projection, state) in aliases
        ]
        said = _about(about)
        if not states or number is None or not said:
            return None
        created_at = datetime.fromisoformat(said["created_at"])
        generation = Generation(projection, number, states[0], said["fingerprint"], created_at)
        return Listed(generation, index, decode_type(said["document_type"]))

    def _remembered(self, listed: Listed) -> Layout:
        layout = self._layouts.get(listed.index)
        if layout is None:
            if len(self._layouts) >= _KNOWN_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[listed.index] = Layout(Columns(listed.document_type))
        return layout

    def _alias(self, projection: str, state: GenerationState) -> str:
        names = self._names
        by_state = {"active": names.serving, "retired": names.retired, "building": names.building}
        return by_state[state](projection)

    def _switch(self, new: Listed, old: Sequence[Listed]) -> list[dict[str, Any]]:
        projection = new.generation.projection
        actions: list[dict[str, Any]] = []
        for one in old:
            actions += [
                _out(one.index, self._names.serving(projection)),
                _out(one.index, self._names.fields(one.document_type)),
                _into(one.index, self._names.retired(projection)),
            ]
        return [
            *actions,
            _out(new.index, self._alias(projection, new.generation.state)),
            # Of what may be written an alias has one only: two that find none can't both succeed.
            _into(new.index, self._names.serving(projection), is_write_index=True),
            _into(new.index, self._names.fields(new.document_type)),
        ]

    async def _move(self, actions: list[dict[str, Any]]) -> bool:
        """Whether everything was still as found."""
        try:
            await self._server.write(
                lambda client: client.indices.update_aliases(actions=actions),
                expected=(ApiError,),
            )
        except ApiError as error:
            if isinstance(error, NotFoundError) or _TWO_SERVE in str(error):
                return False
            raise self._server.translated(error) from None
        return True

    async def _delete(self, index: str) -> None:
        await self._server.write(
            lambda client: client.indices.delete(index=index, ignore_unavailable=True)
        )

    async def _put_template(self, projection: str) -> None:
        """Writing to an index that was dropped must not make another one."""
        await self._server.write(
            lambda client: client.indices.put_index_template(
                name=self._names.serving(projection),
                index_patterns=[self._names.pattern(projection)],
                priority=PRIORITY,
                allow_auto_create=False,
                template={"settings": index_settings(), "mappings": {"dynamic": "strict"}},
            )
        )


def unknown(generation: Generation) -> UnknownGeneration:
    """What is raised for a generation that was dropped."""
    return UnknownGeneration(
        f"there is no generation {generation.number} of {generation.projection}"
    )


def _found(listed: Sequence[Listed], generation: Generation) -> Listed:
    for one in listed:
        if one.generation.number == generation.number:
            return one
    raise unknown(generation)


def _about(index: Mapping[str, Any]) -> Mapping[str, Any]:
    said = index.get("mappings", {}).get("_meta", {})
    return cast("Mapping[str, Any]", said if "made_by" in said else {})


def _out(index: str, alias: str) -> dict[str, Any]:
    return {"remove": {"index": index, "alias": alias, "must_exist": True}}


def _into(index: str, alias: str, **others: bool) -> dict[str, Any]:
    return {"add": {"index": index, "alias": alias, **others}}
