"""The audit trail: who changed what, when, by which command, why, and what followed.

`event_log` is only the index. Payloads and differences come from the event store itself, by
replaying the streams that the entries stand in.
"""
