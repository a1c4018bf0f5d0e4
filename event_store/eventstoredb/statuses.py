"""What gRPC knows of a call that failed, inside the errors of the client library."""

from __future__ import annotations

import grpc

_REFUSALS = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
_LONGEST = 300
_NO_ROOT = "empty address list"
"""What gRPC says where the file of root certificates holds none."""
_CERTIFICATES = "(is TlsCaFile the certificate of the authority that signed the server's?)"


def is_refusal(error: Exception) -> bool:
    """Whether the server knows us too little, or does not let us do this."""
    status = _status_of(error)
    return status is not None and status.code() in _REFUSALS


def said(error: Exception) -> str:
    """What went wrong, in one line."""
    status = _status_of(error)
    if status is None:
        told = f"{type(error).__name__}: {error}"
    else:
        told = f"{status.code().name}: {status.details()}"
    told = told.partition("\n")[0][:_LONGEST]
    return f"{told} {_CERTIFICATES}" if _NO_ROOT in told or "SSL" in told else told


def _status_of(error: Exception) -> grpc.aio.AioRpcError | None:
    inside = (error, *error.args)
    return next((it for it in inside if isinstance(it, grpc.aio.AioRpcError)), None)
