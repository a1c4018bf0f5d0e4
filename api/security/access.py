"""Who may call what: one line for every route of both applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.errors import Forbidden, Unauthenticated
from contracts.values import Actor, Role


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route.

    `own` lets other signed-in callers through as well: `path` if the `{id}` of the path is their
    own, `data` because only the handler can know whose it is. It answers 404 for another's.
    """

    who: str
    roles: tuple[Role, ...] = ()
    own: Literal["nothing", "path", "data"] = "nothing"
    signed_in: bool = True
    reads_token: bool = True
    """False for routes that an expired token must not get in the way of."""

    def admit(self, actor: Actor, path_params: Mapping[str, str]) -> None:
        """Let the caller pass.

        Raises:
            Unauthenticated: one has to sign in for this.
            Forbidden: the caller has none of the roles and it is not the caller's own.
        """
        if not self.signed_in or actor.has(*self.roles):
            return
        if actor.kind == "anonymous":
            raise Unauthenticated("This needs an access token.")
        if self.own == "data":
            return
        if self.own == "path" and actor.kind == "user" and path_params.get("id") == actor.id:
            return
        raise Forbidden(f"This is for: {self.who}.")


OPEN = Rule("anyone", signed_in=False, reads_token=False)
ANYONE = Rule("anyone", signed_in=False)
OPERATOR = Rule("operator", ("operator",))
AUDITOR = Rule("auditor or operator", ("auditor", "operator"))
SELF = Rule("oneself, or an operator", ("operator",), own="path")
CREATE_ORDER = Rule(
    "a customer for oneself, an operator or service for anyone",
    ("customer", "operator", "service"),
)
OWNER = Rule("the order's customer, an operator or service", ("operator", "service"), own="data")
OWNER_OR_AUDITOR = Rule(
    "the order's customer, an operator, service or auditor",
    ("operator", "service", "auditor"),
    own="data",
)
OWN_LIST = Rule(
    "customers see their own, an operator, service or auditor all",
    ("operator", "service", "auditor"),
    own="data",
)

ACCESS: Mapping[tuple[str, str], Rule] = {
    # health
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    # users and sessions
    ("POST", "/api/users"): ANYONE,
    ("POST", "/api/sessions"): OPEN,
    ("POST", "/api/sessions/refresh"): OPEN,
    ("GET", "/api/users"): OPERATOR,
    ("GET", "/api/users/{id}"): SELF,
    ("PATCH", "/api/users/{id}"): SELF,
    ("POST", "/api/users/{id}/password"): SELF,
    ("POST", "/api/users/{id}/deactivate"): SELF,
    ("POST", "/api/users/{id}/roles"): OPERATOR,
    # products
    ("GET", "/api/products"): ANYONE,
    ("GET", "/api/products/{id}"): ANYONE,
    ("POST", "/api/products"): OPERATOR,
    ("PATCH", "/api/products/{id}"): OPERATOR,
    ("POST", "/api/products/{id}/price"): OPERATOR,
    ("POST", "/api/products/{id}/discontinue"): OPERATOR,
    ("PUT", "/api/products/{id}/sku"): OPERATOR,
    # orders
    ("POST", "/api/orders"): CREATE_ORDER,
    ("POST", "/api/orders/{id}/items"): OWNER,
    ("DELETE", "/api/orders/{id}/items/{item_id}"): OWNER,
    ("POST", "/api/orders/{id}/confirm"): OWNER,
    ("POST", "/api/orders/{id}/cancel"): OWNER,
    ("GET", "/api/orders"): OWN_LIST,
    ("GET", "/api/orders/{id}"): OWNER_OR_AUDITOR,
    ("GET", "/api/customers/{id}/orders"): SELF,
    ("GET", "/api/orders/{id}/history"): OWNER_OR_AUDITOR,
    # audit
    ("GET", "/api/audit/streams/{stream}"): AUDITOR,
    ("GET", "/api/audit/events"): AUDITOR,
    ("GET", "/api/audit/events/{id}/consequences"): AUDITOR,
    # stock
    ("POST", "/api/stock/{sku}/receipts"): OPERATOR,
    ("POST", "/api/stock/{sku}/adjustments"): OPERATOR,
    ("GET", "/api/stock"): OPERATOR,
    ("GET", "/api/stock/{sku}"): OPERATOR,
    # reports and operations
    ("GET", "/api/reports/sales"): OPERATOR,
    ("GET", "/api/projections"): OPERATOR,
    ("POST", "/api/projections/{name}/rebuild"): OPERATOR,
    ("GET", "/api/parked"): OPERATOR,
    ("POST", "/api/parked/{id}/retry"): OPERATOR,
    ("POST", "/api/parked/{id}/discard"): OPERATOR,
}


def rule_of(method: str, path: str) -> Rule:
    """The rule of a route.

    Raises:
        LookupError: nobody has said who may call it; it is not served.
    """
    rule = ACCESS.get((method, path))
    if rule is None:
        raise LookupError(f"{method} {path} has no rule in api/security/access.py")
    return rule
