"""Users' profiles."""

from __future__ import annotations

from contracts.documents import CUSTOMERS
from contracts.errors import NotFound
from contracts.values import Actor
from read_side.port import Documents, Matches, Search
from read_side.queries.paging import PageWanted, page_of
from read_side.queries.views import Page, UserView, user_view


async def get_user(documents: Documents, actor: Actor, user_id: str) -> UserView:
    """A user's profile, for themselves and for operators.

    Raises:
        NotFound: there is none, or it is another one's.
        ReadStoreUnavailable: the read store can't answer now.
    """
    themselves = actor.kind == "user" and actor.id == user_id
    user = None
    if themselves or actor.has("operator"):
        user = await documents.get(CUSTOMERS.name, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.", code="user-not-found")
    return user_view(user)


async def list_users(
    documents: Documents, page: PageWanted, *, q: str | None = None
) -> Page[UserView]:
    """A page of users, the newest first; `q` is words of name and e-mail.

    Raises:
        InvalidCursor: the cursor is not one of this list.
        ReadStoreUnavailable: the read store can't answer now.
    """
    conditions = () if q is None else (Matches(q),)
    search = Search(conditions, sort="-registered_at", limit=page.limit, cursor=page.cursor)
    return await page_of(documents, CUSTOMERS.name, search, user_view)
