"""How EventStoreDB behaves over gRPC, asked through `esdbclient` and, where that hides it, raw.

Without further ado the suite runs against the development server. When
`ORDERLOG_TEST_EVENTSTOREDB` holds the URI of a real server (`esdb://localhost:2113?Tls=false`),
it runs against that one; files that kill and restart a server of their own, or that are about the
development server itself, are not collected then.

Tests are numbered by what they are about, each says its fact itself:
1 services; 2 the model: positions, revisions, recorded events; 3 appends: 3.1 to 3.5 messages, 3.6
the checks of the expected version in their order, 3.7 to 3.9 what is special, 3.10 to 3.13 replies,
3.14 refusals; 4 deletes and tombstones; 5 reading: 5.1 to 5.6 streams, 5.7 to 5.11 all; 6 catch-up
subscriptions; 7 gossip; 8 persistent subscriptions as far as their settings go.
"""
