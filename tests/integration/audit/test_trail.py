"""What the audit says of orders, streams, correlations and actors, over HTTP."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from contracts.commands.sales import AddItem, CancelOrder, ChangePrice, ConfirmOrder, RemoveItem
from contracts.commands.users import ChangeProfile, RegisterUser
from contracts.registry import CATEGORIES, PUBLISHED, category_of
from event_store.port import NewEvent, StreamState
from tests.integration.audit.world import CUP, TEA, World
from tests.support.commands import ADA, AUDITOR, EVE, OPERATOR, SERVICE, asked, money, uid

ENTRY = {
    "event_id", "stream", "version", "type", "occurred_at", "recorded_at", "actor", "command",
    "correlation_id", "causation_id", "summary", "changes", "payload",
}  # fmt: skip
INSIDE = [category.name for category in CATEGORIES.values() if not category.published]


def status(before: str | None, after: str) -> dict[str, Any]:
    return {"path": "status", "before": before, "after": after}


async def a_life(world: World) -> str:
    """An order that is built, confirmed by its customer and cancelled by an operator."""
    order_id = await world.order(1, TEA, CUP)
    added = await world.do(AddItem(order_id=order_id, product_id=TEA, quantity=3), ADA)
    await world.do(RemoveItem(order_id=order_id, item_id=added.ids["item_id"]), ADA)
    await world.do(ConfirmOrder(order_id=order_id), ADA)
    await world.do(CancelOrder(order_id=order_id, reason="out of tea"), OPERATOR)
    return order_id


async def test_history_when_seen_by_an_auditor_then_each_event_is_explained(world: World):
    order_id = await a_life(world)
    history = await world.items(f"/api/orders/{order_id}/history", AUDITOR)
    assert all(entry.keys() == ENTRY for entry in history)
    assert [entry["summary"] for entry in history] == [
        "Ada Lovelace created the order with 2 lines for 31.00 EUR",
        "Ada Lovelace added 3 x Tea at 12.50 EUR to the order",
        "Ada Lovelace took 3 x Tea out of the order",
        "Ada Lovelace confirmed the order",
        "Olga Operator cancelled the order: out of tea",
    ]
    created, added, removed, confirmed, cancelled = history
    assert created["occurred_at"] == "2026-01-05T10:10:00Z" < created["recorded_at"]
    assert created["actor"] == {"kind": "user", "id": ADA.id, "roles": ["customer"]}
    assert created["command"] == "CreateOrder"
    assert status(None, "created") in created["changes"]
    assert confirmed["changes"] == [status("created", "confirmed")]
    assert confirmed["payload"]["total"] == {"amount": "31.00", "currency": "EUR"}
    assert cancelled["changes"] == [
        status("confirmed", "cancelled"),
        {"path": "cancel_reason", "before": None, "after": "out of tea"},
    ]
    item_id = added["payload"]["item_id"]
    [line, total] = added["changes"]
    assert (line["path"], line["before"]) == (f"items.{item_id}", None)
    assert total["after"] == {"amount": "68.50", "currency": "EUR"}
    assert removed["changes"][0] == {**line, "before": line["after"], "after": None}


async def test_history_when_seen_by_the_customer_then_nothing_of_other_people(world: World):
    order_id = await a_life(world)
    answer = await world.get(f"/api/orders/{order_id}/history", ADA)
    assert answer.status_code == 200
    assert answer.headers["read-model"] == "fresh"
    assert OPERATOR.id not in answer.text
    assert "Olga" not in answer.text
    last = answer.json()["items"][-1]
    assert last["summary"] == "Our staff cancelled the order: out of tea"
    assert last["actor"]["id"] == last["payload"]["cancelled_by"]["id"] == "staff"
    for other in (EVE, SERVICE, OPERATOR, AUDITOR):
        seen = await world.get(f"/api/orders/{order_id}/history", other)
        assert seen.status_code == (404 if other is EVE else 200)
    for path in (
        f"/api/audit/streams/order-{order_id}",
        "/api/audit/events",
        f"/api/audit/events/{last['event_id']}/consequences",
    ):
        assert (await world.get(path, ADA)).status_code == 403
        assert (await world.get(path, AUDITOR)).status_code == 200
        assert (await world.client.get(path)).status_code == 401


async def test_person_when_renamed_then_named_by_the_new_name(world: World):
    order_id = await world.order(1, TEA)
    await world.do(ChangeProfile(user_id=ADA.id, name="Ada King"), ADA)
    await world.settled()
    [entry] = await world.items(f"/api/orders/{order_id}/history")
    assert entry["summary"].startswith("Ada King created the order")
    renamed = (await world.items(f"/api/audit/streams/user-{ADA.id}"))[-1]
    assert renamed["summary"] == "Ada King changed the name from Ada Lovelace to Ada King"


async def test_consequences_when_an_order_lived_then_the_soft_reservations_in_a_tree(world: World):
    order_id = await a_life(world)
    await world.settled()
    history = await world.items(f"/api/orders/{order_id}/history")
    found = []
    for entry in history:
        answer = await world.get(f"/api/audit/events/{entry['event_id']}/consequences")
        tree = answer.json()
        assert (tree["cause"], tree["truncated"]) == (None, False)
        assert {name: tree[name] for name in ENTRY} == entry
        found.append(sorted((e["stream"], e["summary"]) for e in tree["consequences"]))
        for effect in tree["consequences"]:
            assert effect["consequences"] == []
            assert effect["causation_id"] == entry["event_id"]
            assert effect["correlation_id"] == entry["correlation_id"]
            back = await world.get(f"/api/audit/events/{effect['event_id']}/consequences")
            assert back.json()["cause"] == entry
    order = f"for order {order_id}"
    assert found == [
        [("stock-CUP", f"The system reserved 2 {order}"),
         ("stock-TEA", f"The system reserved 2 {order}")],
        [("stock-TEA", f"The system reserved 5 instead of 2 {order}")],
        [("stock-TEA", f"The system reserved 2 instead of 5 {order}")],
        [],
        [("stock-CUP", f"The system released the 2 that were reserved {order}"),
         ("stock-TEA", f"The system released the 2 that were reserved {order}")],
    ]  # fmt: skip
    [stocked, *reserved] = await world.items("/api/audit/streams/stock-TEA")
    assert stocked["actor"]["id"] == OPERATOR.id
    assert reserved[0]["changes"][:2] == [
        {"path": "reserved", "before": 0, "after": 2},
        {"path": "available", "before": 1000, "after": 998},
    ]


async def test_events_when_paged_then_all_published_ones_as_recorded(world: World):
    order_id = await a_life(world)
    await world.settled()
    recorded = (await world.container.events.read_all(limit=10_000)).events
    expected = [str(event.id) for event in recorded if category_of(event.stream) in PUBLISHED]
    for limit in (1, 2, 7, 200):
        found = await world.items("/api/audit/events", limit=limit)
        assert [entry["event_id"] for entry in found] == expected
    by_actor = await world.items("/api/audit/events", actor=ADA.id, type="ItemAdded")
    assert [entry["stream"] for entry in by_actor] == [f"order-{order_id}"]
    [last] = await world.items("/api/audit/events", type="OrderCancelled")
    correlated = await world.items("/api/audit/events", correlation_id=last["correlation_id"])
    assert [entry["type"] for entry in correlated] == ["OrderCancelled"] + ["StockReleased"] * 2
    since = await world.items("/api/audit/events", from_=last["recorded_at"])
    until = await world.items("/api/audit/events", to=last["recorded_at"])
    assert last in since
    assert last not in until
    assert {entry["event_id"] for entry in [*since, *until]} == set(expected)
    # Recorded time, not business time, which is of January.
    assert await world.items("/api/audit/events", to="2026-02-01") == []


async def a_session(world: World) -> None:
    """Somebody registers with a password and signs in."""
    email, password = "eva@example.com", "a long pass phrase"
    register = RegisterUser(user_id=uid(5), name="Eva", email=email, password=SecretStr(password))
    await world.do(register)
    await world.container.sessions.sign_in(email, password, asked())


async def test_secret_streams_when_asked_for_in_any_way_then_as_if_not_there(world: World):
    await a_session(world)
    page = await world.container.events.read_all(limit=10_000)
    hidden = [event for event in page.events if category_of(event.stream) not in PUBLISHED]
    assert {category_of(event.stream) for event in hidden} == set(INSIDE)
    await world.settled()
    for event in hidden:
        answer = await world.get(f"/api/audit/streams/{event.stream}")
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            f"There is no stream {event.stream}.",
        )
        answer = await world.get(f"/api/audit/events/{event.id}/consequences")
        assert answer.status_code == 404
        assert await world.items("/api/audit/events", type=event.type) == []
    for category in (*INSIDE, "unknown", ""):
        for stream in (f"{category}-{ADA.id}", category, f"{category}-"):
            answer = await world.get(f"/api/audit/streams/{stream or '-'}")
            assert answer.status_code == 404
    ids = {str(event.id) for event in hidden}
    assert not ids & {entry["event_id"] for entry in await world.items("/api/audit/events")}


async def test_event_of_an_old_schema_version_when_audited_then_lifted(world: World):
    metadata = (
        b'{"$correlationId":"c","$causationId":"k","commandId":"k","command":"AddProduct","actor":'
        b'{"kind":"user","id":"%s","roles":["operator"]},"source":"old","occurredAt":'
        b'"2024-05-01T08:00:00Z","schemaVersion":1}' % OPERATOR.id.encode()
    )
    data = b'{"name":"Old tea","price":"4.20","currency":"EUR"}'
    stream = f"product-{uid(0x01D)}"
    event = NewEvent(uuid4(), "ProductAdded", data, metadata)
    await world.container.events.append(stream, [event], expected=StreamState.NO_STREAM)
    await world.do(ChangePrice(product_id=uid(0x01D), price=money("5.00")))
    added, changed = await world.items(f"/api/audit/streams/{stream}")
    assert added["payload"] == {
        "name": "Old tea",
        "description": "",
        "price": {"amount": "4.20", "currency": "EUR"},
    }
    assert added["summary"] == "Olga Operator added the product Old tea at 4.20 EUR"
    assert added["occurred_at"] == "2024-05-01T08:00:00Z"
    assert datetime.fromisoformat(added["recorded_at"]) > datetime(2026, 2, 1, tzinfo=UTC)
    assert changed["changes"] == [
        {
            "path": "price",
            "before": {"amount": "4.20", "currency": "EUR"},
            "after": {"amount": "5.00", "currency": "EUR"},
        }
    ]


async def test_event_that_can_not_be_read_when_audited_then_said_and_the_others_shown(world: World):
    order_id = await world.order(1, TEA)
    stream = f"order-{order_id}"
    [created] = await world.container.events.read_stream(stream)
    newer = created.metadata.replace(b'"schemaVersion":1', b'"schemaVersion":9')
    new = [
        NewEvent(uuid4(), "OrderPraised", b"{}", created.metadata),
        NewEvent(uuid4(), "OrderConfirmed", b"{}", newer),
        NewEvent(uuid4(), "OrderShipped", b"{}", created.metadata),
    ]
    await world.container.events.append(stream, new, expected=0)
    first, unknown, unreadable, shipped = await world.items(f"/api/orders/{order_id}/history")
    assert first["changes"]
    assert "unknown type OrderPraised" in unknown["summary"]
    assert "schema version 9" in unreadable["summary"]
    assert (unreadable["payload"], unreadable["changes"]) == (None, [])
    # What went before is not known, so nor is what changed.
    assert (shipped["changes"], shipped["payload"]) == ([], {})
    assert shipped["summary"] == "Ada Lovelace marked the order as shipped"
    path = f"/api/orders/{order_id}"
    assert [(await world.get(path, version=v)).status_code for v in range(5)] == [
        200, 200, 503, 503, 503
    ]  # fmt: skip
    assert (await world.get(path, EVE, version=3)).status_code == 404
